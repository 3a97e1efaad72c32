/**
 * Shapes: small functions that take what a decoder built and give it back as a type, or raise
 * `WireError` naming the place. Fields that a shape does not name are dropped.
 * @module
 */
import { WireError } from "../errors.ts";
import { utf8Length } from "../utf8.ts";

/** Takes any value found at the place `at`; gives the checked one. Raises `WireError`. */
export type Shape<T> = (value: unknown, at: string) => T;

/** The shapes of all properties of `T`. */
export type Fields<T> = { readonly [K in keyof Required<T>]: Shape<T[K]> };

/** A key that a stranger chose is told in errors up to this length. */
const TOLD_KEY_MAX_LENGTH = 80;

/** A string that UTF-8 can hold: half a surrogate pair comes of bytes that are no UTF-8. */
export function text(value: unknown, at: string): string {
  if (typeof value !== "string" || !value.isWellFormed()) throw wrong(at, "text");
  return value;
}

/** A string of so many bytes of UTF-8. */
export function textOf(bounds: { least: number; most: number }): Shape<string> {
  return (value, at) => {
    const found = text(value, at);
    const length = utf8Length(found);
    if (length < bounds.least || length > bounds.most) {
      throw wrong(at, `${bounds.least} to ${bounds.most} bytes`);
    }
    return found;
  };
}

/** A number of the shape between two others, both included. */
export function within(
  bounds: { least: number; most: number },
  shape: Shape<number>,
): Shape<number> {
  return (value, at) => {
    const found = shape(value, at);
    if (found < bounds.least || found > bounds.most) {
      throw wrong(at, `${bounds.least} to ${bounds.most}`);
    }
    return found;
  };
}

/** A list of at most so many entries, which is looked at before they are. */
export function atMost<T>(most: number, shape: Shape<readonly T[]>): Shape<readonly T[]> {
  return (value, at) => {
    if (Array.isArray(value) && value.length > most) throw wrong(at, `at most ${most} entries`);
    return shape(value, at);
  };
}

/** A number that is not NaN or infinite. */
export function number(value: unknown, at: string): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw wrong(at, "a number");
  return value;
}

/** A whole number from 0 up. */
export function count(value: unknown, at: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw wrong(at, "a whole number");
  return value as number;
}

/** A truth value. */
export function truth(value: unknown, at: string): boolean {
  if (typeof value !== "boolean") throw wrong(at, "true or false");
  return value;
}

/** Bytes. */
export function bytes(value: unknown, at: string): Uint8Array {
  if (!(value instanceof Uint8Array)) throw wrong(at, "bytes");
  return value;
}

/** So many bytes at most. */
export function bytesUpTo(most: number): Shape<Uint8Array> {
  return (value, at) => {
    const found = bytes(value, at);
    if (found.length > most) throw wrong(at, `at most ${most} bytes`);
    return found;
  };
}

/** One of the given strings. */
export function oneOf<const T extends string>(choices: readonly T[]): Shape<T> {
  return (value, at) => {
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw wrong(at, `one of ${choices.join(", ")}`);
    return found;
  };
}

/** The shape, or nothing at all. */
export function optional<T>(shape: Shape<T>): Shape<T | undefined> {
  return (value, at) => value === undefined || value === null ? undefined : shape(value, at);
}

/** An array of values of one shape. */
export function list<T>(shape: Shape<T>): Shape<readonly T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) throw wrong(at, "a list");
    return value.map((entry, index) => shape(entry, `${at}[${index}]`));
  };
}

/** A map from any key to values of one shape. */
export function dictionary<T>(shape: Shape<T>): Shape<Readonly<Record<string, T>>> {
  return (value, at) =>
    Object.fromEntries(
      Object.entries(mapOf(value, at)).map(([key, entry]) => {
        const place = `${at}.${key.slice(0, TOLD_KEY_MAX_LENGTH)}`;
        return [text(key, `the key ${place}`), shape(entry, place)];
      }),
    );
}

/** An object with the given properties; those that come out undefined are left out. */
export function record<T extends object>(fields: Fields<T>): Shape<T> {
  return (value, at) => {
    const map = mapOf(value, at);
    const result: Record<string, unknown> = {};
    for (const key of Object.keys(fields) as (keyof T & string)[]) {
      const found = fields[key](own(map, key), `${at}.${key}`);
      if (found !== undefined) result[key] = found;
    }
    return result as T;
  };
}

/** The member of a union whose tag `K` can be `V`. */
export type Variant<T, K extends keyof T, V> = T extends unknown ? V extends T[K] ? T : never
  : never;

/** The shapes of all properties of each variant of a union but its tag. */
export type Variants<T, K extends keyof T> = {
  readonly [V in T[K] & string]: Fields<Omit<Variant<T, K, V>, K>>;
};

/** One of several objects, told apart by the string property `key`. */
export function tagged<T extends object, K extends keyof T & string>(
  key: K,
  variants: Variants<T, K>,
): Shape<T> {
  const shapes = new Map<unknown, Shape<object>>();
  for (const [tag, fields] of Object.entries(variants) as [string, Fields<object>][]) {
    shapes.set(tag, record<object>({ [key]: oneOf([tag]), ...fields }));
  }
  return (value, at) => {
    const shape = shapes.get(own(mapOf(value, at), key));
    if (shape === undefined) throw wrong(`${at}.${key}`, `one of ${[...shapes.keys()].join(", ")}`);
    return shape(value, at) as T;
  };
}

function mapOf(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (
    typeof value !== "object" || value === null || Array.isArray(value) ||
    value instanceof Uint8Array
  ) {
    throw wrong(at, "a map");
  }
  return value as Readonly<Record<string, unknown>>;
}

function own(map: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

function wrong(at: string, expected: string): WireError {
  return new WireError("malformed", `${at} must be ${expected}`);
}
