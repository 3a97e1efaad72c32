/** `jsonc-parser` (MIT): a JSON parser that keeps the offset of every value and name. @module */
import type { SyntaxKind } from "npm:jsonc-parser@3.3.1";

export {
  createScanner,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "npm:jsonc-parser@3.3.1";

/**
 * Token kinds that a scanner returns. The package exports them as a const enum, whose members
 * `verbatimModuleSyntax` forbids to use as values; its types still make the compiler check each number.
 */
export const TOKEN: Readonly<{
  openBrace: SyntaxKind.OpenBraceToken;
  closeBrace: SyntaxKind.CloseBraceToken;
  openBracket: SyntaxKind.OpenBracketToken;
  closeBracket: SyntaxKind.CloseBracketToken;
  end: SyntaxKind.EOF;
}> = { openBrace: 1, closeBrace: 2, openBracket: 3, closeBracket: 4, end: 17 };
