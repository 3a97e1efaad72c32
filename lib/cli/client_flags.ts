/**
 * The flags of `gcheck`: the one place from which their parsing, help and reference come.
 * @module
 */
import { formatAddress, type HostPort } from "../address.ts";
import { formatDuration } from "../duration.ts";
import { parseAmount, parseNodePatterns, parseTagConditions } from "../batch/target.ts";
import type { Amount, TagCondition } from "../gossip/types.ts";
import {
  BATCH_EXPIRES_DEFAULT_MS,
  BATCH_EXPIRES_MAX_MS,
  DEFAULT_CLIENT_PORT,
  RESULTS_TIMEOUT_DEFAULT_MS,
  ROLLOUT_MAX_FAILURES_MAX,
} from "../limits.ts";
import { UsageError } from "../errors.ts";
import { type ProgramFlags, readBoolean } from "./flags.ts";
import { OUTPUT_NAMES, OUTPUTS } from "./outputs/registry.ts";
import {
  durationIn,
  durationRange,
  integerIn,
  oneOfWords,
  type Range,
  readName,
  readPath,
  readRemoteAddress,
} from "./values.ts";

/** What each flag of `gcheck` gives. */
export interface ClientFlags {
  /** The check file; `-` for stdin. */
  readonly file: string | undefined;
  /** The daemon to ask. */
  readonly server: HostPort;
  /** How long to wait, in milliseconds. */
  readonly timeout: number;
  /** Whether to return at once. */
  readonly "no-wait": boolean;
  /** Conditions on members' tags. */
  readonly target: readonly TagCondition[];
  /** Members' names and patterns. */
  readonly nodes: readonly string[];
  /** The size of a random sample. */
  readonly limit: Amount | undefined;
  /** The size of a stage. */
  readonly "batch-size": Amount | undefined;
  /** The failures that a staged roll-out bears. */
  readonly "max-failures": number;
  /** How long the batch lives, in milliseconds; 0 for ever. */
  readonly expires: number;
  /** A file with a key; `-` for stdin. */
  readonly "key-file": string | undefined;
  /** The file of the key that signs; empty where a key that signs is to be made. */
  readonly sign: string | undefined;
  /** The file to be made. */
  readonly out: string | undefined;
  /** Whose key is made. */
  readonly name: string;
  /** The file of the token that the daemon asks for. */
  readonly "token-file": string | undefined;
  /** The name of an output format. */
  readonly output: string;
}

const TIMEOUT_RANGE: Range = { least: 1, most: 7 * 24 * 3_600_000 };
const EXPIRES_RANGE: Range = { least: 1_000, most: BATCH_EXPIRES_MAX_MS };
const DEFAULT_SERVER: HostPort = { hostname: "127.0.0.1", port: DEFAULT_CLIENT_PORT };

