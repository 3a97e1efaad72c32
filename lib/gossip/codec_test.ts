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
import { type BatchChanges, makeBatch } from "../../tests/support/batches.ts";
import { decodeGossip, encodeGossip } from "./codec.ts";
import type { GossipMessage } from "./messages.ts";

const ALL: GossipMessage[] = Object.values(GOSSIP_SAMPLES).flat();

Deno.test("every message comes back as it went", () => {
  for (const message of ALL) assertEquals(decodeGossip(encodeGossip(message)), message);
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

const ADDRESS: ValueType = [Uint8Array.of(10, 0, 0, 1), 1];
const REFERENCE: ValueType = ["a", ADDRESS];
const id = new Uint8Array(16);
const message = (...payload: ValueType[]): ValueType => [2, REFERENCE, payload];
const from = (sender: ValueType): ValueType => [2, sender, ["want", id]];
/** A batch message with one value of the batch's content replaced. */
function contentWith(index: number, value: ValueType): ValueType {
  const values: ValueType[] = [
    "gossipcheck batch 2",
    id,
    "origin",
    5,
    9,
    {},
    false,
    Uint8Array.of(1),
  ];
  values[index] = value;
  return batchWith(0, encode(values));
}
/** A batch message with one of the batch's parts replaced. */
function batchWith(index: number, value: ValueType): ValueType {
  const content = encode(["gossipcheck batch 2", id, "origin", 5, 9, {}, false, Uint8Array.of(1)]);
  const parts: ValueType[] = [content, ADDRESS, Uint8Array.of()];
  parts[index] = value;
  return message("batch", false, [[parts, 0]]);
}
const report = (bytes: number): ValueType => [id, "a", "done", true, new Uint8Array(bytes)];
const REFUSED: [string, ValueType, string][] = [
  ["no array", 7, "malformed"],
  ["a map", {}, "malformed"],
  ["nothing", [], "malformed"],
  ["a later version", [3, REFERENCE, ["want", id]], "bad_version"],
  ["an unknown type", message("unheard of", id), "unknown_type"],
  ["no sender", from(4), "malformed"],
  ["an empty name", from(["", ADDRESS]), "malformed"],
  ["a name too long", from(["n".repeat(256), ADDRESS]), "too_large"],
  ["a bad address", from(["a", [Uint8Array.of(10, 0, 1), 1]]), "bad_address"],
  ["port 0", from(["a", [Uint8Array.of(10, 0, 0, 1), 0]]), "bad_address"],
  ["a port too large", from(["a", [Uint8Array.of(10, 0, 0, 1), 65_536]]), "too_large"],
  ["half an id", message("want", new Uint8Array(24)), "malformed"],
  ["too many ids", message("want", new Uint8Array(16 * (DIGEST_MAX_IDS + 1))), "too_large"],
  ["a short id", message("cancel", new Uint8Array(15)), "malformed"],
  ["a long id", message("cancel", new Uint8Array(17)), "too_large"],
  ["no copies", message("batch", false, []), "malformed"],
  ["a negative age", message("batch", false, [[[], -1]]), "malformed"],
  ["a signature for another use", contentWith(0, "gossipcheck batch 1"), "malformed"],
  ["a fraction", contentWith(3, 1.5), "malformed"],
  ["a time too large", contentWith(4, 2 ** 60), "malformed"],
  ["a time too large to be one", contentWith(4, 2 ** 53 - 1), "too_large"],
  ["expiry before issue", contentWith(4, 4), "malformed"],
  ["expiry at issue", contentWith(4, 5), "malformed"],
  ["tags that are none", contentWith(5, { tags: ["x"] }), "malformed"],
  ["too many tags", contentWith(5, { tags: Array(65).fill(["k", true, "v"]) }), "too_many"],
  ["too many nodes", contentWith(5, { nodes: Array(1_001).fill("n") }), "too_many"],
  ["a flag that is none", contentWith(6, 1), "malformed"],
  ["a text for a body", contentWith(7, "x"), "malformed"],
  ["a body too large", contentWith(7, new Uint8Array(BATCH_BODY_MAX_BYTES + 1)), "too_large"],
  ["a text for a content", batchWith(0, "x"), "malformed"],
  ["bytes after a content", batchWith(0, Uint8Array.of(0x90, 0)), "malformed"],
  ["a signature too large", batchWith(2, new Uint8Array(1_025)), "too_large"],
  ["a report too large", message("report", report(REPORT_BODY_MAX_BYTES + 1)), "too_large"],
];

Deno.test("what the protocol does not allow is refused with its reason", () => {
  assertEquals(decodeGossip(encode(contentWith(6, false))).type, "batch");
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

Deno.test("values that a later version appends are passed over, and handed on in a batch", () => {
  const later: ValueType = [2, ["a", ADDRESS, "new"], ["cancel", id, { more: [1, 2] }], "more"];
  assertEquals(decodeGossip(encode(later)).type, "cancel");
  const content = encode(["gossipcheck batch 2", id, "o", 5, 9, {}, false, id, { more: 1 }]);
  const decoded = decodeGossip(encode(message("batch", false, [[[content, ADDRESS, id], 0]])));
  const again = decodeGossip(encodeGossip(decoded));
  assert(again.type === "batch");
  assertEquals(again.copies[0]?.batch.content, content);
});

Deno.test("a batch's content is every field but the origin's address", () => {
  const moved = { name: "origin", address: { host: "10.9.9.9", port: 1 } };
  const parts = { ...BATCH, origin: moved, signature: Uint8Array.of(1, 2) };
  const base = contentOf({});
  assertEquals(base, BATCH.content);
  assertEquals(makeBatch(parts).content, base);
  const changes: BatchChanges[] = [
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
  for (const change of changes) assertNotEquals(contentOf(change), base);
});

function contentOf(changes: BatchChanges): Uint8Array {
  const { id, origin, issuedAtMs, expiresAtMs, target, held, body } = BATCH;
  const fields = { id, origin, issuedAtMs, expiresAtMs, target, held, body };
  return makeBatch({ ...fields, ...changes }).content;
}
