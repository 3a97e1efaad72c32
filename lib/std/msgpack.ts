/**
 * `@std/msgpack`'s encoder from its npm republication. Its decoder stays behind this door: it has
 * no bounds, and everything that arrives on a socket is decoded by `lib/std/msgpack_decode.ts`.
 * @module
 */
// @ts-types="./msgpack.d.ts"
export { encode } from "npm:deno-std@1.4.0/msgpack/encode.js";
export type { ValueMap, ValueType } from "./msgpack.d.ts";
