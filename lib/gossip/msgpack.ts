/**
 * Decodes MessagePack of a gossip message within its bounds.
 * @module
 */
import { decode } from "../std/msgpack_decode.ts";
import { WireError } from "../errors.ts";

/** One value. Raises `WireError`. */
export function decodeBounded(bytes: Uint8Array): unknown {
  try {
    return decode(bytes);
  } catch (cause) {
    throw new WireError("malformed", `bad MessagePack (${(cause as Error).message})`);
  }
}