/** The flags of `gcheck`. */
export const CLIENT_FLAGS: ProgramFlags<ClientFlags> = {
  program: "gcheck",
  flags: {
    file: {
      placeholder: "FILE",
      meaning: "The checks to run; - is stdin.",
      defaultText: "none",
      fallback: undefined,
      read: readPath,
    },
    server: {
      placeholder: "HOST:PORT",
      meaning: "The gossipcheckd to ask, by its -cli-bind address.",
      defaultText: formatAddress(DEFAULT_SERVER),
      fallback: DEFAULT_SERVER,
      read: readRemoteAddress,
    },
    "token-file": {
      placeholder: "FILE",
      meaning: "The token that the daemon asks for. Without it, the file that GOSSIPCHECK_TOKEN " +
        "names; without that, the one that the daemon says is its own.",
      defaultText: "found by itself",
      fallback: undefined,
      read: readPath,
    },
    timeout: {
      placeholder: "DURATION",
      meaning: "How long to wait for results. The batch goes on when the time is up.",
      range: durationRange(TIMEOUT_RANGE),
      defaultText: formatDuration(RESULTS_TIMEOUT_DEFAULT_MS),
      fallback: RESULTS_TIMEOUT_DEFAULT_MS,
      read: durationIn(TIMEOUT_RANGE),
    },
    "no-wait": {
      meaning: "Print the batch's id and return at once.",
      defaultText: "off",
      fallback: false,
      read: readBoolean,
    },
    target: {
      placeholder: "TAG=VALUE,…",
      meaning: "Only members whose tags meet all of these; TAG!=VALUE for those with another " +
        "value or none. The others carry the batch on and report nothing.",
      defaultText: "every member",
      fallback: [],
      read: parseTagConditions,
    },
    nodes: {
      placeholder: "NAME,…",
      meaning:
        "Only members of these names; * stands for any characters, ? for one. A whole name " +
        "that no member has is refused; its member counts as unreached where it has failed or " +
        "left. With -target, both must fit.",
      defaultText: "every member",
      fallback: [],
      read: parseNodePatterns,
    },
    limit: {
      placeholder: "N|N%",
      meaning: "Only so many of those members, or so many of a hundred, drawn at random.",
      defaultText: "all of them",
      fallback: undefined,
      read: parseAmount,
    },
    "batch-size": {
      placeholder: "N|N%",
      meaning: "Roll out in stages of so many members, or so many of a hundred, in random order: " +
        "a stage starts when all of the one before have answered or failed.",
      tradeOff: "Larger is done sooner; smaller breaks fewer members before it stops.",
      defaultText: "all at once",
      fallback: undefined,
      read: parseAmount,
    },
    "max-failures": {
      placeholder: "N",
      meaning: "With -batch-size, start no further stage once more members than this have an " +
        "outcome other than pass, or could not be reached.",
      range: `0 to ${ROLLOUT_MAX_FAILURES_MAX}`,
      defaultText: "0",
      fallback: 0,
      read: integerIn({ least: 0, most: ROLLOUT_MAX_FAILURES_MAX }),
    },
    expires: {
      placeholder: "DURATION|never",
      meaning: "How long members that were away may still take the batch up.",
      tradeOff: "Longer reaches those that come back late; shorter spares new ones old commands.",
      range: `${durationRange(EXPIRES_RANGE)}, or never`,
      defaultText: formatDuration(BATCH_EXPIRES_DEFAULT_MS),
      fallback: BATCH_EXPIRES_DEFAULT_MS,
      read: readExpiry,
    },
    "key-file": {
      placeholder: "FILE",
      meaning:
        "A cluster key in base64, for keys; - is stdin. Only its owner may be able to read " +
        "the file.",
      defaultText: "none",
      fallback: undefined,
      read: readPath,
    },
    sign: {
      placeholder: "KEYFILE",
      meaning: "Sign the batch with this key, made by keygen -sign: nodes with -trusted-keys run " +
        "no other. Only its owner may be able to read the file.",
      defaultText: "none",
      fallback: undefined,
      read: readPath,
    },
    out: {
      placeholder: "FILE",
      meaning:
        "For keygen: the file to make, for its owner alone. One that is there is left alone.",
      defaultText: "stdout",
      fallback: undefined,
      read: readPath,
    },
    name: {
      placeholder: "NAME",
      meaning: "For keygen -sign: whose key it is, as results and audit logs show it.",
      defaultText: "operator",
      fallback: "operator",
      read: readSignerName,
    },
    output: {
      placeholder: "FORMAT",
      meaning: `${OUTPUTS.map(({ name, summary }) => `${name} (${summary})`).join(", ")}.`,
      defaultText: "text",
      fallback: "text",
      read: oneOfWords(OUTPUT_NAMES),
    },
  },
};

function readExpiry(text: string): number {
  return text === "never" ? 0 : durationIn(EXPIRES_RANGE)(text);
}

/** A signer's name: one word, since it begins a line of `-trusted-keys`. */
function readSignerName(text: string): string {
  const name = readName(text);
  if (!/\s/.test(name) && !name.startsWith("#")) return name;
  throw new UsageError(`bad name ${JSON.stringify(text)}: expected one word`);
}

/** The flags as `keygen` takes them: there, `-sign` has no value. */
export const KEYGEN_FLAGS: ProgramFlags<ClientFlags> = {
  ...CLIENT_FLAGS,
  flags: {
    ...CLIENT_FLAGS.flags,
    sign: {
      meaning: "Make a key that signs batches instead; what is printed is its line for " +
        "-trusted-keys.",
      defaultText: "off",
      fallback: undefined,
      read: (text) => readBoolean(text) ? "" : undefined,
    },
  },
};
