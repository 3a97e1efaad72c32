/** How to decode, and what to refuse. */
export interface DecodeOptions {
  /** Gives msgpack strings as their bytes. */
  readonly rawStrings?: boolean;
  /** Gives 64-bit integers as `bigint`. */
  readonly useBigInt64?: boolean;
  /** The longest string, in bytes. */
  readonly maxStrLength?: number;
  /** The longest byte string. */
  readonly maxBinLength?: number;
  /** The longest array, in items. */
  readonly maxArrayLength?: number;
  /** The longest map, in entries. */
  readonly maxMapLength?: number;
  /** The longest extension, in bytes. */
  readonly maxExtLength?: number;
  /** What becomes of a map's key; may throw. */
  readonly mapKeyConverter?: (key: unknown) => string | number;
}
/** One value, without recursion. Throws where bytes are missing, left over or over a maximum. */
export function decode(buffer: Uint8Array, options?: DecodeOptions): unknown;
