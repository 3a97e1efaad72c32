/**
 * The token that authenticates clients to a daemon: 32 random bytes, written as 64 hex digits.
 * @module
 */
import { Buffer } from "node:buffer";
import { UsageError } from "../errors.ts";
import type { Random } from "../runtime.ts";

/** Length of a token: as many bytes as a key of HMAC-SHA256 makes use of. */
export const TOKEN_BYTES = 32;
/** The text of a token in a file or an environment variable; a line feed may follow. */
const TOKEN_TEXT = /^([0-9a-f]{64})\s*$/i;

/** The text of a new token's file. */
export function newTokenText(random: Random): string {
  return `${Buffer.from(random.bytes(TOKEN_BYTES)).toString("hex")}\n`;
}

/** The token in the text. Raises `UsageError` that names `source` and never its content. */
export function parseToken(text: string, options: { source: string }): Uint8Array<ArrayBuffer> {
  const digits = TOKEN_TEXT.exec(text)?.[1];
  if (digits === undefined) {
    throw new UsageError(
      `${options.source} holds no token: expected ${2 * TOKEN_BYTES} hex digits`,
    );
  }
  return new Uint8Array(Buffer.from(digits, "hex"));
}
