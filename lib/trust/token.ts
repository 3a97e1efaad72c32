/**
 * The token by which a daemon knows its clients: 32 random bytes, as 64 hex digits in its file.
 * @module
 */
import { Buffer } from "node:buffer";
import { UsageError } from "../errors.ts";
import type { Random } from "../runtime.ts";

/** Bytes of a token: as many as the key of HMAC-SHA256 can make use of. */
export const TOKEN_BYTES = 32;
/** What a token's file, or the variable that holds one, says; a line feed may follow. */
const TOKEN_TEXT = /^([0-9a-f]{64})\s*$/i;

/** The text of a new token's file. */
export function newTokenText(random: Random): string {
  return `${Buffer.from(random.bytes(TOKEN_BYTES)).toString("hex")}\n`;
}

/** The token in the text. Raises `UsageError` that names `source` and never what it held. */
export function parseToken(text: string, options: { source: string }): Uint8Array<ArrayBuffer> {
  const digits = TOKEN_TEXT.exec(text)?.[1];
  if (digits === undefined) {
    throw new UsageError(
      `${options.source} holds no token: expected ${2 * TOKEN_BYTES} hex digits`,
    );
  }
  return new Uint8Array(Buffer.from(digits, "hex"));
}
