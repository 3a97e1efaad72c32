/**
 * Text from elsewhere (names, reasons, an action's output) made safe to show: what would move a
 * terminal's cursor, change its colours or turn the reading direction is shown as an escape.
 * @module
 */

/** Texts in tables are cut to this many characters; the other formats have them whole. */
const CELL_MAX_CHARACTERS = 200;

/** Control, format, surrogate and line-separating characters. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** One line of visible characters. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => {
    if (character === "\t") return " ";
    const code = character.codePointAt(0) ?? 0;
    if (character === "\n") return "\\n";
    if (character === "\r") return "\\r";
    const hex = code.toString(16);
    return code < 0x100 ? `\\x${hex.padStart(2, "0")}` : `\\u{${hex}}`;
  });
}

/** The same, cut to what a table's cell may hold. */
export function printableCell(text: string): string {
  const characters = [...printable(text)];
  if (characters.length <= CELL_MAX_CHARACTERS) return characters.join("");
  return `${characters.slice(0, CELL_MAX_CHARACTERS - 1).join("")}…`;
}

/** JSON of which no part steers a terminal either; it means the same to a parser. */
export function jsonText(value: unknown, options: { indent?: number } = {}): string {
  return JSON.stringify(value, null, options.indent).replace(
    /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) =>
      character.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
        .join(""),
  );
}

/** The last line of an output that holds anything; empty where none does. */
export function lastLine(output: string): string {
  return output.split(/[\r\n]+/).findLast((line) => line.trim() !== "")?.trim() ?? "";
}
