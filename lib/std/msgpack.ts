/**
 * The encoder of `@std/msgpack` from the npm package `deno-std` (MIT). Its decoder is not exported: it
 * recurses and has no length limits. `lib/std/msgpack_decode.ts` decodes what a socket received.
 * @module
 */
// @ts-types="./msgpack.d.ts"
export { encode, type ValueMap, type ValueType } from "npm:deno-std@1.4.0/msgpack/encode.js";
