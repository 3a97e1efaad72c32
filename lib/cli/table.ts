/**
 * Columns of text for people.
 * @module
 */

/** A colour or weight. */
export type Style = "plain" | "red" | "green" | "yellow" | "dim" | "bold";

/** One cell. */
export interface Cell {
  /** What it says, printable. */
  readonly text: string;
  /** How it looks where there are colours. */
  readonly style?: Style;
}

/** SGR parameters of ECMA-48, section 8.3.117. */
const SGR: Readonly<Record<Style, string>> = {
  plain: "",
  red: "31",
  green: "32",
  yellow: "33",
  dim: "2",
  bold: "1",
};

/** A longer cell does not widen its column: it pushes only its own row. */
const COLUMN_MAX_CHARACTERS = 60;

/** `text` in that style, or as it is where there are no colours. */
export function paint(text: string, options: { style: Style; color: boolean }): string {
  const sgr = SGR[options.style];
  return options.color && sgr !== "" && text !== "" ? `\x1b[${sgr}m${text}\x1b[0m` : text;
}

/** How many columns a text takes; wide characters of East Asia count as one. */
export function width(text: string): number {
  return [...text].length;
}

/** Heads and rows with aligned columns; columns that are empty in every row are left out. */
export function table(
  heads: readonly string[],
  options: { rows: readonly (readonly Cell[])[]; color: boolean },
): string {
  const { rows, color } = options;
  const used = heads.map((_, column) => rows.some((row) => (row[column]?.text ?? "") !== ""));
  const pick = (row: readonly Cell[]) => row.filter((_, column) => used[column]);
  const lines = [heads.map((text): Cell => ({ text, style: "bold" })), ...rows].map(pick);
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(
      ...lines.map((line) => Math.min(COLUMN_MAX_CHARACTERS, width(line[column]?.text ?? ""))),
    )
  );
  return lines.map((line) => {
    const last = line.findLastIndex((cell) => cell.text !== "");
    const cells = line.slice(0, last + 1).map(({ text, style = "plain" }, column) => {
      const padding = column === last
        ? ""
        : " ".repeat(Math.max(0, (widths[column] ?? 0) - width(text)));
      return paint(text, { style, color }) + padding;
    });
    return cells.join("  ") + "\n";
  }).join("");
}
