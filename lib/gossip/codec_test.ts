import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { encode, type ValueType } from "@std/msgpack";
import { BATCH, GOSSIP_SAMPLES, PLAIN } from "../../tests/support/gossip_samples.ts";
import { WireError } from "../errors.ts";
import {
  BATCH_BODY_MAX_BYTES,
  DIGEST_MAX_IDS,
  GOSSIP_MESSAGE_MAX_BYTES,
  REPORT_BODY_MAX_BYTES,
} from "../limits.ts";
import { decodeBatch, decodeGossip, encodeBatch, encodeGossip, signedBytes } from "./codec.ts";
import type { Batch, GossipMessage } from "./messages.ts";

const ALL: GossipMessage[] = Object.values(GOSSIP_SAMPLES).flat();

Deno.test("every message comes back as it went", () => {
  for (const message of ALL) assertEquals(decodeGossip(encodeGossip(message)), message);
  for (const batch of [BATCH, PLAIN]) assertEquals(decodeBatch(encodeBatch(batch)), batch);
});

Deno.test("a message that is cut short anywhere, or goes on, is refused", () => {
  for (const message of ALL) {
    const bytes = encodeGossip(message);
    for (let length = 0; length < bytes.length; length++) {
      assertThrows(() => decodeGossip(bytes.subarray(0, length)), WireError);
    }
    assertThrows(() => decodeGossip(Uint8Array.of(...bytes, 0)), WireError, "follow");
  }
});

Deno.test("changed bytes give a message or a WireError, never anything else", () => {
  let state = 1;
  const below = (bound: number) => (state = (state * 48_271) % 2_147_483_647) % bound;
  for (let round = 0; round < 20_000; round++) {
    const bytes = encodeGossip(ALL[below(ALL.length)]!);
    for (let change = below(4); change >= 0; change--) bytes[below(bytes.length)] = below(256);
    try {
      // What was read can be written and read again.
      const message = decodeGossip(bytes);
      assertEquals(decodeGossip(encodeGossip(message)), message);
    } catch (error) {
      assert(error instanceof WireError, `${error} on ${bytes}`);
    }
  }
});

const REFERENCE: ValueType = ["a", Uint8Array.of(10, 0, 0, 1), 1];
const id = new Uint8Array(16);
/** A batch message with one of the batch's values replaced. */
function batchWith(index: number, value: ValueType): ValueType[] {
  const values: ValueType[] = [
    id,
    REFERENCE,
    5,
    9,
    [],
    [],
    false,
    Uint8Array.of(1),
    Uint8Array.of(),
  ];
  values[index] = value;
  return [1, 1, REFERENCE, false, [[0, values]]];
}
const REFUSED: [string, ValueType, string][] = [
  ["no array", 7, "malformed"],
  ["a map", {}, "malformed"],
  ["nothing", [], "malformed"],
  ["a later version", [2, 3, REFERENCE, id], "bad_version"],
  ["an unknown type", [1, 99, REFERENCE, id], "unknown_type"],
  ["no sender", [1, 3, 4, id], "malformed"],
  ["an empty name", [1, 3, ["", Uint8Array.of(10, 0, 0, 1), 1], id], "malformed"],
  ["a name too long", [1, 3, ["n".repeat(256), Uint8Array.of(10, 0, 0, 1), 1], id], "too_large"],
  ["a bad address", [1, 3, ["a", Uint8Array.of(10, 0, 1), 1], id], "bad_address"],
  ["port 0", [1, 3, ["a", Uint8Array.of(10, 0, 0, 1), 0], id], "bad_address"],
  ["a port too large", [1, 3, ["a", Uint8Array.of(10, 0, 0, 1), 65_536], id], "too_large"],
  ["half an id", [1, 3, REFERENCE, new Uint8Array(24)], "malformed"],
  ["too many ids", [1, 3, REFERENCE, new Uint8Array(16 * (DIGEST_MAX_IDS + 1))], "too_large"],
  ["a short id", [1, 9, REFERENCE, new Uint8Array(15)], "malformed"],
  ["a long id", [1, 9, REFERENCE, new Uint8Array(17)], "too_large"],
  ["no copies", [1, 1, REFERENCE, false, []], "malformed"],
  ["a negative age", [1, 1, REFERENCE, false, [[-1, []]]], "malformed"],
  ["a fraction", batchWith(2, 1.5), "malformed"],
  ["a time too large", batchWith(3, 2 ** 60), "malformed"],
  ["expiry before issue", batchWith(3, 4), "malformed"],
  ["expiry at issue", batchWith(3, 5), "malformed"],
  ["tags that are none", batchWith(4, ["x"]), "malformed"],
  ["too many tags", batchWith(4, Array(65).fill(["k", true, "v"])), "too_large"],
  ["too many nodes", batchWith(5, Array(1_001).fill("n")), "too_large"],
  ["a flag that is none", batchWith(6, 1), "malformed"],
  ["a text for a body", batchWith(7, "x"), "malformed"],
  ["a body too large", batchWith(7, new Uint8Array(BATCH_BODY_MAX_BYTES + 1)), "too_large"],
  ["a signature too large", batchWith(8, new Uint8Array(1_025)), "too_large"],
  [
    "a report too large",
    [1, 4, REFERENCE, id, "a", true, true, new Uint8Array(REPORT_BODY_MAX_BYTES + 1)],
    "too_large",
  ],
];

