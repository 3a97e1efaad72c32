/**
 * What becomes of a sample on its way to a decoder: bytes changed blindly, and changes that know
 * what the sample is made of, so that they get past the first check.
 * @module
 */
import type { SeededRandom } from "../support/world_time.ts";

/** What a decoder's input is made of; decides which changes are made beside blind ones. */
export type Form = "msgpack" | "text" | "bytes";

/** One change of one sample. */
export type Mutation = (bytes: Uint8Array, random: SeededRandom) => Uint8Array;

/** Noise is at most this long. */
const NOISE_MAX_BYTES = 64;
/** Numbers at which lengths and counts turn over. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff];

/** `bytes` with `removed` bytes at `at` replaced by `inserted`. */
export function spliced(
  bytes: Uint8Array,
  edit: { readonly at: number; readonly removed: number; readonly inserted: Uint8Array },
): Uint8Array {
  const { at, removed, inserted } = edit;
  const rest = bytes.subarray(Math.min(bytes.length, at + removed));
  const result = new Uint8Array(at + inserted.length + rest.length);
  result.set(bytes.subarray(0, at));
  result.set(inserted, at);
  result.set(rest, at + inserted.length);
  return result;
}

/** Noise of up to 64 bytes. */
export function noise(random: SeededRandom): Uint8Array {
  return random.bytes(random.below(NOISE_MAX_BYTES + 1));
}

/** Changes that know nothing of what they change. */
export const BLIND: readonly Mutation[] = [
  onByte((byte, random) => byte ^ (1 << random.below(8))),
  onByte((_byte, random) => random.below(256)),
  onByte((_byte, random) => random.pick(EDGES)),
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  (bytes, random) => {
    const at = random.below(bytes.length + 1);
    return spliced(bytes, { at, removed: 1 + random.below(20), inserted: new Uint8Array(0) });
  },
  (bytes, random) => {
    const at = random.below(bytes.length + 1);
    const inserted = bytes.subarray(at, at + 1 + random.below(20));
    return spliced(bytes, { at, removed: 0, inserted });
  },
  (bytes, random) => {
    const at = random.below(bytes.length + 1);
    return spliced(bytes, { at, removed: random.below(5), inserted: noise(random) });
  },
  // A length that lies, wherever it happens to be one.
  (bytes, random) => {
    const width = random.pick([1, 2, 4]);
    const inserted = new Uint8Array(width).fill(0xff);
    return spliced(bytes, { at: random.below(bytes.length + 1), removed: width, inserted });
  },
];

function onByte(change: (byte: number, random: SeededRandom) => number): Mutation {
  return (bytes, random) => {
    if (bytes.length === 0) return bytes;
    const changed = bytes.slice();
    const at = random.below(bytes.length);
    changed[at] = change(changed[at]!, random);
    return changed;
  };
}
