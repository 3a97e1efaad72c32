/** `@std/bytes` from its npm republication. @module */
// @ts-types="./bytes.d.ts"
export { concat, indexOfNeedle } from "npm:deno-std@1.4.0/bytes/mod.js";
