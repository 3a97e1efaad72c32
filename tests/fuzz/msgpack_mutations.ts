/**
 * Changes of MessagePack that keep most of it whole: one value replaced, left out, doubled, moved,
 * wrapped, or with a length or count that lies.
 * @module
 */
import { concat } from "@std/bytes";
import { type Mutation, spliced } from "./mutations.ts";

/** Where one value stands. */
interface Value {
  /** Its type byte. */
  readonly at: number;
  /** Behind it and all that is in it. */
  readonly end: number;
}

/** Values of every kind, and those that break weak decoders. */
const STRANGE: readonly Uint8Array[] = [
  [0xc0],
  [0xc2],
  [0xc3],
  [0x00],
  [0xff],
  [0xcc, 0xff],
  [0xcd, 0xff, 0xff],
  [0xce, 0xff, 0xff, 0xff, 0xff],
  [0xcf, 0x00, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0],
  // Floats: 1.5, minus zero, not a number, infinity.
  [0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0],
  [0xcb, 0x80, 0, 0, 0, 0, 0, 0, 0],
  [0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0],
  [0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0],
  [0xca, 0x7f, 0xc0, 0, 0],
  // Texts: empty, no UTF-8, half a surrogate pair, overlong.
  [0xa0],
  [0xa1, 0x80],
  [0xa3, 0xed, 0xa0, 0x80],
  [0xa2, 0xc0, 0x80],
  [0xa9, ...new TextEncoder().encode("__proto__")],
  [0xab, ...new TextEncoder().encode("constructor")],
  [0xc4, 0x00],
  [0xc4, 0x03, 1, 2, 3],
  [0x80],
  [0x90],
  // A map with a key that is no text, and one with the same key twice.
  [0x81, 0x01, 0x02],
  [0x82, 0xa1, 0x61, 1, 0xa1, 0x61, 2],
  [0x81, 0xa9, ...new TextEncoder().encode("__proto__"), 0x80],
  // Extensions: a timestamp, an unknown one, an empty one.
  [0xd6, 0xff, 0, 0, 0, 1],
  [0xd4, 0x05, 0],
  [0xc7, 0x00, 0x01],
  [0xc1],
  new Array(20).fill(0x91).concat(0xc0),
  new Array(20).fill([0x81, 0xa1, 0x61]).flat().concat(0xc0),
].map((bytes) => new Uint8Array(bytes));

/** Headers of lengths and counts that nothing of this size has. */
const LIES: readonly Uint8Array[] = [0xc6, 0xdb, 0xdd, 0xdf, 0xc9].flatMap((type) => [
  new Uint8Array([type, 0xff, 0xff, 0xff, 0xff]),
  new Uint8Array([type, 0, 0, 0xff, 0xff]),
]);

/** Changes for inputs that hold MessagePack from `start` on; blind ones do where there is none. */
export function msgpackMutations(start: number): readonly Mutation[] {
  const onValue = (
    change: (
      edit: { bytes: Uint8Array; value: Value; random: Parameters<Mutation>[1] },
    ) => Uint8Array,
  ): Mutation =>
  (bytes, random) => {
    const values = valuesOf(bytes, start);
    return values.length === 0 ? bytes : change({ bytes, value: random.pick(values), random });
  };
  return [
    onValue(({ bytes, value, random }) =>
      replaced(bytes, { value, inserted: random.pick(STRANGE) })
    ),
    onValue(({ bytes, value, random }) =>
      replaced(bytes, { value, inserted: random.pick(STRANGE) })
    ),
    onValue(({ bytes, value }) => replaced(bytes, { value, inserted: new Uint8Array(0) })),
    onValue(({ bytes, value }) =>
      spliced(bytes, { at: value.at, removed: 0, inserted: bytes.slice(value.at, value.end) })
    ),
    onValue(({ bytes, value, random }) => {
      const other = random.pick(valuesOf(bytes, start));
      return replaced(bytes, { value, inserted: bytes.slice(other.at, other.end) });
    }),
    onValue(({ bytes, value, random }) => {
      const head = random.pick([[0x91], [0x81, 0xa1, 0x61], [0xc4, 1], [0xd9, 1]]);
      return spliced(bytes, { at: value.at, removed: 0, inserted: new Uint8Array(head) });
    }),
    onValue(({ bytes, value, random }) =>
      spliced(bytes, { at: value.at, removed: 1, inserted: random.pick(LIES) })
    ),
    // The short forms keep their length or count in the type byte.
    onValue(({ bytes, value, random }) => {
      const changed = bytes.slice();
      changed[value.at] = changed[value.at]! + random.pick([-1, 1, 2]);
      return changed;
    }),
  ];
}

