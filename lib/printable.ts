/**
 * Escapes text from other nodes and from actions (names, reasons, output) before it is shown, so
 * that it cannot move a terminal's cursor, change its colors or reverse the reading direction.
 * @module
 */

/** Unicode categories: control, format, surrogate, line separator, paragraph separator. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
/** The characters of `UNSAFE` that `JSON.stringify` does not escape. */
const UNSAFE_IN_JSON = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * Escapes a text as one line of visible characters: control and format characters become `\n`,
 * `\r`, `\x1b`, `\u{202e}`, a tab becomes a space. It cannot be reversed: a backslash is not
 * escaped.
 */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => {
    if (character === "\t") return " ";
    if (character === "\n") return "\\n";
    if (character === "\r") return "\\r";
    const code = character.codePointAt(0) ?? 0;
    const hex = code.toString(16);
    return code < 0x100 ? `\\x${hex.padStart(2, "0")}` : `\\u{${hex}}`;
  });
}

/** Encodes a value as JSON with the same characters escaped; a parser reads the value unchanged. */
export function jsonText(value: unknown, options: { indent?: number } = {}): string {
  return JSON.stringify(value, null, options.indent).replace(
    UNSAFE_IN_JSON,
    (character) =>
      character.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
        .join(""),
  );
}
