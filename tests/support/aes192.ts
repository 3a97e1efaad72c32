/**
 * AES-192 for tests. Its worker starts with the module, so that no test is blamed for leaving it.
 * @module
 */
import { Aes192Worker } from "../../lib/deno/aes192.ts";

/** Ready. */
export const AES192: Aes192Worker = new Aes192Worker();
AES192.open(new Uint8Array(16), {
  key: new Uint8Array(24),
  nonce: new Uint8Array(12),
  associatedData: new Uint8Array(0),
});
