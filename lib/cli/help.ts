/**
 * Formats help texts and the README's reference from the tables of flags and commands.
 * @module
 */
import { VERSION } from "../version.ts";
import type { CommandDefinition } from "./command_table.ts";
import type { Flag, FlagTable } from "./flags.ts";

/** The user asked for help or the version: print the text and exit with status 0. */
export interface HelpRequest {
  /** The text to print, ending in a newline. */
  readonly help: string;
}

/** The parts of a program's help other than its flags. */
export interface ProgramText {
  /** What the program does, one sentence. */
  readonly summary: string;
  /** Its command line, such as `gcheck [flags] COMMAND`. */
  readonly usage: string;
  /** Its commands by name, if it has any. */
  readonly commands?: Readonly<Record<string, CommandDefinition>>;
}

const WIDTH = 80;

/** The help text of a program, which `-help` prints. */
export function programHelp(flags: FlagTable, text: ProgramText): string {
  const commands = Object.entries(text.commands ?? {}).map(([name, command]) => ({
    head: withArgument(name, command),
    body: command.summary,
  }));
  const lines = [
    text.summary,
    "",
    `Usage: ${text.usage}`,
    ...(commands.length === 0 ? [] : ["", "Commands:", ...definitionList(commands)]),
    "",
    "Flags (-name X, -name=X, --name X and --name=X mean the same):",
    ...definitionList(flagEntries(flags)),
  ];
  return lines.join("\n") + "\n";
}

/** The help text of a command, which `gcheck help COMMAND` prints; `flags` are the command's. */
export function commandHelp(
  flags: FlagTable,
  options: { readonly name: string; readonly command: CommandDefinition },
): string {
  const { name, command } = options;
  const entries = flagEntries(flags);
  const lines = [
    `Usage: gcheck [flags] ${withArgument(name, command)}`,
    "",
    ...wrap(`${sentence(command.summary)} ${command.details}`, WIDTH),
    ...(entries.length === 0 ? [] : ["", "Flags:", ...definitionList(entries)]),
  ];
  return lines.join("\n") + "\n";
}

/** The version text, which `-version` prints. */
export function versionText(program: string): string {
  return `${program} ${VERSION}\n`;
}

/** The README's table of a program's flags, in Markdown, ending in a newline. */
export function flagTableMarkdown(flags: FlagTable): string {
  const rows = Object.entries(flags).map(([name, flag]) => [
    `\`${withPlaceholder(name, flag)}\``,
    isTyped(flag) ? `\`${defaultText(flag)}\`` : defaultText(flag),
    description(flag),
  ]);
  return markdownTable([["flag", "default", "meaning"], ...rows]);
}

/** The README's table of the commands, in Markdown, ending in a newline. */
export function commandTableMarkdown(
  commands: Readonly<Record<string, CommandDefinition>>,
): string {
  const rows = Object.entries(commands).map(([name, command]) => [
    `\`${withArgument(name, command)}\``,
    command.summary,
  ]);
  return markdownTable([["command", "does"], ...rows]);
}

/** A Markdown table, padded as `deno fmt` pads it, so that formatting leaves the README unchanged. */
function markdownTable(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(3, ...cells.map((row) => [...(row[column] ?? "")].length))
  );
  const line = (row: readonly string[]) =>
    `| ${
      row.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - [...cell].length)).join(
        " | ",
      )
    } |\n`;
  const [head = [], ...body] = cells;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("");
}

interface Entry {
  readonly head: string;
  readonly body: string;
}

function flagEntries(flags: FlagTable): Entry[] {
  return Object.entries(flags).map(([name, flag]) => ({
    head: withPlaceholder(name, flag),
    body: `${description(flag)} Default: ${defaultText(flag)}.`,
  }));
}

function withPlaceholder(name: string, flag: Flag): string {
  return "value" in flag ? `-${name} ${flag.value.placeholder}` : `-${name}`;
}

function withArgument(name: string, { argument }: CommandDefinition): string {
  return argument === undefined ? name : `${name} ${argument}`;
}

function description(flag: Flag): string {
  const range = "value" in flag && flag.value.range !== undefined
    ? `Range: ${flag.value.range}.`
    : undefined;
  return [flag.meaning, flag.tradeOff, range].filter((part) => part !== undefined).join(" ");
}

function defaultText(flag: Flag): string {
  if (!("value" in flag)) return "off";
  if ("unset" in flag) return flag.unset;
  return flag.default === "" ? "none" : flag.default;
}

/** Whether the default is a value that a user could type, and not a phrase. */
function isTyped(flag: Flag): boolean {
  return "default" in flag && flag.default !== "";
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** Two columns: each head, and its body wrapped beside it. */
function definitionList(entries: readonly Entry[]): string[] {
  const column = Math.max(...entries.map((entry) => entry.head.length)) + 4;
  return entries.flatMap((entry) =>
    wrap(entry.body, WIDTH - column).map((line, index) =>
      (index === 0 ? `  ${entry.head}` : "").padEnd(column) + line
    )
  );
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
