/**
 * Shortens text for a cell of a table.
 * @module
 */
import { printable } from "../printable.ts";

/** In code points. JSON output is not shortened. */
const CELL_MAX_CHARACTERS = 200;

/** Escapes a text with `printable` and cuts it to 200 characters. */
export function printableCell(text: string): string {
  const characters = [...printable(text)];
  if (characters.length <= CELL_MAX_CHARACTERS) return characters.join("");
  return `${characters.slice(0, CELL_MAX_CHARACTERS - 1).join("")}…`;
}

/** The last line of an output that is not blank; empty if there is none. */
export function lastLine(output: string): string {
  return output.split(/[\r\n]+/).findLast((line) => line.trim() !== "")?.trim() ?? "";
}
