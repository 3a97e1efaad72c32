/**
 * The command line of `gcheck`: its settings, the rules between its flags and commands, and its
 * help.
 * @module
 */
import { closestString } from "@std/text/closest-string";
import { UsageError } from "../errors.ts";
import type { RolloutOptions } from "../batch/progress.ts";
import type { Target } from "../batch/target.ts";
import {
  CLIENT_FLAGS,
  type ClientFlagTable,
  flagsOf,
  KEYGEN_FLAGS,
  takesFlag,
} from "./client_flags.ts";
import { type CommandName, COMMANDS, type WorkingCommand } from "./command_table.ts";
import {
  type CommandLine,
  parseFlags,
  positionalArguments,
  type SettingsOf,
  type TextRequest,
} from "./flags.ts";
import { commandHelp, type HelpRequest, programHelp, versionText } from "./help.ts";

/** The fields that the flags of `gcheck` fill: each comes from an entry of `CLIENT_FLAGS`. */
export type ClientFlagSettings = SettingsOf<typeof CLIENT_FLAGS>;

/** The fields that are combined into `target` and `rollout`. */
export type CombinedField = "targetTags" | "targetNodes" | "batchSize" | "maxFailures";

/** The settings of `gcheck`: its command, its arguments and the values of its flags. */
export interface ClientSettings extends Omit<ClientFlagSettings, CombinedField> {
  readonly command: WorkingCommand;
  /** The id of a batch, or its start; for `keys`, the step. */
  readonly argument?: string;
  /** The fingerprint of a key. */
  readonly secondArgument?: string;
  /** The members that run the batch. */
  readonly target: Target;
  /** Stages, and the failures that end the roll-out; absent if all members start at once. */
  readonly rollout?: RolloutOptions;
}

/** Parses the command line of `gcheck`. Raises `UsageError` that names the flag or argument. */
export function parseClientArguments(args: readonly string[]): ClientSettings | HelpRequest {
  const parsed = parseClientFlags(args);
  const [word, ...rest] = parsed.positional;
  if (parsed.request !== undefined) {
    return { help: parsed.request === "help" ? clientHelp(word) : versionText("gcheck") };
  }
  const command = readCommand(word);
  const { argument: expected, takesSecondArgument, summary } = COMMANDS[command];
  const most = expected === undefined ? 0 : takesSecondArgument ? 2 : 1;
  const [argument, secondArgument] = rest.slice(0, most);
  const stray = rest[most];
  if (stray !== undefined) {
    throw new UsageError(`unexpected argument ${JSON.stringify(stray)} after ${command}`);
  }
  if (command === "version") return { help: versionText("gcheck") };
  if (command === "help") return { help: clientHelp(argument) };
  checkFlagsOf(command, { given: parsed.given, flags: CLIENT_FLAGS });
  checkCombinations(command, parsed);
  if (expected?.startsWith("[") === false && (argument ?? "") === "") {
    throw new UsageError(`command ${command} needs ${expected}: ${summary}`);
  }
  return {
    command,
    ...(argument === undefined ? {} : { argument }),
    ...(secondArgument === undefined ? {} : { secondArgument }),
    ...combined(parsed.settings),
  };
}

/** Only the command decides whether `-sign` has a value. */
function parseClientFlags(args: readonly string[]): CommandLine<typeof CLIENT_FLAGS> | TextRequest {
  const isKeygen = positionalArguments(args, KEYGEN_FLAGS)[0] === "keygen";
  return isKeygen ? parseFlags(args, KEYGEN_FLAGS) : parseFlags(args, CLIENT_FLAGS);
}

/** Raises `UsageError` if a flag was given that only other commands use. */
export function checkFlagsOf(
  command: WorkingCommand,
  { given, flags }: { readonly given: ReadonlySet<string>; readonly flags: ClientFlagTable },
): void {
  for (const [name, { commands, ignoredElsewhere = false }] of Object.entries(flags)) {
    if (ignoredElsewhere || !given.has(name) || commands.includes(command)) continue;
    throw new UsageError(`flag -${name} does not apply to ${command}: leave it out`);
  }
}

/** Raises `UsageError` if a flag lacks another one, or the command lacks a flag. */
function checkCombinations(
  command: WorkingCommand,
  { settings, given }: CommandLine<typeof CLIENT_FLAGS>,
): void {
  if (given.has("max-failures") && !given.has("batch-size")) {
    throw new UsageError("flag -max-failures needs -batch-size: give both, or leave it out");
  }
  if (command === "keygen" && given.has("name") && settings.signKeyFile === undefined) {
    throw new UsageError("flag -name needs -sign: a cluster key has no name");
  }
  if (takesFlag(command, "file") && settings.file === undefined) {
    throw new UsageError(`command ${command} needs checks: give -file FILE, or -file - for stdin`);
  }
}

/** The fields that several flags fill together, and all others as they are. */
function combined(
  { targetTags, targetNodes, batchSize, maxFailures, ...others }: ClientFlagSettings,
): Omit<ClientFlagSettings, CombinedField> & Pick<ClientSettings, "target" | "rollout"> {
  return {
    ...others,
    target: {
      ...(targetTags && { tags: targetTags }),
      ...(targetNodes && { nodes: targetNodes }),
    },
    ...(batchSize && { rollout: { size: batchSize, maxFailures } }),
  };
}

/** The help of `gcheck`, or that of one of its commands. Raises `UsageError` for an unknown one. */
export function clientHelp(command?: string): string {
  if (command !== undefined) {
    const flags = flagsOf(command, command === "keygen" ? KEYGEN_FLAGS : CLIENT_FLAGS);
    return commandHelp(flags, { name: command, command: COMMANDS[readCommand(command)] });
  }
  return programHelp(CLIENT_FLAGS, {
    summary: "Sends checks and actions to the members of a cluster and shows their results.",
    usage: "gcheck [flags] COMMAND",
    commands: COMMANDS,
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
