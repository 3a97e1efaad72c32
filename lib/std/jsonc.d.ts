/** What of `jsonc-parser` the project uses. */
export interface Node {
  /** What it is. */
  readonly type: "object" | "array" | "property" | "string" | "number" | "boolean" | "null";
  /** A string's, number's or boolean's value. */
  readonly value?: unknown;
  /** Where it starts, in UTF-16 units. */
  readonly offset: number;
  /** How long it is, in UTF-16 units. */
  readonly length: number;
  /** An object's properties, an array's items, a property's key and value. */
  readonly children?: readonly Node[];
}
/** One thing that is not JSON. */
export interface ParseError {
  /** For `printParseErrorCode`. */
  readonly error: number;
  /** Where, in UTF-16 units. */
  readonly offset: number;
  /** How much of it, in UTF-16 units. */
  readonly length: number;
}
/** What to allow beside JSON. */
export interface ParseOptions {
  /** Refuses comments. */
  readonly disallowComments?: boolean;
  /** Allows a comma after the last item. */
  readonly allowTrailingComma?: boolean;
}
/** Reads token by token. */
export interface JSONScanner {
  /** Reads the next token: 1 and 2 are braces, 3 and 4 brackets, 17 the end. */
  scan(): number;
  /** Where the current token starts, in UTF-16 units. */
  getTokenOffset(): number;
}
/** Starts reading token by token. */
export function createScanner(text: string, ignoreTrivia?: boolean): JSONScanner;
/** Parses, fills in `errors` and returns what it made of the text. */
export function parseTree(
  text: string,
  errors?: ParseError[],
  options?: ParseOptions,
): Node | undefined;
/** A stable name of an error. */
export function printParseErrorCode(code: number): string;
