import { assert, assertEquals, assertThrows } from "@std/assert";
import { encode, type ValueType } from "@std/msgpack";
import { CHECKS, FINGERPRINT, KEY_OPERATIONS } from "../../tests/support/check_samples.ts";
import { WireError } from "../errors.ts";
import { decodeBody, encodeBody } from "./body.ts";
import type { KeyOperation } from "./key_operation.ts";

function bodyOf(operation: KeyOperation): Uint8Array {
  return encodeBody({ type: "keys", operation });
}

Deno.test("every operation comes back as it was, and no reader of checks takes it for some", () => {
  for (const operation of Object.values(KEY_OPERATIONS)) {
    assertEquals(decodeBody(bodyOf(operation)), { type: "keys", operation });
  }
});

Deno.test("checks and arbitrary bytes are no operation", () => {
  const check = { name: "gossipcheck-keys", type: "keys", fields: {}, actionTimeoutMs: 1 };
  for (const checks of [CHECKS, [check]]) {
    assertEquals(decodeBody(encodeBody({ type: "checks", checks })), { type: "checks", checks });
  }
  for (const body of [new Uint8Array(0), encode("keys"), encode(["keys"]), encode(["list"])]) {
    assertThrows(() => decodeBody(body), WireError);
  }
});

Deno.test("keys of each size are taken, as copies that outlive the message", () => {
  for (const size of [16, 24, 32]) {
    const key = new Uint8Array(size).fill(size);
    const body = bodyOf({ type: "install", key });
    const read = decodeBody(body);
    assert(read.type === "keys" && read.operation.type === "install");
    assertEquals(read.operation.key, key);
    assert(read.operation.key.buffer !== body.buffer);
    body.fill(0);
    assertEquals(read.operation.key, key);
  }
});

/** What an error may not repeat: a key as text, as hex, as base64 or as numbers. */
function assertNoKey(error: Error, key: Uint8Array): void {
  const forms = [
    new TextDecoder("latin1").decode(key),
    key.toHex(),
    key.toBase64(),
    key.subarray(0, 4).join(","),
    key.subarray(0, 4).join(", "),
  ];
  for (const form of forms) assert(!error.message.includes(form), error.message);
  assertEquals(error.cause, undefined);
}

Deno.test("a truncated or changed operation is refused whole, without a byte of its key", () => {
  const key = new TextEncoder().encode("secret of 24 bytes: abcd");
  const body = bodyOf({ type: "install", key });
  for (let length = 0; length < body.length; length++) {
    assertNoKey(assertThrows(() => decodeBody(body.subarray(0, length)), WireError), key);
  }
  assertNoKey(assertThrows(() => decodeBody(new Uint8Array([...body, 0])), WireError), key);
  const text = "secret of 16 byt";
  const bad: readonly (readonly [ValueType, string])[] = [
    [["install", key.subarray(0, 0)], ".key must be a key of 16, 24, 32 bytes"],
    [["install", key.subarray(0, 15)], ".key must be a key of 16, 24, 32 bytes"],
    [["install", key.subarray(0, 17)], ".key must be a key of 16, 24, 32 bytes"],
    [["install", key.subarray(0, 23)], ".key must be a key of 16, 24, 32 bytes"],
    [["install", new Uint8Array([...key, ...key])], ".key is 48 bytes long; maximum 32"],
    [["install", text], ".key must be bytes"],
    [["install", null], ".key must be bytes"],
    [["install", [...key]], ".key must be bytes"],
    [["install", { [text]: 1 }], ".key must be bytes"],
    [["use", "0123"], ".fingerprint must be a fingerprint of 16 hex digits"],
    [["use", FINGERPRINT.toUpperCase()], ".fingerprint must be a fingerprint of 16 hex digits"],
    // A key where its fingerprint belongs.
    [["use", text], ".fingerprint must be a fingerprint of 16 hex digits"],
    [["use", key.toBase64()], ".fingerprint must be a fingerprint of 16 hex digits"],
    [["use", text.repeat(5)], ".fingerprint is 80 bytes long; maximum 64"],
    [["use", new Uint8Array(16)], ".fingerprint must be text in UTF-8"],
    [["remove", null], ".fingerprint must be text in UTF-8"],
    [["remove"], ".fingerprint must be text in UTF-8"],
    [["rotate", null], ".type must be one of install, use, remove, list"],
    [[text, key], ".type must be one of install, use, remove, list"],
    [[2, "list", null], ".type must be one of install, use, remove, list"],
    [[null, "list", null], ".type must be one of install, use, remove, list"],
    [{ [text]: key }, " must be an array"],
    [text, " must be an array"],
  ];
  for (const [operation, expected] of bad) {
    const error = assertThrows(() => decodeBody(encode(["keys", operation])), WireError);
    assertEquals(error.message, `a batch's body.operation${expected}`);
    assertNoKey(error, key);
    assertNoKey(error, new TextEncoder().encode(text));
  }
  // The prototype's key makes the decoder itself give up, with a message of its own.
  const proto = encode(["keys", ["install", { ["__proto__"]: key }]]);
  assertNoKey(assertThrows(() => decodeBody(proto), WireError), key);
});
