/**
 * The flags of `gcheck`. To add one, add an entry: the settings' type, parsing, the commands that
 * accept it, help and the README's table come from it.
 * @module
 */
import { formatDuration } from "../duration.ts";
import { parseNodePatterns, parseTagConditions, type TagCondition } from "../batch/target.ts";
import { type Amount, parseAmount } from "../batch/amount.ts";
import {
  BATCH_EXPIRES_DEFAULT_MS,
  BATCH_EXPIRES_MAX_MS,
  DEFAULT_CLIENT_PORT,
  RESULTS_TIMEOUT_DEFAULT_MS,
  ROLLOUT_MAX_FAILURES_MAX,
} from "../limits.ts";
import type { WorkingCommand } from "./command_table.ts";
import {
  durationBetween,
  durationOrNever,
  FILE,
  FILE_OR_DASH,
  integerBetween,
  oneOf,
  REMOTE_ADDRESS,
  SIGNER_NAME,
} from "./flag_values.ts";
import type { Flag, FlagTable, ValueKind } from "./flags.ts";
import { OUTPUT_NAMES, OUTPUTS } from "./outputs/registry.ts";

/** One entry of the table: a flag and the commands that use it. */
export type ClientFlag = Flag & {
  /** The commands that use it. */
  readonly commands: readonly WorkingCommand[];
  /**
   * Whether the other commands ignore the flag, so that a shell alias can include it. They refuse
   * any other flag that they do not use.
   */
  readonly ignoredElsewhere?: true;
};

/** The flags of `gcheck` by name, in the order of help. */
export type ClientFlagTable = Readonly<Record<string, ClientFlag>>;

const ASK_DAEMON = ["check", "list-members", "results", "cancel", "keys"] as const;
const READ_CHECKS = ["check", "local-check", "validate"] as const;

const TARGET: ValueKind<readonly TagCondition[]> = {
  placeholder: "TAG=VALUE,…",
  parse: parseTagConditions,
};
const NODES: ValueKind<readonly string[]> = { placeholder: "NAME,…", parse: parseNodePatterns };
const AMOUNT: ValueKind<Amount> = { placeholder: "N|N%", parse: parseAmount };

