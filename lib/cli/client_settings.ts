/**
 * The flags of `gcheck`: the one place from which their parsing, help and reference come.
 * @module
 */
import { formatAddress, type HostPort } from "../address.ts";
import { formatDuration } from "../duration.ts";
import { UsageError } from "../errors.ts";
import { parseAmount, parseNodePatterns, parseTagConditions } from "../gossip/targets.ts";
import type { Amount, TagCondition, Target } from "../gossip/types.ts";
import {
  BATCH_EXPIRES_DEFAULT_MS,
  BATCH_EXPIRES_MAX_MS,
  DEFAULT_CLIENT_PORT,
  RESULTS_TIMEOUT_DEFAULT_MS,
  ROLLOUT_MAX_FAILURES_MAX,
} from "../limits.ts";
import { closestString } from "../std/closest_string.ts";
import { type CommandName, COMMANDS, type WorkingCommand } from "./command_table.ts";
import { parseFlags, type ProgramFlags, readBoolean } from "./flags.ts";
import { commandHelp, type HelpRequest, programHelp, versionText } from "./help.ts";
import { OUTPUT_NAMES, OUTPUTS } from "./outputs/registry.ts";
import {
  durationIn,
  durationRange,
  integerIn,
  oneOfWords,
  type Range,
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
  /** The name of an output format. */
  readonly output: string;
}

/** What `gcheck` was told to do. */
export interface ClientSettings {
  /** What to do. */
  readonly command: WorkingCommand;
  /** A batch id, or the start of one; what to do with keys. */
  readonly argument?: string;
  /** A key's fingerprint. */
  readonly secondArgument?: string;
  /** A file with a key; `-` for stdin. */
  readonly keyFile?: string;
  /** The check file; `-` for stdin. Present where the command needs one. */
  readonly file?: string;
  /** The daemon to ask. */
  readonly server: HostPort;
  /** How long to wait for results, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether to wait for results. */
  readonly wait: boolean;
  /** Which members a batch is for. */
  readonly target: Target;
  /** A random sample of them; absent for all. */
  readonly limit?: Amount;
  /** In stages of `size`, until more than `maxFailures` members failed; absent where all start at once. */
  readonly rollout?: {
    /** Members a stage. */
    readonly size: Amount;
    /** Failures that it bears. */
    readonly maxFailures: number;
  };
  /** How long others may still take the batch up, in milliseconds; 0 for ever. */
  readonly expiresInMs: number;
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
      meaning: "Only members of these names; * stands for any characters, ? for one. With " +
        "-target, both must fit.",
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
    output: {
      placeholder: "FORMAT",
      meaning: `${OUTPUTS.map(({ name, summary }) => `${name} (${summary})`).join(", ")}.`,
      defaultText: "text",
      fallback: "text",
      read: oneOfWords(OUTPUT_NAMES),
    },
  },
};

/** Flags that say what a command is to do: giving one to a command that does not do it is an error. */
const STRICT_FLAGS: readonly (keyof ClientFlags)[] = [
  "file",
  "no-wait",
  "target",
  "nodes",
  "limit",
  "batch-size",
  "max-failures",
  "expires",
  "key-file",
];

/** Reads the command line of `gcheck`. Raises `UsageError` naming the flag or argument. */
export function parseClientArguments(args: readonly string[]): ClientSettings | HelpRequest {
  const { values, given, positional, asked } = parseFlags(args, CLIENT_FLAGS);
  const [word, ...rest] = positional;
  if (asked === "version") return { help: versionText(CLIENT_FLAGS) };
  if (asked === "help") return { help: clientHelp(word) };
  const command = readCommand(word);
  const definition = COMMANDS[command];
  const most = definition.argument === undefined ? 0 : definition.takesSecondArgument ? 2 : 1;
  const [argument, secondArgument] = rest.slice(0, most);
  const stray = rest[most];
  if (stray !== undefined) {
    throw new UsageError(`unexpected argument ${JSON.stringify(stray)} after ${command}`);
  }
  if (command === "version") return { help: versionText(CLIENT_FLAGS) };
  if (command === "help") return { help: clientHelp(argument) };
  checkFlags(command, { values, given });
  if (definition.argument?.startsWith("[") === false && (argument ?? "") === "") {
    throw new UsageError(`command ${command} needs ${definition.argument}: ${definition.summary}`);
  }
  return {
    command,
    ...(argument === undefined ? {} : { argument }),
    ...(secondArgument === undefined ? {} : { secondArgument }),
    ...(values["key-file"] === undefined ? {} : { keyFile: values["key-file"] }),
    ...(values.file === undefined ? {} : { file: values.file }),
    server: values.server,
    timeoutMs: values.timeout,
    wait: !values["no-wait"],
    output: values.output,
    ...recipients(values),
    expiresInMs: values.expires,
  };
}

/** Raises `UsageError` where a flag means nothing to the command, or beside the others. */
function checkFlags(
  command: WorkingCommand,
  { values, given }: { values: ClientFlags; given: ReadonlySet<string> },
): void {
  const { flags } = COMMANDS[command];
  for (const flag of STRICT_FLAGS) {
    if (given.has(flag) && !flags.includes(flag)) {
      throw new UsageError(`flag -${flag} means nothing to ${command}: leave it out`);
    }
  }
  if (given.has("max-failures") && !given.has("batch-size")) {
    throw new UsageError(
      "flag -max-failures means nothing without -batch-size: give both, or leave it out",
    );
  }
  if (flags.includes("file") && values.file === undefined) {
    throw new UsageError(`command ${command} needs checks: give -file FILE, or -file - for stdin`);
  }
}

function recipients(values: ClientFlags): Pick<ClientSettings, "target" | "limit" | "rollout"> {
  const { target, nodes, limit, "batch-size": size, "max-failures": maxFailures } = values;
  return {
    target: {
      ...(target.length === 0 ? {} : { tags: target }),
      ...(nodes.length === 0 ? {} : { nodes }),
    },
    ...(limit === undefined ? {} : { limit }),
    ...(size === undefined ? {} : { rollout: { size, maxFailures } }),
  };
}

function readExpiry(text: string): number {
  return text === "never" ? 0 : durationIn(EXPIRES_RANGE)(text);
}

/** The reference of `gcheck`, or of one of its commands. Raises `UsageError` for an unknown one. */
export function clientHelp(command?: string): string {
  return command === undefined
    ? programHelp(CLIENT_FLAGS, {
      summary: "Sends checks and actions to a cluster of gossipcheckd and shows what came of them.",
      usage: "gcheck [flags] COMMAND",
      commands: COMMANDS,
    })
    : commandHelp(CLIENT_FLAGS, { name: command, command: COMMANDS[readCommand(command)] });
}

function readCommand(word: string | undefined): CommandName {
  const names = Object.keys(COMMANDS) as CommandName[];
  if (word === undefined) {
    throw new UsageError(`no command given: expected ${names.join(", ")}`);
  }
  const found = names.find((name) => name === word);
  if (found !== undefined) return found;
  const shown = JSON.stringify(word);
  const nearest = closestString(word, names);
  throw new UsageError(`unknown command ${shown}: the nearest known one is ${nearest}`);
}
