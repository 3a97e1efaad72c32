import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { encode, type ValueType } from "@std/msgpack";
import { type DropReason, WireError } from "../errors.ts";
import {
  BATCH_BODY_MAX_BYTES,
  BATCH_CONTENT_MAX_BYTES,
  NAME_MAX_BYTES,
  SIGNATURE_MAX_BYTES,
} from "../limits.ts";
import { decodeMessage, encodeMessage } from "../msgpack_codec.ts";
import {
  ADDRESS,
  BATCH,
  type BatchContent,
  batchOf,
  decodeBatchContent,
  encodeBatchContent,
  lifetimeMs,
  NODE_REFERENCE,
} from "./batch.ts";
import { idToBytes } from "./id.ts";

const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const ADDRESSES = [{ host: "192.0.2.1", port: 3505 }, { host: "fe80::1", port: 65_535 }] as const;
const [V4, V6] = ADDRESSES;

/** Content with everything that one may have, and one with nothing that one may leave out. */
const FULL: BatchContent = {
  id: ID,
  originName: "größe",
  issuedAtMs: 1_735_689_600_123,
  expiresAtMs: 1_735_693_200_123,
  target: { tags: [{ key: "zone", equal: false, value: "" }], nodes: ["web-*", "b"] },
  held: true,
  body: Uint8Array.of(1, 2, 3),
};
const PLAIN: BatchContent = {
  id: "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
  originName: "n".repeat(NAME_MAX_BYTES),
  issuedAtMs: 0,
  expiresAtMs: 0,
  target: {},
  held: false,
  body: new Uint8Array(0),
};

/** The same content as its array, with items replaced, left out or appended. */
function itemsOf(content: BatchContent, changes: Readonly<Record<number, ValueType>> = {}) {
  const { id, originName, issuedAtMs, expiresAtMs, held, body } = content;
  const target: ValueType = { tags: [["zone", false, ""]], nodes: ["web-*", "b"] };
  const items: ValueType[] = [
    ...["gossipcheck batch 2", idToBytes(id), originName, issuedAtMs, expiresAtMs],
    ...[content.target === PLAIN.target ? {} : target, held, body],
  ];
  for (const [index, value] of Object.entries(changes)) items[Number(index)] = value;
  return items;
}

Deno.test("content comes back as it was", () => {
  for (const content of [FULL, PLAIN]) {
    const bytes = encodeBatchContent(content);
    assertEquals(decodeBatchContent(bytes), content);
    assertEquals(bytes, encode(itemsOf(content)));
    const { body } = decodeBatchContent(bytes);
    assertStrictEquals(body.buffer, bytes.buffer);
  }
});

Deno.test("a batch comes back as it was, with its address and signature beside its content", () => {
  for (const content of [FULL, PLAIN]) {
    for (const address of ADDRESSES) {
      for (const signature of [new Uint8Array(0), new Uint8Array(SIGNATURE_MAX_BYTES).fill(9)]) {
        const { originName, ...fields } = content;
        const bytes = encodeBatchContent(content);
        const batch = batchOf({ content: bytes, address, signature });
        assertEquals(batch, {
          ...fields,
          origin: { name: originName, address },
          content: bytes,
          signature,
        });
        const travelled = encodeMessage(BATCH, batch);
        assertEquals(decodeMessage(travelled, { codec: BATCH, what: "it" }), batch);
      }
    }
  }
});

Deno.test("content is kept and handed on byte for byte, also what a later version appended", () => {
  const contents: readonly Uint8Array[] = [
    encode([...itemsOf(FULL), "priority", { more: [1, new Uint8Array(2)] }]),
    encode(itemsOf(FULL, {
      5: { tags: [["zone", false, "", "i"]], nodes: ["web-*", "b"], zones: ["a"] },
    })),
    // The same values in a longer form: an encoder of another version may choose it.
    new Uint8Array([0xdc, 0, 8, ...encode(itemsOf(FULL)).subarray(1)]),
  ];
  for (const content of contents) {
    assertNotEquals(content, encodeBatchContent(FULL));
    const sent = batchOf({ content, address: V4, signature: Uint8Array.of(9) });
    // What is read is what this version knows.
    assertEquals(decodeBatchContent(content), FULL);
    let batch = sent;
    for (let hop = 0; hop < 3; hop++) {
      batch = decodeMessage(encodeMessage(BATCH, batch), { codec: BATCH, what: "it" });
      assertEquals(batch, sent);
      assertEquals(batch.content, content);
    }
  }
});

