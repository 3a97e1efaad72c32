/**
 * Decoders under test, each held to what it promises: a value that survives being encoded and
 * decoded again, or one of its documented errors, for no more memory than the input is worth.
 * @module
 */
import { assert, AssertionError } from "@std/assert";
import type { Form } from "./mutations.ts";

/** A decoder and what it promises. */
export interface Decoder<T> {
  /** Names it in the tests. */
  readonly name: string;
  /** What its input is made of. */
  readonly form: Form;
  /** Where MessagePack begins in it. Default 0. */
  readonly start?: number;
  /** Good inputs, of every kind that there is. */
  readonly samples: readonly Uint8Array[];
  /** What is under test. */
  decode(bytes: Uint8Array): T | Promise<T>;
  /** The same value, encoded and decoded once more; absent where nothing encodes it. */
  again?(value: T): T | Promise<T>;
  /** The only errors that it may raise. */
  readonly errors: readonly (abstract new (...args: never[]) => Error)[];
  /** The most memory for a value: its bytes and 16 for each thing in it. Default 40 for each byte of input. */
  readonly valueMaxBytes?: (inputBytes: number) => number;
  /** Inputs that once did harm. */
  readonly regressions?: Readonly<Record<string, Uint8Array>>;
  /** Inputs of about so many bytes that a careless decoder would spend much work on. */
  readonly costly?: Readonly<Record<string, (bytes: number) => Uint8Array>>;
}

/** A decoder whose values nobody else sees. */
export interface Subject
  extends Omit<Decoder<unknown>, "decode" | "again" | "errors" | "valueMaxBytes"> {
  /** Whether `input` was decoded; false where it was refused as documented. Anything else rejects. */
  take(input: Uint8Array): Promise<boolean>;
}

/** Makes one. */
export function subject<T>(decoder: Decoder<T>): Subject {
  return { ...decoder, take: (input) => take(decoder, input) };
}

async function take<T>(decoder: Decoder<T>, input: Uint8Array): Promise<boolean> {
  let value: T;
  try {
    const decoded = decoder.decode(input);
    value = decoded instanceof Promise ? await decoded : decoded;
  } catch (error) {
    const { name, message } = error as Error;
    if (!decoder.errors.some((each) => error instanceof each)) throw error;
    assert(message.length < 1000, `${name} with a message of ${message.length} characters`);
    return false;
  }
  const size = sizeOf(value);
  const bound = decoder.valueMaxBytes?.(input.length) ?? 40 * input.length + 1000;
  assert(size <= bound, `a value of ${size} bytes, where ${bound} are the most`);
  if (decoder.again !== undefined) {
    const second = decoder.again(value);
    const again = second instanceof Promise ? await second : second;
    if (!same(again, value)) {
      throw new AssertionError(`${show(value)} came back as ${show(again)}`);
    }
  }
  return true;
}

/** An estimate of what a value takes in memory, the same on every machine. */
function sizeOf(value: unknown): number {
  if (typeof value === "string") return 16 + value.length;
  if (ArrayBuffer.isView(value)) return 16 + value.byteLength;
  if (typeof value !== "object" || value === null) return 16;
  let size = 16;
  for (const entry of value instanceof Map ? value.values() : Object.values(value)) {
    size += sizeOf(entry);
  }
  return size;
}

/** Whether two values are equal to the last bit, but for the sign of zero. */
export function same(left: unknown, right: unknown): boolean {
  if (typeof left !== "object" || left === null || typeof right !== "object" || right === null) {
    return left === right || (Number.isNaN(left) && Number.isNaN(right));
  }
  if (left instanceof Uint8Array && right instanceof Uint8Array) {
    return left.length === right.length && left.every((byte, index) => byte === right[index]);
  }
  const keys = Object.keys(left);
  return Object.getPrototypeOf(left) === Object.getPrototypeOf(right) &&
    keys.length === Object.keys(right).length &&
    keys.every((key) =>
      Object.hasOwn(right, key) && same(Reflect.get(left, key), Reflect.get(right, key))
    );
}

function show(value: unknown): string {
  return Deno.inspect(value, { depth: 8, strAbbreviateSize: 300, iterableLimit: 20 });
}
