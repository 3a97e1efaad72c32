/**
 * The MessagePack decoder of `@msgpack/msgpack` (ISC), for bytes that a socket received: it does not
 * recurse, and it takes maximum lengths.
 * @module
 */
export { decode } from "npm:@msgpack/msgpack@3.1.3";
