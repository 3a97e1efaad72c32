/** The bounded MessagePack decoder, for bytes that came from a socket. @module */
export { decode, DecodeError, Decoder, ExtData } from "npm:@msgpack/msgpack@3.1.3";
