import { assert, assertEquals, assertThrows } from "@std/assert";
import { WireError } from "../errors.ts";
import { idFromBytes, idToBytes, isBatchId, issueTimeOf, newBatchId } from "./id.ts";

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

Deno.test("what is no id is refused", () => {
  const bad = [
    "",
    "01ARYZ6S41000000000000000",
    "01ARYZ6S4100000000000000000",
    "81ARYZ6S410000000000000000",
    "01ARYZ6S4100000000000000O0",
    "01aryz6s410000000000000000",
    "01ARYZ6S41000000000000000\u00e9",
  ];
  for (const text of bad) {
    assert(!isBatchId(text), text);
    assertThrows(() => idToBytes(text), WireError);
  }
});
