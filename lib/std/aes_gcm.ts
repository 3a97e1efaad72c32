/**
 * AES-GCM of `@noble/ciphers` (MIT; version 1.0 was audited in 2024) in plain JavaScript. Use it only
 * where `node:crypto` lacks the key size: it is slower, and its tables are not constant-time.
 * @module
 */
export { gcm } from "npm:@noble/ciphers@2.4.0/aes.js";