/** The flags of `gcheck`. */
export const CLIENT_FLAGS = {
  file: {
    field: "file",
    value: FILE_OR_DASH,
    unset: "none",
    meaning: "Check file; - is stdin.",
    commands: READ_CHECKS,
  },
  server: {
    field: "server",
    value: REMOTE_ADDRESS,
    default: `127.0.0.1:${DEFAULT_CLIENT_PORT}`,
    meaning: "Address of the daemon (its -cli-bind).",
    commands: ASK_DAEMON,
    ignoredElsewhere: true,
  },
  "token-file": {
    field: "tokenFile",
    value: FILE,
    unset: "the file in the environment variable GOSSIPCHECK_TOKEN, or else the file that the " +
      "daemon names",
    meaning: "File with the daemon's token.",
    commands: ASK_DAEMON,
    ignoredElsewhere: true,
  },
  timeout: {
    field: "timeoutMs",
    value: durationBetween({ least: 1, most: 7 * 24 * 3_600_000 }),
    default: formatDuration(RESULTS_TIMEOUT_DEFAULT_MS),
    meaning: "How long to wait for results. The batch continues after that.",
    commands: ASK_DAEMON,
    ignoredElsewhere: true,
  },
  "no-wait": {
    field: "wait",
    on: false,
    off: true,
    meaning: "Print the id of the batch and do not wait for results.",
    commands: ["check"],
  },
  target: {
    field: "targetTags",
    value: TARGET,
    unset: "all members",
    meaning: "Only members whose tags meet every condition. TAG!=VALUE selects members with " +
      "another value or without the tag. The other members forward the batch and do not run it.",
    commands: ["check"],
  },
  nodes: {
    field: "targetNodes",
    value: NODES,
    unset: "all members",
    meaning: "Only members with these names; * stands for any characters, ? for any one. A name " +
      "without wildcards must be that of a member; one that failed or left counts as unreached. " +
      "With -target, both must match.",
    commands: ["check"],
  },
  limit: {
    field: "limit",
    value: AMOUNT,
    unset: "no limit",
    meaning: "Only a random sample of the selected members: N members, or N percent.",
    commands: ["check"],
  },
  "batch-size": {
    field: "batchSize",
    value: AMOUNT,
    unset: "all members at once",
    meaning: "Roll out in stages of N members, or N percent of all, in random order. A stage " +
      "starts when all members of the one before have reported or failed.",
    tradeOff: "Larger stages finish sooner; smaller ones break fewer members before the roll-out " +
      "stops.",
    commands: ["check"],
  },
  "max-failures": {
    field: "maxFailures",
    value: integerBetween({ least: 0, most: ROLLOUT_MAX_FAILURES_MAX }),
    default: "0",
    meaning: "With -batch-size: start no further stage if more members than this have an outcome " +
      "other than pass or were unreached.",
    commands: ["check"],
  },
  expires: {
    field: "expiresInMs",
    value: durationOrNever({ least: 1_000, most: BATCH_EXPIRES_MAX_MS }),
    default: formatDuration(BATCH_EXPIRES_DEFAULT_MS),
    meaning: "How long after it was sent a member may still start the batch.",
    tradeOff: "A longer time reaches members that return late; a shorter one keeps a new member " +
      "from running old batches.",
    commands: ["check"],
  },
  "key-file": {
    field: "keyFile",
    value: FILE_OR_DASH,
    unset: "none",
    meaning: "File with a cluster key in base64; - is stdin. The file must be readable by its " +
      "owner only.",
    commands: ["keys"],
  },
  sign: {
    field: "signKeyFile",
    value: { ...FILE_OR_DASH, placeholder: "KEYFILE" },
    unset: "none",
    meaning: "File with a private key from keygen -sign, which signs the batch: nodes with " +
      "-trusted-keys run only batches signed by one of these keys. The file must be readable by " +
      "its owner only.",
    commands: ["check", "keys", "keygen"],
  },
  out: {
    field: "outFile",
    value: FILE_OR_DASH,
    unset: "stdout",
    meaning: "File to create for the key of keygen, readable by its owner only. An existing file " +
      "is not overwritten.",
    commands: ["keygen"],
  },
  name: {
    field: "signerName",
    value: SIGNER_NAME,
    default: "operator",
    meaning: "For keygen -sign: the name of the key in results and audit logs.",
    commands: ["keygen"],
  },
  output: {
    field: "output",
    value: oneOf(OUTPUT_NAMES, { placeholder: "FORMAT" }),
    default: "text",
    meaning: `Format: ${OUTPUTS.map(({ name, summary }) => `${name} (${summary})`).join(", ")}.`,
    commands: [...ASK_DAEMON, "local-check", "keygen", "validate"],
    ignoredElsewhere: true,
  },
} as const satisfies ClientFlagTable;

/** The flags as `keygen` parses them: `-sign` is a switch there. */
export const KEYGEN_FLAGS = {
  ...CLIENT_FLAGS,
  sign: {
    field: "signKeyFile",
    on: "",
    meaning: "Generate a key that signs batches, and print its line for -trusted-keys.",
    commands: ["keygen"],
  },
} as const satisfies ClientFlagTable;

/** The flags that a command uses, in their order. */
export function flagsOf(command: string, flags: ClientFlagTable): FlagTable {
  return Object.fromEntries(
    Object.entries(flags).filter(([, { commands }]) => commands.some((name) => name === command)),
  );
}

/** Whether a command uses a flag. */
export function takesFlag(command: WorkingCommand, name: keyof typeof CLIENT_FLAGS): boolean {
  const { commands }: ClientFlag = CLIENT_FLAGS[name];
  return commands.includes(command);
}
