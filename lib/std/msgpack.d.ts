/** What `@std/msgpack`'s encoder takes. */
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
  /** Each key's value. */
  readonly [key: string]: ValueType;
}
/** Encodes a value as MessagePack; numbers that are integers take the shortest form. */
export function encode(object: ValueType): Uint8Array<ArrayBuffer>;