function replaced(
  bytes: Uint8Array,
  { value: { at, end }, inserted }: { value: Value; inserted: Uint8Array },
): Uint8Array {
  return spliced(bytes, { at, removed: end - at, inserted });
}

/** All values from `start` on, those inside others too, as far as they can be made out. */
function valuesOf(bytes: Uint8Array, start: number): Value[] {
  const found: Value[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    let at = start;
    while (at < bytes.length) at = walk({ bytes, view, found }, at);
  } catch (error) {
    // It ends early: the values until there do.
    if (!(error instanceof RangeError)) throw error;
  }
  return found;
}

interface Walk {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly found: Value[];
}

/** From 0xc4: bytes of the length field and of what follows it besides, as the specification lists them. */
const FIELDS: readonly (readonly [number, number])[] = [
  ...[[1, 0], [2, 0], [4, 0], [1, 1], [2, 1], [4, 1]] as const,
  ...[[0, 4], [0, 8], [0, 1], [0, 2], [0, 4], [0, 8], [0, 1], [0, 2], [0, 4], [0, 8]] as const,
  ...[[0, 2], [0, 3], [0, 5], [0, 9], [0, 17], [1, 0], [2, 0], [4, 0]] as const,
  ...[[2, 0], [4, 0], [2, 0], [4, 0]] as const,
];

/** Notes the value at `at` and what is in it; where it ends. Raises `RangeError` past the end. */
function walk(input: Walk, at: number): number {
  const { bytes, view, found } = input;
  const type = view.getUint8(at);
  const index = found.push({ at, end: bytes.length }) - 1;
  const [field, fixed] = FIELDS[type - 0xc4] ?? [0, 0];
  const size = field === 0
    ? 0
    : field === 1
    ? view.getUint8(at + 1)
    : field === 2
    ? view.getUint16(at + 1)
    : view.getUint32(at + 1);
  const shortMap = type >= 0x80 && type < 0x90;
  const shortList = type >= 0x90 && type < 0xa0;
  let children = shortMap ? 2 * (type & 15) : shortList ? type & 15 : 0;
  let end = at + 1 + field + fixed;
  if (type >= 0xa0 && type < 0xc0) end += type & 31;
  else if (type >= 0xdc) children = type >= 0xde && type < 0xe0 ? 2 * size : type < 0xde ? size : 0;
  else end += size;
  for (; children > 0; children--) end = walk(input, end);
  if (end > bytes.length) throw new RangeError("it ends early");
  found[index] = { at, end };
  return end;
}

/** MessagePack of about so many bytes that would cost a decoder dearly that looks at things twice. */
export const MSGPACK_COSTLY: Readonly<Record<string, (bytes: number) => Uint8Array>> = {
  "long lists of small values": (bytes) =>
    concat([uint32Header(0xdd, bytes), new Uint8Array(bytes).fill(1)]),
  "lists of empty lists": (bytes) =>
    concat([uint32Header(0xdd, bytes), new Uint8Array(bytes).fill(0x90)]),
  "maps of many keys": (bytes) => {
    const count = Math.floor(bytes / 6);
    const entries = Array.from({ length: count }, (_, index) => {
      const key = index.toString(36).padStart(4, "0");
      return new Uint8Array([0xa4, ...new TextEncoder().encode(key), 1]);
    });
    return concat([uint32Header(0xdf, count), ...entries]);
  },
  "lists within lists": (bytes) => new Uint8Array(bytes).fill(0x91),
  "pairs of lists": (bytes) => new Uint8Array(bytes).fill(0x92),
  "long texts": (bytes) => concat([uint32Header(0xdb, bytes), new Uint8Array(bytes).fill(0x61)]),
};

function uint32Header(type: number, value: number): Uint8Array {
  const header = new Uint8Array(5);
  header[0] = type;
  new DataView(header.buffer).setUint32(1, value);
  return header;
}
