/**
 * Help and reference, made from the tables of flags and commands.
 * @module
 */
import type { CommandDefinition } from "./command_table.ts";
import type { Flag, ProgramFlags } from "./flags.ts";
import { VERSION } from "../version.ts";

/** The user asked for help or the version: print the text and end with exit status 0. */
export interface HelpRequest {
  /** What to print, ending in a newline. */
  readonly help: string;
}

/** What a program's help says beside its flags. */
export interface ProgramText {
  /** What it is for, one sentence. */
  readonly summary: string;
  /** How it is called. */
  readonly usage: string;
  /** Its commands by name, where it has any. */
  readonly commands?: Readonly<Record<string, CommandDefinition>>;
}

const WIDTH = 80;

/** What `-help` prints. */
export function programHelp<V>(program: ProgramFlags<V>, text: ProgramText): string {
  const commands = Object.entries(text.commands ?? {}).map(([name, command]) => ({
    head: [name, command.argument].filter((part) => part !== undefined).join(" "),
    body: command.summary,
  }));
  const lines = [
    text.summary,
    "",
    `Usage: ${text.usage}`,
    ...(commands.length === 0 ? [] : ["", "Commands:", ...definitionList(commands)]),
    "",
    "Flags (-name X, -name=X, --name X and --name=X mean the same):",
    ...definitionList(flagEntries(program)),
  ];
  return lines.join("\n") + "\n";
}

/** What `gcheck help COMMAND` prints. */
export function commandHelp<V>(
  program: ProgramFlags<V>,
  options: { name: string; command: CommandDefinition },
): string {
  const { name, command } = options;
  const usage = [program.program, "[flags]", name, command.argument];
  const flags = flagEntries(program).filter((entry) =>
    command.flags.some((flag) => flag === entry.name)
  );
  const lines = [
    `Usage: ${usage.filter((part) => part !== undefined).join(" ")}`,
    "",
    ...wrap(`${sentence(command.summary)} ${command.details}`, WIDTH),
    ...(flags.length === 0 ? [] : ["", "Flags:", ...definitionList(flags)]),
  ];
  return lines.join("\n") + "\n";
}

/** What `-version` prints. */
export function versionText<V>(program: ProgramFlags<V>): string {
  return `${program.program} ${VERSION}\n`;
}

/** The README's table of a program's flags, in Markdown. */
export function flagTableMarkdown<V>(program: ProgramFlags<V>): string {
  const rows = flagList(program).map(([name, flag]) => {
    const head = flag.placeholder === undefined ? `-${name}` : `-${name} ${flag.placeholder}`;
    const isPhrase = /[ ,]/.test(flag.defaultText) || /^(off|none)$/.test(flag.defaultText);
    return [
      `\`${head}\``,
      isPhrase ? flag.defaultText : `\`${flag.defaultText}\``,
      [flag.meaning, flag.tradeOff, range(flag)].filter((part) => part !== undefined).join(" "),
    ];
  });
  return markdownTable([["flag", "default", "meaning"], ...rows]);
}

/** The README's table of the commands, in Markdown. */
export function commandTableMarkdown(
  commands: Readonly<Record<string, CommandDefinition>>,
): string {
  const rows = Object.entries(commands).map(([name, command]) => [
    `\`${[name, command.argument].filter((part) => part !== undefined).join(" ")}\``,
    command.summary,
  ]);
  return markdownTable([["command", "does"], ...rows]);
}

/** Padded as `deno fmt` pads, so that the README stays as it was generated. */
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

function flagList<V>(program: ProgramFlags<V>): [string, Flag<unknown>][] {
  return Object.entries<Flag<unknown>>(program.flags);
}

function flagEntries<V>(program: ProgramFlags<V>): (Entry & { name: string })[] {
  return flagList(program).map(([name, flag]) => ({
    name,
    head: flag.placeholder === undefined ? `-${name}` : `-${name} ${flag.placeholder}`,
    body: [flag.meaning, flag.tradeOff, range(flag), `Default: ${flag.defaultText}.`]
      .filter((part) => part !== undefined).join(" "),
  }));
}

function range(flag: Flag<unknown>): string | undefined {
  return flag.range === undefined ? undefined : `Range: ${flag.range}.`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** Heads in one column, bodies wrapped beside them. */
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
