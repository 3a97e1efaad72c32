/** The bounded MessagePack decoder, for bytes that came from a socket. @module */
// @ts-types="./msgpack_decode.d.ts"
export { decode } from "npm:@msgpack/msgpack@3.1.3";
export type { DecodeOptions } from "./msgpack_decode.d.ts";
