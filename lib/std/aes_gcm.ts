/**
 * AES-GCM of `@noble/ciphers` (MIT; version 1.0 was audited in 2024) in plain JavaScript. Use it only
 * if `node:crypto` lacks the key size: it is slower, and its tables are not constant-time.
 *
 * The package computes its tables when its module is evaluated, which takes 10 ms and 6 MB of
 * memory. So it is loaded when it is needed, with `require`: `import()` is asynchronous, and
 * `import defer` needs Deno 2.8.
 * @module
 */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { gcm } from "npm:@noble/ciphers@2.4.0/aes.js";
// A static import of a module without tables: without one, Deno neither downloads the package when
// the program starts nor embeds it in an executable.
import "npm:@noble/ciphers@2.4.0/utils.js";

/** AES-GCM for a key, a nonce and associated data: encrypts and decrypts one message. */
export type Gcm = typeof gcm;

/** Loads AES-GCM, unless an earlier call did. Keep the result: each call takes some 50 µs. */
export function loadGcm(): Gcm {
  const url = import.meta.resolve("npm:@noble/ciphers@2.4.0/aes.js");
  return createRequire(import.meta.url)(fileURLToPath(url)).gcm;
}
