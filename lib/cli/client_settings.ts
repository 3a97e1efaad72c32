/**
 * From the command line of `gcheck` to its settings, and the rules between its flags.
 * @module
 */
import type { HostPort } from "../address.ts";
import { UsageError } from "../errors.ts";
import type { Amount, RolloutOptions, Target } from "../gossip/types.ts";
import { closestString } from "../std/closest_string.ts";
import { CLIENT_FLAGS, type ClientFlags, KEYGEN_FLAGS } from "./client_flags.ts";
import { type CommandName, COMMANDS, type WorkingCommand } from "./command_table.ts";
import { parseFlags, positionalArguments } from "./flags.ts";
import { commandHelp, type HelpRequest, programHelp, versionText } from "./help.ts";

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
  /** The file of the key that signs; empty where a key that signs is to be made. */
  readonly signKeyFile?: string;
  /** The file to be made. */
  readonly outFile?: string;
  /** Whose key is made. */
  readonly signerName: string;
  /** The file of the token that the daemon asks for. */
  readonly tokenFile?: string;
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
  readonly rollout?: RolloutOptions;
  /** How long others may still take the batch up, in milliseconds; 0 for ever. */
  readonly expiresInMs: number;
  /** The name of an output format. */
  readonly output: string;
}

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
  "sign",
  "out",
  "name",
];

/** Reads the command line of `gcheck`. Raises `UsageError` naming the flag or argument. */
export function parseClientArguments(args: readonly string[]): ClientSettings | HelpRequest {
  // Only the command tells whether -sign has a value.
  const isKeygen = positionalArguments(args, KEYGEN_FLAGS)[0] === "keygen";
  const program = isKeygen ? KEYGEN_FLAGS : CLIENT_FLAGS;
  const { values, given, positional, asked } = parseFlags(args, program);
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
    ...filesOf(values),
    signerName: values.name,
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
  if (command === "keygen" && given.has("name") && values.sign === undefined) {
    throw new UsageError("flag -name means nothing without -sign: a cluster key is nobody's own");
  }
  if (flags.includes("file") && values.file === undefined) {
    throw new UsageError(`command ${command} needs checks: give -file FILE, or -file - for stdin`);
  }
}

function filesOf(
  values: ClientFlags,
): Pick<ClientSettings, "file" | "keyFile" | "signKeyFile" | "outFile" | "tokenFile"> {
  const { file, "key-file": keyFile, sign, out, "token-file": tokenFile } = values;
  return {
    ...(file === undefined ? {} : { file }),
    ...(keyFile === undefined ? {} : { keyFile }),
    ...(sign === undefined ? {} : { signKeyFile: sign }),
    ...(out === undefined ? {} : { outFile: out }),
    ...(tokenFile === undefined ? {} : { tokenFile }),
  };
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

/** The reference of `gcheck`, or of one of its commands. Raises `UsageError` for an unknown one. */
export function clientHelp(command?: string): string {
  return command === undefined
    ? programHelp(CLIENT_FLAGS, {
      summary: "Sends checks and actions to a cluster of gossipcheckd and shows what came of them.",
      usage: "gcheck [flags] COMMAND",
      commands: COMMANDS,
    })
    : commandHelp(command === "keygen" ? KEYGEN_FLAGS : CLIENT_FLAGS, {
      name: command,
      command: COMMANDS[readCommand(command)],
    });
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
