/**
 * The command lines of both programs. The tables of flags are in `daemon_flags.ts` and
 * `client_flags.ts`, that of commands in `command_table.ts`; this is where others find them.
 * @module
 */
import { CLIENT_FLAGS } from "./client_flags.ts";
import { COMMANDS } from "./command_table.ts";
import { DAEMON_FLAGS } from "./daemon_flags.ts";
import { commandTableMarkdown, flagTableMarkdown as tableOf } from "./help.ts";

export { CLIENT_FLAGS } from "./client_flags.ts";
export type { ClientFlags } from "./client_flags.ts";
export { clientHelp, parseClientArguments } from "./client_settings.ts";
export type { ClientSettings } from "./client_settings.ts";
export { DAEMON_FLAGS } from "./daemon_flags.ts";
export type { DaemonFlags } from "./daemon_flags.ts";
export { daemonHelp, parseDaemonArguments } from "./daemon_settings.ts";
export type { DaemonSettings } from "./daemon_settings.ts";
export type { HelpRequest } from "./help.ts";

/** The README's table of a program's flags, in Markdown, ending in a newline. */
export function flagTableMarkdown(program: "gossipcheckd" | "gcheck"): string {
  return program === "gossipcheckd" ? tableOf(DAEMON_FLAGS) : tableOf(CLIENT_FLAGS);
}

/** The README's table of the commands of `gcheck`, in Markdown, ending in a newline. */
export function commandReferenceMarkdown(): string {
  return commandTableMarkdown(COMMANDS);
}
