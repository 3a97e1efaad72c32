/**
 * Codecs for the project's own messages: a codec encodes a value as MessagePack, and decodes and
 * validates bytes from a socket or a disk.
 *
 * Codecs are composed, for example
 *
 *     const POINT: Codec<Point> = row({ x: count(), y: count() });
 *     const bytes = encodeMessage(POINT, { x: 1, y: 2 });
 *     const point = decodeMessage(bytes, { codec: POINT, what: "point" });
 *
 * memberlist's messages are decoded in `lib/wire/fields.ts`, which accepts what Go's decoder
 * accepts.
 * @module
 */
import { encode, type ValueMap, type ValueType } from "@std/msgpack";
import { WireError } from "./errors.ts";
import { printable } from "./printable.ts";
import { scanValue } from "./msgpack_scanner.ts";
import { decode } from "./std/msgpack_decode.ts";
import { utf8Length } from "./utf8.ts";

export type { ValueMap, ValueType };

/** Encodes and decodes values of one type. */
export interface Codec<T> {
  /** Converts a value to a MessagePack value. */
  encode(value: T): ValueType;
  /**
   * Validates a MessagePack value; `at` is its path in the message. Raises `WireError` that names
   * `at`.
   */
  decode(value: unknown, at: string): T;
}

/** The type of the values of a codec. */
export type Decoded<C> = C extends Codec<infer T> ? T : never;

/** The codecs of all properties of `T`, by property name. */
export type Fields<T> = { readonly [K in keyof Required<T>]: Codec<T[K]> };

/** The variant of the union `T` whose tag `K` is `V`. */
export type Variant<T, K extends keyof T, V> = T extends unknown ? V extends T[K] ? T : never
  : never;

/**
 * The codecs of the properties of each variant of a union, except its tag `K`, by the value of the
 * tag.
 */
export type Variants<T, K extends keyof T> = {
  readonly [V in T[K] & string]: Fields<Omit<Variant<T, K, V>, K>>;
};

/** Maximum characters of a map key from a sender that an error quotes. */
const QUOTED_KEY_MAX_LENGTH = 80;
/** Maximum characters of a path in an error; the path of a nested map has the keys of all levels. */
const PLACE_MAX_LENGTH = 400;

/** Encodes one message. */
export function encodeMessage<T>(codec: Codec<T>, value: T): Uint8Array<ArrayBuffer> {
  return encode(codec.encode(value));
}

/** Options of `decodeMessage`. */
export interface DecodeOptions<T> {
  readonly codec: Codec<T>;
  /** Name of the message in errors: `a batch`. */
  readonly what: string;
  /** Maximum length of the message. Default: no maximum. */
  readonly maxBytes?: number;
  /**
   * Maximum number of values in the message, nested ones included. Default `MESSAGE_MAX_VALUES`.
   */
  readonly maxValues?: number;
}

/**
 * Decodes and validates one message that takes up all of `bytes`. Nesting depth, declared lengths
 * and the number of values are checked before anything is allocated. Byte strings in the result are
 * views of `bytes`. Raises `WireError`.
 */
export function decodeMessage<T>(bytes: Uint8Array, options: DecodeOptions<T>): T {
  const { codec, what, maxBytes = Infinity, ...bounds } = options;
  if (bytes.length > maxBytes) {
    throw new WireError("too_large", `${what} is ${bytes.length} bytes long; maximum ${maxBytes}`);
  }
  const length = scanValue({ bytes, start: 0, end: bytes.length }, bounds);
  if (length !== bytes.length) {
    throw new WireError("malformed", `${what} is followed by ${bytes.length - length} bytes`);
  }
  let value: unknown;
  try {
    value = decode(bytes);
  } catch {
    // The decoder's message is left out: it could quote a secret.
    throw new WireError("malformed", `${what} is not MessagePack`);
  }
  return codec.decode(value, what);
}

/** Creates a `WireError` (`malformed`) with the path of a value and what was expected there. */
export function malformed(at: string, expected: string): WireError {
  return new WireError("malformed", `${at} must be ${expected}`);
}

/** A codec whose values are MessagePack values already; `decode` validates them. */
function asIs<T>(decode: (value: unknown, at: string) => T): Codec<T> {
  return { encode: (value) => value as ValueType, decode };
}