Deno.test("the origin's address and the signature are no part of the content, all else is", () => {
  const base = encodeBatchContent(FULL);
  const batch = batchOf({ content: base, address: V4, signature: Uint8Array.of(1) });
  const moved = batchOf({ content: base, address: V6, signature: Uint8Array.of(2) });
  assertEquals(moved, {
    ...batch,
    origin: { ...batch.origin, address: V6 },
    signature: Uint8Array.of(2),
  });
  assertEquals(encodeBatchContent({ ...batch, originName: batch.origin.name }), base);
  const changes: { readonly [K in keyof BatchContent]: readonly BatchContent[K][] } = {
    id: [PLAIN.id],
    originName: ["other"],
    issuedAtMs: [FULL.issuedAtMs + 1],
    expiresAtMs: [0, FULL.expiresAtMs + 1],
    target: [
      {},
      { ...FULL.target, nodes: ["web-*,b"] },
      { ...FULL.target, tags: [{ key: "zone", equal: true, value: "" }] },
    ],
    held: [false],
    body: [Uint8Array.of(1, 2, 4), Uint8Array.of(1, 2)],
  };
  const seen = new Set([base.toHex()]);
  for (const [key, values] of Object.entries(changes)) {
    for (const value of values) {
      seen.add(encodeBatchContent({ ...FULL, [key]: value }).toHex());
    }
  }
  assertEquals(seen.size, 1 + Object.values(changes).flat().length);
});

Deno.test("content without an id that is one is not encoded", () => {
  const content = { ...FULL, id: "foo" };
  assertThrows(() => encodeBatchContent(content), WireError, '"foo" is not a batch id');
});

Deno.test("a batch lives from its issue to its expiry, or for ever", () => {
  const batch = (content: BatchContent) =>
    batchOf({ content: encodeBatchContent(content), address: V4, signature: new Uint8Array(0) });
  assertEquals(lifetimeMs(batch(FULL)), 3_600_000);
  assertEquals(lifetimeMs(batch({ ...FULL, expiresAtMs: FULL.issuedAtMs + 1 })), 1);
  assertEquals(lifetimeMs(batch(PLAIN)), Infinity);
});

const MAX_MS = 2 ** 52;
const REFUSED: readonly (readonly [string, ValueType, string, DropReason])[] = [
  ["a map", { id: ID }, " must be an array", "malformed"],
  ["nothing", [], ".context must be one of gossipcheck batch 2", "malformed"],
  ["another context", itemsOf(FULL, { 0: "gossipcheck batch 1" }), ".context must be", "malformed"],
  ["a short id", itemsOf(FULL, { 1: new Uint8Array(15) }), ".id must be at least 16", "malformed"],
  ["a long id", itemsOf(FULL, { 1: new Uint8Array(17) }), ".id is 17 bytes long", "too_large"],
  ["an id as text", itemsOf(FULL, { 1: ID }), ".id must be bytes", "malformed"],
  ["no origin", itemsOf(FULL, { 2: "" }), ".originName must be text of at least 1", "malformed"],
  ["a long origin", itemsOf(FULL, { 2: "é".repeat(128) }), ".originName is 256", "too_large"],
  ["a fraction of time", itemsOf(FULL, { 3: 1.5 }), ".issuedAtMs must be a whole", "malformed"],
  ["a time before 1970", itemsOf(FULL, { 3: -1 }), ".issuedAtMs must be a whole", "malformed"],
  ["a late issue", itemsOf(FULL, { 3: MAX_MS + 1 }), `.issuedAtMs is ${MAX_MS + 1};`, "too_large"],
  ["a late end", itemsOf(FULL, { 4: MAX_MS + 1 }), `.expiresAtMs is ${MAX_MS + 1};`, "too_large"],
  ["no target", itemsOf(FULL, { 5: null }), ".target must be a map", "malformed"],
  ["bad tags", itemsOf(FULL, { 5: { tags: ["x"] } }), ".target.tags[0] must be an", "malformed"],
  [
    "too many nodes",
    itemsOf(FULL, { 5: { nodes: Array(1_001).fill("n") } }),
    ".target.nodes has 1001 entries; maximum 1000",
    "too_many",
  ],
  ["a flag that is none", itemsOf(FULL, { 6: 1 }), ".held must be true or false", "malformed"],
  ["a text for a body", itemsOf(FULL, { 7: "x" }), ".body must be bytes", "malformed"],
  ["no body", itemsOf(FULL).slice(0, 7), ".body must be bytes", "malformed"],
  [
    "a long body",
    itemsOf(FULL, { 7: new Uint8Array(BATCH_BODY_MAX_BYTES + 1) }),
    `.body is ${BATCH_BODY_MAX_BYTES + 1} bytes long; maximum ${BATCH_BODY_MAX_BYTES}`,
    "too_large",
  ],
];

Deno.test("content that breaks a rule is refused with its place", () => {
  for (const [what, value, expected, reason] of REFUSED) {
    const content = encode(value);
    const errors = [
      assertThrows(() => decodeBatchContent(content), WireError),
      assertThrows(
        () => batchOf({ content, address: V4, signature: new Uint8Array(0) }),
        WireError,
      ),
    ];
    for (const error of errors) {
      assert(error.message.startsWith(`a batch${expected}`), `${what}: ${error.message}`);
      assertEquals(error.reason, reason, what);
    }
  }
});