Deno.test("what the protocol does not allow is refused with its reason", () => {
  assertEquals(decodeGossip(encode(batchWith(6, false))).type, "batch");
  for (const [what, value, reason] of REFUSED) {
    const error = assertThrows(() => decodeGossip(encode(value)), WireError);
    assertEquals(error.reason, reason, what);
  }
});

Deno.test("lengths and depths that lie are refused before anything is built", () => {
  const cases: [string, number[], string][] = [
    ["four billion values", [0xdd, 0xff, 0xff, 0xff, 0xff], "truncated"],
    ["four billion bytes", [0xc6, 0xff, 0xff, 0xff, 0xff], "truncated"],
    ["a thousand deep", Array(1_000).fill(0x91), "too_deep"],
    ["a prototype", [0x91, 0x81, 0xa9, ...new TextEncoder().encode("__proto__"), 1], "malformed"],
  ];
  for (const [what, bytes, reason] of cases) {
    const error = assertThrows(() => decodeGossip(Uint8Array.from(bytes)), WireError);
    assertEquals(error.reason, reason, what);
  }
  const huge = assertThrows(
    () => decodeGossip(new Uint8Array(GOSSIP_MESSAGE_MAX_BYTES + 1)),
    WireError,
  );
  assertEquals(huge.reason, "too_large");
});

Deno.test("values that a later version appends are passed over", () => {
  const later: ValueType = [1, 9, [...REFERENCE as ValueType[], "new"], id, { more: [1, 2] }];
  assertEquals(decodeGossip(encode(later)).type, "cancel");
});

Deno.test("a signature is over every field but the origin's address", () => {
  const base = signedBytes(BATCH);
  assertEquals(signedBytes({ ...BATCH, signature: Uint8Array.of(1, 2) } as Batch), base);
  const moved = { name: "origin", address: { host: "10.9.9.9", port: 1 } };
  assertEquals(signedBytes({ ...BATCH, origin: moved }), base);
  const changes: Partial<Batch>[] = [
    { id: PLAIN.id },
    { origin: { ...BATCH.origin, name: "other" } },
    { issuedAtMs: BATCH.issuedAtMs + 1 },
    { expiresAtMs: 0 },
    { target: {} },
    { target: { ...BATCH.target, nodes: ["web-*,b"] } },
    { target: { tags: [{ key: "zone", equal: true, value: "" }], nodes: ["web-*", "b"] } },
    { held: false },
    { body: Uint8Array.of(1, 2, 4) },
  ];
  for (const change of changes) assertNotEquals(signedBytes({ ...BATCH, ...change }), base);
});
