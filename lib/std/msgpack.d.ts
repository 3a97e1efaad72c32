/**
 * Types of what the project uses of `@std/msgpack`: the npm package `deno-std` ships no types.
 * @module
 */
/** A value that can be encoded. */
export type ValueType =
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | readonly ValueType[]
  | ValueMap;
/** A map with string keys. */
export interface ValueMap {
  /** The value of each key. */
  readonly [key: string]: ValueType;
}
/** Encodes a value as MessagePack; an integer takes its shortest form. */
export function encode(object: ValueType): Uint8Array<ArrayBuffer>;
