/**
 * JSON text with the place of everything in it.
 * @module
 */
import { CheckFileError } from "../errors.ts";
import { CHECK_FILE_MAX_BYTES, CHECK_FILE_MAX_DEPTH } from "../limits.ts";
import {
  createScanner,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "../std/jsonc.ts";

export type { Node as JsonNode };

/** Where something is. */
export interface Position {
  /** From 1. */
  readonly line: number;
  /** In characters, from 1. */
  readonly column: number;
}

/** What the parser's codes mean to the one who wrote the file. */
const SYNTAX_MESSAGES: Readonly<Record<string, string>> = {
  PropertyNameExpected: "expected a name in double quotes; no comma may follow the last one",
  ValueExpected: "expected a value",
  ColonExpected: "expected a colon after the name",
  CommaExpected: "expected a comma, or the end of the object or array",
  CloseBraceExpected: "expected a comma or a closing brace",
  CloseBracketExpected: "expected a comma or a closing bracket",
  EndOfFileExpected: "expected nothing after the object",
  InvalidCommentToken: "comments are not JSON",
  UnexpectedEndOfComment: "comments are not JSON",
  UnexpectedEndOfString: "a string is not closed on its line",
  UnexpectedEndOfNumber: "a number is not finished",
  InvalidNumberFormat: "a number is not written as JSON has it",
  InvalidUnicode: "\\u must be followed by four hexadecimal digits",
  InvalidEscapeCharacter: "a backslash is followed by a character that JSON does not escape",
  InvalidCharacter: "a string holds a control character; write it as an escape such as \\n or \\t",
  InvalidSymbol: "expected a value or punctuation; text stands in double quotes",
};

/** A parsed JSON text. */
export class JsonText {
  /** The value at the root. */
  readonly root: Node;
  readonly #text: string;
  readonly #lineStarts: readonly number[];

  /** Raises `CheckFileError` where `content` is over 1 MiB, not UTF-8 or not JSON. A byte order mark is passed over. */
  constructor(content: Uint8Array) {
    if (content.length > CHECK_FILE_MAX_BYTES) {
      throw unreadable(`has ${content.length} bytes; expected at most ${CHECK_FILE_MAX_BYTES}`);
    }
    this.#text = decodeText(content);
    this.#lineStarts = [0, ...this.#text.matchAll(/\n/g).map((match) => match.index + 1)];
    const tooDeep = firstTooDeep(this.#text);
    if (tooDeep !== undefined) {
      const message = `is nested over ${CHECK_FILE_MAX_DEPTH} levels deep; expected two`;
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

  /** Where the UTF-16 unit at `offset` stands. Looks at its whole line. */
  position(offset: number): Position {
    const line = this.line(offset);
    let column = 1;
    for (let at = this.#lineStarts[line - 1] ?? 0; at < offset; column++) {
      at += (this.#text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
    }
    return { line, column };
  }

  /** What follows the first error is mostly its consequence, so only that is told. */
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

/** The offset of the first bracket that opens one level too many. The parser recurses, so this comes first. */
function firstTooDeep(text: string): number | undefined {
  const scanner = createScanner(text, true);
  let depth = 0;
  while (true) {
    switch (scanner.scan()) {
      case 1: // {
      case 3: // [
        if (++depth > CHECK_FILE_MAX_DEPTH) return scanner.getTokenOffset();
        break;
      case 2: // }
      case 4: // ]
        depth--;
        break;
      case 17: // the end
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
      throw unreadable("is UTF-16; expected UTF-8: save it in that encoding");
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
    throw unreadable("is not UTF-8; save it in that encoding", { line });
  }
}

function unreadable(message: string, where: Partial<Position> = {}): CheckFileError {
  return new CheckFileError(`the check file ${message}`, {
    problems: [{ ...where, message: `the file ${message}` }],
  });
}
