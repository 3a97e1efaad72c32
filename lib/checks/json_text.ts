/**
 * Parses the JSON of a check file and keeps the line and column of every name and value.
 * @module
 */
import { CheckFileError } from "../errors.ts";
import { CHECK_FILE_MAX_BYTES, CHECK_FILE_MAX_DEPTH } from "../limits.ts";
import {
  createScanner,
  type ParseError,
  parseTree,
  printParseErrorCode,
  TOKEN,
} from "../std/jsonc.ts";

/** A JSON value, or a property of an object. */
export interface JsonNode {
  readonly type: "object" | "array" | "property" | "string" | "number" | "boolean" | "null";
  /** Set for a string, number or boolean. */
  readonly value?: unknown;
  /** Index of its first UTF-16 unit. */
  readonly offset: number;
  /**
   * The properties of an object, the items of an array, or the name and the value of a property.
   */
  readonly children?: readonly JsonNode[];
}

/** A position in the text. */
export interface Position {
  /** From 1. */
  readonly line: number;
  /** In code points, from 1. */
  readonly column: number;
}

/** Messages for the parser's error codes. */
const SYNTAX_MESSAGES: Readonly<Record<string, string>> = {
  PropertyNameExpected:
    "expected a name in double quotes; a comma after the last property is not allowed",
  ValueExpected: "expected a value",
  ColonExpected: "expected a colon after the name",
  CommaExpected: "expected a comma, or the end of the object or array",
  CloseBraceExpected: "expected a comma or a closing brace",
  CloseBracketExpected: "expected a comma or a closing bracket",
  EndOfFileExpected: "expected nothing after the object",
  InvalidCommentToken: "comments are not allowed in JSON",
  UnexpectedEndOfComment: "comments are not allowed in JSON",
  UnexpectedEndOfString: "a string is not closed on its line",
  UnexpectedEndOfNumber: "a number is incomplete",
  InvalidNumberFormat: "a number is not in JSON syntax",
  InvalidUnicode: "\\u must be followed by four hexadecimal digits",
  InvalidEscapeCharacter: "a backslash does not start a JSON escape",
  InvalidCharacter:
    "a string contains a control character; write it as an escape such as \\n or \\t",
  InvalidSymbol: "expected a value or punctuation; a string must be in double quotes",
};

/** A parsed JSON text. */
export class JsonText {
  /** The value at the root. */
  readonly root: JsonNode;
  readonly #text: string;
  readonly #lineStarts: readonly number[];

  /**
   * Parses UTF-8, with or without a byte order mark. Raises `CheckFileError` if `content` is longer
   * than `CHECK_FILE_MAX_BYTES`, nested too deep, not UTF-8 or not JSON.
   */
  constructor(content: Uint8Array) {
    if (content.length > CHECK_FILE_MAX_BYTES) {
      throw unreadable(`is ${content.length} bytes long; maximum ${CHECK_FILE_MAX_BYTES}`);
    }
    this.#text = decodeText(content);
    this.#lineStarts = [0, ...this.#text.matchAll(/\n/g).map((match) => match.index + 1)];
    const tooDeep = firstTooDeep(this.#text);
    if (tooDeep !== undefined) {
      const message = `is nested over ${CHECK_FILE_MAX_DEPTH} levels deep; expected two levels`;
      throw unreadable(message, this.position(tooDeep));
    }
    const errors: ParseError[] = [];
    const root = parseTree(this.#text, errors, {
      disallowComments: true,
      allowTrailingComma: false,
    });
    const first = errors[0];
    if (first !== undefined || root === undefined) throw this.#syntaxError(first);
    this.root = root;
  }

  /** The line of the UTF-16 unit at `offset`, from 1. */
  line(offset: number): number {
    let low = 0;
    let high = this.#lineStarts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  }

  /** The position of the UTF-16 unit at `offset`. Reads its line from the start. */
  position(offset: number): Position {
    const line = this.line(offset);
    let column = 1;
    for (let at = this.#lineStarts[line - 1] ?? 0; at < offset; column++) {
      at += (this.#text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
    }
    return { line, column };
  }

  /** Reports the first error only: most later ones follow from it. */
  #syntaxError(error: ParseError | undefined): CheckFileError {
    if (this.#text.trim() === "") {
      return unreadable("is empty; expected a JSON object keyed by check name");
    }
    const offset = error?.offset ?? 0;
    const what = SYNTAX_MESSAGES[error === undefined ? "" : printParseErrorCode(error.error)];
    const atEnd = offset >= this.#text.trimEnd().length ? ", but the file ends" : "";
    return unreadable(`is not JSON: ${what ?? "expected a value"}${atEnd}`, this.position(offset));
  }
}

/**
 * The offset of the first bracket past the maximum depth. `parseTree` recurses, so this check comes
 * before it: a deeply nested file would overflow the stack.
 */
function firstTooDeep(text: string): number | undefined {
  const scanner = createScanner(text, true);
  let depth = 0;
  while (true) {
    switch (scanner.scan()) {
      case TOKEN.openBrace:
      case TOKEN.openBracket:
        if (++depth > CHECK_FILE_MAX_DEPTH) return scanner.getTokenOffset();
        break;
      case TOKEN.closeBrace:
      case TOKEN.closeBracket:
        depth--;
        break;
      case TOKEN.end:
        return undefined;
    }
  }
}

function decodeText(content: Uint8Array): string {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    return decoder.decode(content);
  } catch {
    const [first, second] = content;
    if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
      throw unreadable("is UTF-16; save it as UTF-8");
    }
    let line = 1;
    for (let start = 0; start < content.length; line++) {
      const newline = content.indexOf(0x0a, start);
      const end = newline === -1 ? content.length : newline + 1;
      try {
        decoder.decode(content.subarray(start, end));
      } catch {
        break;
      }
      start = end;
    }
    throw unreadable("is not UTF-8; save it as UTF-8", { line });
  }
}

function unreadable(message: string, where: Partial<Position> = {}): CheckFileError {
  return new CheckFileError(`the check file ${message}`, {
    problems: [{ ...where, message: `the file ${message}` }],
  });
}