Deno.test("a batch that expires before its issue, or at it, is refused", () => {
  const { issuedAtMs } = FULL;
  for (const expiresAtMs of [1, issuedAtMs - 1, issuedAtMs]) {
    const content = encodeBatchContent({ ...FULL, expiresAtMs });
    const error = assertThrows(() => decodeBatchContent(content), WireError);
    assertEquals([error.reason, error.message], [
      "malformed",
      `a batch: batch ${ID} expires before it is issued`,
    ]);
  }
  for (const expiresAtMs of [0, issuedAtMs + 1, MAX_MS]) {
    const content = encodeBatchContent({ ...FULL, expiresAtMs });
    assertEquals(decodeBatchContent(content).expiresAtMs, expiresAtMs);
  }
});

Deno.test("what is cut short or follows is refused, and changed bytes never do worse", () => {
  for (const content of [FULL, PLAIN]) {
    const bytes = encodeBatchContent(content);
    for (let length = 0; length < bytes.length; length++) {
      assertThrows(() => decodeBatchContent(bytes.subarray(0, length)), WireError);
    }
    const longer = new Uint8Array([...bytes, 0]);
    assertThrows(() => decodeBatchContent(longer), WireError, "a batch is followed by 1 bytes");
    for (let index = 0; index < bytes.length; index++) {
      for (const byte of [0x00, 0x80, 0x91, 0xc1, 0xd9, 0xdd, 0xff]) {
        try {
          const read = decodeBatchContent(bytes.with(index, byte));
          assertEquals(decodeBatchContent(encodeBatchContent(read)), read);
        } catch (error) {
          if (!(error instanceof WireError)) throw error;
        }
      }
    }
  }
});

Deno.test("content, its signature and what holds both are bounded", () => {
  const padded = (length: number) => encode([...itemsOf(PLAIN), new Uint8Array(length)]);
  const room = BATCH_CONTENT_MAX_BYTES - padded(100_000).length + 100_000;
  assertEquals(padded(room).length, BATCH_CONTENT_MAX_BYTES);
  assertEquals(decodeBatchContent(padded(room)), PLAIN);
  const error = assertThrows(() => decodeBatchContent(padded(room + 1)), WireError);
  assertEquals([error.reason, error.message], [
    "too_large",
    `a batch is ${BATCH_CONTENT_MAX_BYTES + 1} bytes long; maximum ${BATCH_CONTENT_MAX_BYTES}`,
  ]);
  const content = encodeBatchContent(FULL);
  const address: ValueType = [Uint8Array.of(192, 0, 2, 1), 3505];
  const none = new Uint8Array(0);
  const cases: [ValueType, string, DropReason][] = [
    [[padded(room + 1), address, none], "it.content is 2621441 bytes long", "too_large"],
    [
      [content, address, new Uint8Array(SIGNATURE_MAX_BYTES + 1)],
      "it.signature is 1025 bytes long; maximum 1024",
      "too_large",
    ],
    [[content, address], "it.signature must be bytes", "malformed"],
    [["x", address, none], "it.content must be bytes", "malformed"],
    [[content, null, none], "it.address must be an array", "malformed"],
    [[none, address, none], "a message ends in mid-value", "truncated"],
  ];
  for (const [value, expected, reason] of cases) {
    const read = () => decodeMessage(encode(value), { codec: BATCH, what: "it" });
    assertEquals(assertThrows(read, WireError, expected).reason, reason, expected);
  }
  const later: ValueType = [content, [...address, "more"], none, "more"];
  assertEquals(decodeMessage(encode(later), { codec: BATCH, what: "it" }).origin.address, V4);
});

Deno.test("an address is an IP address and a port that one can connect to", () => {
  for (const address of ADDRESSES) {
    const reference = { name: "größe", address };
    const bytes = encodeMessage(NODE_REFERENCE, reference);
    assertEquals(decodeMessage(bytes, { codec: NODE_REFERENCE, what: "it" }), reference);
  }
  const ip = Uint8Array.of(10, 0, 0, 1);
  const cases: [ValueType, string, DropReason][] = [
    [[ip, 0], "it has port 0", "bad_address"],
    [[ip, 65_536], "it.port is 65536; maximum 65535", "too_large"],
    [[ip, -1], "it.port must be a whole number", "malformed"],
    [[ip.subarray(0, 3), 1], "3 bytes", "bad_address"],
    [[new Uint8Array(5), 1], "5 bytes", "bad_address"],
    [[new Uint8Array(0), 1], "0 bytes", "bad_address"],
    [[new Uint8Array(17), 1], "it.ip is 17 bytes long; maximum 16", "too_large"],
    [["10.0.0.1", 1], "it.ip must be bytes", "malformed"],
    [{ ip, port: 1 }, "it must be an array", "malformed"],
  ];
  for (const [value, expected, reason] of cases) {
    const read = () => decodeMessage(encode(value), { codec: ADDRESS, what: "it" });
    assertEquals(assertThrows(read, WireError, expected).reason, reason, expected);
  }
  for (const name of ["", "n".repeat(256)]) {
    const bytes = encode([name, [ip, 1]]);
    assertThrows(
      () => decodeMessage(bytes, { codec: NODE_REFERENCE, what: "it" }),
      WireError,
      "it.name",
    );
  }
});
