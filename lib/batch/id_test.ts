import { assert, assertEquals, assertThrows } from "@std/assert";
import { encode, type ValueType } from "@std/msgpack";
import { WireError } from "../errors.ts";
import { decodeMessage, encodeMessage } from "../msgpack_codec.ts";
import {
  BATCH_ID,
  BATCH_ID_TEXT,
  batchIds,
  idFromBytes,
  idToBytes,
  isBatchId,
  issueTimeOf,
  newBatchId,
} from "./id.ts";

const zeros = { next: () => 0, bytes: (length: number) => new Uint8Array(length) };

Deno.test("an id and its bytes are one", () => {
  // The time of the ULID specification's example.
  const id = newBatchId({ wallMs: 1_469_918_176_385, random: zeros });
  assertEquals(id, "01ARYZ6S410000000000000000");
  assertEquals(idFromBytes(idToBytes(id)), id);
  assertEquals(issueTimeOf(id), 1_469_918_176_385);
  for (const byte of [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff]) {
    const bytes = new Uint8Array(16).fill(byte);
    const text = idFromBytes(bytes);
    assertEquals(text.length, 26);
    assertEquals(idToBytes(text), bytes);
  }
  assertEquals(idFromBytes(new Uint8Array(16).fill(255)), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
});

Deno.test("ids of a later time sort later", () => {
  const ids = [0, 1, 255, 2 ** 32 - 1, 2 ** 32, 2 ** 40, 2 ** 48 - 1]
    .map((wallMs) => newBatchId({ wallMs, random: zeros }));
  assertEquals([...ids].sort(), ids);
});

Deno.test("bytes go to their place among others", () => {
  const into = new Uint8Array(48);
  idToBytes("7ZZZZZZZZZZZZZZZZZZZZZZZZZ", { into, offset: 16 });
  assertEquals([into[15], into[16], into[31], into[32]], [0, 255, 255, 0]);
});

const BAD = [
  "",
  "01ARYZ6S41000000000000000",
  "01ARYZ6S4100000000000000000",
  "81ARYZ6S410000000000000000",
  "01ARYZ6S4100000000000000O0",
  "01aryz6s410000000000000000",
  "01ARYZ6S41000000000000000\u00e9",
];

Deno.test("what is no id is refused", () => {
  for (const text of BAD) {
    assert(!isBatchId(text), text);
    assertThrows(() => idToBytes(text), WireError);
  }
});

Deno.test("an id travels as 16 bytes between nodes and as text between a client and its daemon", () => {
  const id = "01ARYZ6S410000000000000000";
  assertEquals(encodeMessage(BATCH_ID, id), encode(idToBytes(id)));
  assertEquals(encodeMessage(BATCH_ID_TEXT, id), encode(id));
  assertEquals(decodeMessage(encode(idToBytes(id)), { codec: BATCH_ID, what: "it" }), id);
  assertEquals(decodeMessage(encode(id), { codec: BATCH_ID_TEXT, what: "it" }), id);
  const bytes: [ValueType, string][] = [
    [new Uint8Array(15), "it must be at least 16 bytes"],
    [new Uint8Array(17), "it is 17 bytes long; maximum 16"],
    [id, "it must be bytes"],
  ];
  for (const [value, expected] of bytes) {
    const read = () => decodeMessage(encode(value), { codec: BATCH_ID, what: "it" });
    assertEquals(assertThrows(read, WireError).message, expected);
  }
  for (const text of [...BAD, "0".repeat(256)]) {
    const read = () => decodeMessage(encode(text), { codec: BATCH_ID_TEXT, what: "it" });
    assertThrows(read, WireError, text.length > 255 ? "256 bytes long" : "a batch id of 26");
  }
});

Deno.test("ids travel end to end in one byte string, so many and no more", () => {
  const ids = ["01ARYZ6S410000000000000000", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"];
  const codec = batchIds(2);
  for (const some of [[], ids.slice(0, 1), ids]) {
    const bytes = encodeMessage(codec, some);
    assertEquals(bytes, encode(new Uint8Array(some.flatMap((id) => [...idToBytes(id)]))));
    assertEquals(decodeMessage(bytes, { codec, what: "it" }), some);
  }
  const bad: [ValueType, string][] = [
    [new Uint8Array(24), "it must be ids of 16 bytes each"],
    [new Uint8Array(48), "it is 48 bytes long; maximum 32"],
    [ids, "it must be bytes"],
  ];
  for (const [value, expected] of bad) {
    const read = () => decodeMessage(encode(value), { codec, what: "it" });
    assertEquals(assertThrows(read, WireError).message, expected);
  }
  assertThrows(() => encodeMessage(codec, ["foo"]), WireError, '"foo" is not a batch id');
});
