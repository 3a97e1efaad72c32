/**
 * Renders a table for a terminal: aligned columns, and colors if wanted.
 * @module
 */
import { stringWidth } from "../std/string_width.ts";

/** A color or weight of text. */
export type Style = "plain" | "red" | "green" | "yellow" | "dim" | "bold";

/** One cell of a table. */
export interface Cell {
  /** One line without control characters (see `printable`). */
  readonly text: string;
  /** Default "plain". */
  readonly style?: Style;
}

/** SGR parameters (ECMA-48, section 8.3.117). */
const SGR: Readonly<Record<Style, string>> = {
  plain: "",
  red: "31",
  green: "32",
  yellow: "33",
  dim: "2",
  bold: "1",
};

/** A wider cell does not widen its column; it shifts the rest of its own row. */
const COLUMN_MAX_WIDTH = 60;

/** Wraps `text` in the escape sequences of a style; returns it unchanged without `color`. */
export function paint(text: string, options: { style: Style; color: boolean }): string {
  const sgr = SGR[options.style];
  return options.color && sgr !== "" && text !== "" ? `\x1b[${sgr}m${text}\x1b[0m` : text;
}

/** Renders rows under their heads, one line each. Leaves out columns that are empty in every row. */
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
      ...lines.map((line) => Math.min(COLUMN_MAX_WIDTH, stringWidth(line[column]?.text ?? ""))),
    )
  );
  return lines.map((line) => {
    const last = line.findLastIndex((cell) => cell.text !== "");
    const cells = line.slice(0, last + 1).map(({ text, style = "plain" }, column) => {
      const padding = column === last
        ? ""
        : " ".repeat(Math.max(0, (widths[column] ?? 0) - stringWidth(text)));
      return paint(text, { style, color }) + padding;
    });
    return cells.join("  ") + "\n";
  }).join("");
}