/** Text of `min` (default 0) to `max` bytes in UTF-8. */
export function text({ min = 0, max }: { min?: number; max: number }): Codec<string> {
  return asIs((value, at) => {
    // A lone surrogate comes from bytes that are not UTF-8; it would be encoded differently.
    if (typeof value !== "string" || !value.isWellFormed()) throw malformed(at, "text in UTF-8");
    // Each UTF-16 unit takes at most three bytes of UTF-8.
    const bytes = value.length >= min && value.length * 3 <= max ? min : utf8Length(value);
    if (bytes > max) {
      throw new WireError("too_large", `${at} is ${bytes} bytes long; maximum ${max}`);
    }
    if (bytes < min) throw malformed(at, `text of at least ${min} bytes`);
    return value;
  });
}

/** An integer from 0 to `max` (default `Number.MAX_SAFE_INTEGER`). */
export function count(max: number = Number.MAX_SAFE_INTEGER): Codec<number> {
  return asIs((value, at) => {
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
      throw malformed(at, "a whole number");
    }
    if (value > max) throw new WireError("too_large", `${at} is ${value}; maximum ${max}`);
    return value;
  });
}

/** A finite number. */
export const number: Codec<number> = asIs((value, at) => {
  if (typeof value !== "number" || !Number.isFinite(value)) throw malformed(at, "a number");
  return value;
});

/** True or false. */
export const boolean: Codec<boolean> = asIs((value, at) => {
  if (typeof value !== "boolean") throw malformed(at, "true or false");
  return value;
});

/** A byte string of `min` (default 0) to `max` bytes, decoded as a view of the message. */
export function bytes({ min = 0, max }: { min?: number; max: number }): Codec<Uint8Array> {
  return asIs((value, at) => {
    if (!(value instanceof Uint8Array)) throw malformed(at, "bytes");
    if (value.length > max) {
      throw new WireError("too_large", `${at} is ${value.length} bytes long; maximum ${max}`);
    }
    if (value.length < min) throw malformed(at, `at least ${min} bytes`);
    return value;
  });
}

/** One of the given strings. */
export function oneOf<const T extends string>(choices: readonly T[]): Codec<T> {
  return asIs((value, at) => {
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw malformed(at, `one of ${choices.join(", ")}`);
    return found;
  });
}

/** An optional value; `undefined` is encoded as nil. */
export function optional<T>(codec: Codec<T>): Codec<T | undefined> {
  return {
    encode: (value) => value === undefined ? null : codec.encode(value),
    decode: (value, at) =>
      value === undefined || value === null ? undefined : codec.decode(value, at),
  };
}

/** A codec with a further check: `check` returns the decoded value, or raises `WireError`. */
export function checked<T>(codec: Codec<T>, check: (value: T, at: string) => T): Codec<T> {
  return {
    encode: (value) => codec.encode(value),
    decode: (value, at) => check(codec.decode(value, at), at),
  };
}

/**
 * A value that is encoded as another type: `write` converts it before encoding, `read` converts it
 * back.
 */
export function mapped<T, U>(
  codec: Codec<U>,
  options: { readonly write: (value: T) => U; readonly read: (value: U, at: string) => T },
): Codec<T> {
  return {
    encode: (value) => codec.encode(options.write(value)),
    decode: (value, at) => options.read(codec.decode(value, at), at),
  };
}

/** An array of at most `max` values of one type (default: no maximum). */
export function list<T>(codec: Codec<T>, max = Infinity): Codec<readonly T[]> {
  return {
    encode: (values) => values.map((value) => codec.encode(value)),
    decode: (value, at) => {
      if (!Array.isArray(value)) throw malformed(at, "a list");
      if (value.length > max) {
        throw new WireError("too_many", `${at} has ${value.length} entries; maximum ${max}`);
      }
      return value.map((entry, index) => codec.decode(entry, placeOf(at, `[${index}]`)));
    },
  };
}

/** The path of a part of the value at the path `at`, for errors. */
function placeOf(at: string, part: string): string {
  return `${at}${part}`.slice(0, PLACE_MAX_LENGTH);
}

/** A map from any text to values of one type. */
export function dictionary<T>(codec: Codec<T>): Codec<Readonly<Record<string, T>>> {
  return {
    // The decoder refuses the key `__proto__`, which the tags of a foreign member may contain.
    encode: (values) =>
      Object.fromEntries(
        Object.entries(values).filter(([key]) => key !== "__proto__")
          .map(([key, value]) => [key, codec.encode(value)]),
      ),
    decode: (value, at) =>
      Object.fromEntries(
        Object.entries(mapOf(value, at)).map(([key, entry]) => {
          const place = placeOf(at, `.${printable(key.slice(0, QUOTED_KEY_MAX_LENGTH))}`);
          if (!key.isWellFormed()) throw malformed(`the key ${place}`, "text in UTF-8");
          return [key, codec.decode(entry, place)];
        }),
      ),
  };
}

