/**
 * The flags of `gcheck`: the one place from which their parsing, help and reference come.
 * @module
 */
import { formatAddress, type HostPort } from "../address.ts";
import { formatDuration } from "../duration.ts";
import { UsageError } from "../errors.ts";
import { DEFAULT_CLIENT_PORT, RESULTS_TIMEOUT_DEFAULT_MS } from "../limits.ts";
import { closestString } from "../std/closest_string.ts";
import { type CommandName, COMMANDS, type WorkingCommand } from "./command_table.ts";
import { parseFlags, type ProgramFlags, readBoolean } from "./flags.ts";
import { commandHelp, type HelpRequest, programHelp, versionText } from "./help.ts";
import { OUTPUT_NAMES, OUTPUTS } from "./outputs/registry.ts";
import {
  durationIn,
  durationRange,
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
  /** The name of an output format. */
  readonly output: string;
}

/** What `gcheck` was told to do. */
export interface ClientSettings {
  /** What to do. */
  readonly command: WorkingCommand;
  /** A batch id, or the start of one. */
  readonly argument?: string;
  /** The check file; `-` for stdin. Present where the command needs one. */
  readonly file?: string;
  /** The daemon to ask. */
  readonly server: HostPort;
  /** How long to wait for results, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether to wait for results. */
  readonly wait: boolean;
  /** The name of an output format. */
  readonly output: string;
}

const TIMEOUT_RANGE: Range = { least: 1, most: 7 * 24 * 3_600_000 };
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
const STRICT_FLAGS: readonly (keyof ClientFlags)[] = ["file", "no-wait"];

/** Reads the command line of `gcheck`. Raises `UsageError` naming the flag or argument. */
export function parseClientArguments(args: readonly string[]): ClientSettings | HelpRequest {
  const { values, given, positional, asked } = parseFlags(args, CLIENT_FLAGS);
  const [word, ...rest] = positional;
  if (asked === "version") return { help: versionText(CLIENT_FLAGS) };
  if (asked === "help") return { help: clientHelp(word) };
  const command = readCommand(word);
  const definition = COMMANDS[command];
  const [argument, stray] = definition.argument === undefined ? [undefined, rest[0]] : rest;
  if (stray !== undefined) {
    throw new UsageError(`unexpected argument ${JSON.stringify(stray)} after ${command}`);
  }
  if (command === "version") return { help: versionText(CLIENT_FLAGS) };
  if (command === "help") return { help: clientHelp(argument) };
  for (const flag of STRICT_FLAGS) {
    if (given.has(flag) && !definition.flags.includes(flag)) {
      throw new UsageError(`flag -${flag} means nothing to ${command}: leave it out`);
    }
  }
  if (definition.flags.includes("file") && values.file === undefined) {
    throw new UsageError(`command ${command} needs checks: give -file FILE, or -file - for stdin`);
  }
  return {
    command,
    ...(argument === undefined ? {} : { argument }),
    ...(values.file === undefined ? {} : { file: values.file }),
    server: values.server,
    timeoutMs: values.timeout,
    wait: !values["no-wait"],
    output: values.output,
  };
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
