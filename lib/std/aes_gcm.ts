/** AES-GCM of `@noble/ciphers` (MIT, audited): synchronous, and for 24-byte keys, which Deno's node:crypto lacks. @module */
// @ts-types="./aes_gcm.d.ts"
export { gcm } from "npm:@noble/ciphers@2.4.0/aes.js";