/**
 * An object, encoded as a map from property names. Undefined properties are left out. Unknown ones
 * are ignored, so that a later version may add some.
 */
export function record<T extends object>(fields: Fields<T>): Codec<T> {
  const entries = entriesOf(fields);
  return {
    encode: (value) => {
      const map: Record<string, ValueType> = {};
      for (const [key, codec] of entries) {
        if (value[key] !== undefined) map[key] = codec.encode(value[key]);
      }
      return map;
    },
    decode: (value, at) => {
      const map = mapOf(value, at);
      return objectOf<T>(entries, { at, valueOf: (key) => own(map, key) });
    },
  };
}

/**
 * An object, encoded as an array of its properties in the order of `fields`. Further items are
 * ignored, so that a later version may append some.
 */
export function row<T extends object>(fields: Fields<T>): Codec<T> {
  const entries = entriesOf(fields);
  return {
    encode: (value) => entries.map(([key, codec]) => codec.encode(value[key])),
    decode: (value, at) => {
      if (!Array.isArray(value)) throw malformed(at, "an array");
      return objectOf<T>(entries, { at, valueOf: (_, index) => value[index] });
    },
  };
}

/** A union of objects, each encoded as a map; the property `key` is the tag of the variant. */
export function tagged<T extends object, K extends keyof T & string>(
  key: K,
  variants: Variants<T, K>,
): Codec<T> {
  const codecs = variantCodecs<T>(
    variants,
    (tag, fields) => record({ [key]: oneOf([tag]), ...fields }),
  );
  return {
    encode: (value) => codecOf(codecs, value[key]).encode(value),
    decode: (value, at) => {
      const codec = codecs.get(own(mapOf(value, at), key));
      if (codec === undefined) throw unknownTag(`${at}.${key}`, codecs);
      return codec.decode(value, at);
    },
  };
}

/** A union of objects, each encoded as an array; the first item is the tag, the property `key`. */
export function taggedRow<T extends object, K extends keyof T & string>(
  key: K,
  variants: Variants<T, K>,
): Codec<T> {
  const codecs = variantCodecs<T>(
    variants,
    (tag, fields) => row({ [key]: oneOf([tag]), ...fields }),
  );
  return {
    encode: (value) => codecOf(codecs, value[key]).encode(value),
    decode: (value, at) => {
      if (!Array.isArray(value)) throw malformed(at, "an array");
      const codec = codecs.get(value[0]);
      if (codec === undefined) throw unknownTag(`${at}.${key}`, codecs);
      return codec.decode(value, at);
    },
  };
}

function unknownTag(at: string, codecs: ReadonlyMap<unknown, unknown>): WireError {
  return new WireError("unknown_type", `${at} must be one of ${[...codecs.keys()].join(", ")}`);
}

function variantCodecs<T extends object>(
  variants: object,
  codecFor: (
    tag: string,
    fields: Fields<Record<string, unknown>>,
  ) => Codec<Record<string, unknown>>,
): ReadonlyMap<unknown, Codec<T>> {
  return new Map(
    Object.entries(variants).map((
      [tag, fields],
    ) => [tag, codecFor(tag, fields) as unknown as Codec<T>]),
  );
}

function codecOf<T>(codecs: ReadonlyMap<unknown, Codec<T>>, tag: unknown): Codec<T> {
  const codec = codecs.get(tag);
  if (codec === undefined) {
    throw new RangeError(`no variant of the message is tagged ${String(tag)}`);
  }
  return codec;
}

function entriesOf<T>(fields: Fields<T>): [keyof T & string, Codec<unknown>][] {
  return Object.entries(fields) as [keyof T & string, Codec<unknown>][];
}

/** Decodes each property; undefined ones are left out. */
function objectOf<T>(
  entries: readonly [keyof T & string, Codec<unknown>][],
  { at, valueOf }: {
    readonly at: string;
    readonly valueOf: (key: keyof T & string, index: number) => unknown;
  },
): T {
  const result: Record<string, unknown> = {};
  entries.forEach(([key, codec], index) => {
    const found = codec.decode(valueOf(key, index), `${at}.${key}`);
    if (found !== undefined) result[key] = found;
  });
  return result as T;
}

/** Checks that a value is a map. The decoder's own classes, such as dates, are not maps. */
function mapOf(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (
    typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype
  ) {
    throw malformed(at, "a map");
  }
  return value as Readonly<Record<string, unknown>>;
}

function own(map: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}
