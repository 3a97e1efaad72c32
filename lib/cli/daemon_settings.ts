/**
 * The command line of `gossipcheckd`: its settings, the rules between its flags, and its help.
 * @module
 */
import { UsageError } from "../errors.ts";
import { DAEMON_FLAGS } from "./daemon_flags.ts";
import { type CommandLine, parseFlags, type SettingsOf } from "./flags.ts";
import { type HelpRequest, programHelp, versionText } from "./help.ts";

/** The settings of `gossipcheckd`: each field comes from an entry of `DAEMON_FLAGS`. */
export type DaemonSettings = SettingsOf<typeof DAEMON_FLAGS>;

/** Parses the command line of `gossipcheckd`. Raises `UsageError` that names the flag. */
export function parseDaemonArguments(args: readonly string[]): DaemonSettings | HelpRequest {
  const parsed = parseFlags(args, DAEMON_FLAGS);
  if (parsed.request !== undefined) {
    return { help: parsed.request === "help" ? daemonHelp() : versionText("gossipcheckd") };
  }
  const [stray] = parsed.positional;
  if (stray !== undefined) {
    throw new UsageError(
      `unexpected argument ${JSON.stringify(stray)}: gossipcheckd takes flags only`,
    );
  }
  checkCombinations(parsed);
  return parsed.settings;
}

/** Raises `UsageError` if two flags contradict each other. */
function checkCombinations({ settings, given }: CommandLine<typeof DAEMON_FLAGS>): void {
  const noClients = settings.clientBind === undefined;
  if (noClients && given.has("cli-bind")) throw contradiction("-no-cli", "-cli-bind");
  if (noClients && given.has("token-file")) throw contradiction("-no-cli", "-token-file");
  if (given.has("encrypt") && given.has("keyring-file")) {
    throw contradiction("-encrypt", "-keyring-file");
  }
  if (settings.plaintext !== "refuse" && !given.has("encrypt") && !given.has("keyring-file")) {
    throw new UsageError(
      `flag -plaintext: ${settings.plaintext} needs a cluster key: give -keyring-file as well`,
    );
  }
  if (settings.noActions && given.has("allow-actions")) {
    throw contradiction("-no-actions", "-allow-actions");
  }
}

function contradiction(one: string, other: string): UsageError {
  return new UsageError(`flags ${one} and ${other} contradict each other: give one of them`);
}

/** The help of `gossipcheckd`, as `-help` prints it. */
export function daemonHelp(): string {
  return programHelp(DAEMON_FLAGS, {
    summary: "The daemon that runs on each node of a cluster: runs checks and their actions.",
    usage: "gossipcheckd [flags]",
  });
}
