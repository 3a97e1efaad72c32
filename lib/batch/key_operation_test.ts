import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { encode } from "@std/msgpack";
import { decodeChecks, encodeChecks } from "../checks/codec.ts";
import { WireError } from "../errors.ts";
import {
  decodeKeyOperation,
  encodeKeyOperation,
  type KeyOperation,
  listingFromChecks,
  listingToChecks,
} from "./key_operation.ts";

const FINGERPRINT = "0123456789abcdef";
const OPERATIONS: Readonly<Record<KeyOperation["type"], KeyOperation>> = {
  install: { type: "install", key: new Uint8Array(24).fill(9) },
  use: { type: "use", fingerprint: FINGERPRINT },
  remove: { type: "remove", fingerprint: FINGERPRINT },
  list: { type: "list" },
};

Deno.test("every operation comes back as it was, and no reader of checks takes it for some", () => {
  for (const operation of Object.values(OPERATIONS)) {
    const body = encodeKeyOperation(operation);
    assertEquals(decodeKeyOperation(body), operation);
    assertThrows(() => decodeChecks(body), WireError);
  }
});

Deno.test("checks and arbitrary bytes are no operation", () => {
  const check = { name: "gossipcheck-keys", type: "x", fields: {}, actionTimeoutMs: 1 };
  for (const body of [encodeChecks([]), encodeChecks([check]), new Uint8Array(0), encode("keys")]) {
    assertStrictEquals(decodeKeyOperation(body), undefined);
  }
});

Deno.test("a truncated or changed operation is refused whole, without a byte of its key", () => {
  const body = encodeKeyOperation(OPERATIONS.install);
  for (let length = 18; length < body.length; length++) {
    assertThrows(() => decodeKeyOperation(body.subarray(0, length)), WireError);
  }
  const bad: readonly unknown[][] = [
    [1, "install", new Uint8Array(15)],
    [1, "install", "k".repeat(16)],
    [1, "use", "0123"],
    [1, "use", new Uint8Array(16)],
    [1, "remove", null],
    [1, "rotate", null],
    [2, "list", null],
    [null, "list", null],
  ];
  for (const fields of bad) {
    const changed = encode(["gossipcheck-keys", ...fields as string[]]);
    assertThrows(() => decodeKeyOperation(changed), WireError, "key operation");
  }
  assertThrows(() => decodeKeyOperation(new Uint8Array([...body, 0])), WireError);
});

Deno.test("a listing travels as names of checks", () => {
  const listing = { sealing: FINGERPRINT, held: [FINGERPRINT, "f".repeat(16)] };
  assertEquals(listingFromChecks(listingToChecks(listing)), listing);
  assertEquals(listingFromChecks(["motd", "holds water"]), undefined);
});
