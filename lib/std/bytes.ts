/** `@std/bytes` from the npm package `deno-std` (MIT). @module */
// @ts-types="./bytes.d.ts"
export { concat, indexOfNeedle } from "npm:deno-std@1.4.0/bytes/mod.js";
