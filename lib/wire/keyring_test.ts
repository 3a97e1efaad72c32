import { assertEquals, assertNotMatch, assertStrictEquals, assertThrows } from "@std/assert";
import { parseKey } from "../encryption_key.ts";
import { AES192 } from "../../tests/support/aes192.ts";
import { UsageError, WireError } from "../errors.ts";
import {
  type EncryptionVersion,
  formatKeyringFile,
  Keyring,
  parseKeyringFile,
  sealedBytes,
  sealOverheadBytes,
} from "./keyring.ts";

const key = (size: number, fill = 1) => new Uint8Array(size).fill(fill);
const NONCE = new Uint8Array(12).fill(3);
const LABEL = new TextEncoder().encode("label");
const VERSIONS: readonly EncryptionVersion[] = [0, 1];

function reasonOf(open: () => unknown): string {
  return assertThrows(open, WireError).reason;
}

Deno.test("the first key is the sealing one, doubles are dropped", () => {
  const ring = new Keyring({ keys: [key(16), key(32), key(16)] });
  assertEquals(ring.keys(), [key(16), key(32)]);
  assertEquals(ring.primary(), key(16));
});

Deno.test("keys are added, used and removed", () => {
  const ring = new Keyring({ keys: [key(16)] });
  ring.add(key(24));
  ring.add(key(24));
  assertEquals(ring.keys(), [key(16), key(24)]);
  ring.use(key(24));
  assertEquals(ring.keys(), [key(24), key(16)]);
  ring.remove(key(32));
  ring.remove(key(16));
  assertEquals(ring.keys(), [key(24)]);
});

Deno.test("a change that would break the ring is refused", () => {
  const ring = new Keyring({ keys: [key(16)] });
  assertThrows(() => new Keyring({ keys: [] }), UsageError, "keyring without keys");
  assertThrows(() => ring.add(key(15)), UsageError, "15 bytes");
  assertThrows(() => ring.use(key(32)), UsageError, "not in the keyring");
  assertThrows(() => ring.remove(key(16)), UsageError, "the one that seals");
  assertEquals(ring.keys(), [key(16)]);
});

Deno.test("all keys are replaced at once, or none where they are bad", () => {
  const ring = new Keyring({ keys: [key(16)] });
  ring.replace([key(32), key(16), key(32)]);
  assertEquals(ring.keys(), [key(32), key(16)]);
  assertThrows(() => ring.replace([]), UsageError);
  assertThrows(() => ring.replace([key(16), key(3)]), UsageError);
  assertEquals(ring.keys(), [key(32), key(16)]);
});

Deno.test("a key that its owner changes later stays the key that it was", () => {
  const mine = key(16);
  const ring = new Keyring({ keys: [mine] });
  mine.fill(9);
  assertEquals(ring.primary(), key(16));
});

Deno.test("what is sealed opens, for every key size, version and length", () => {
  for (const size of [16, 24, 32]) {
    const ring = new Keyring({ keys: [key(size)], aes192: AES192 });
    for (const version of VERSIONS) {
      for (const length of [0, 1, 15, 16, 17, 1400]) {
        for (const associatedData of [new Uint8Array(0), LABEL]) {
          const plaintext = new Uint8Array(length).fill(5);
          const sealed = ring.seal(plaintext, { version, nonce: NONCE, associatedData });
          assertStrictEquals(sealed.length, sealedBytes(length, version));
          assertStrictEquals(sealed.length <= length + sealOverheadBytes(version), true);
          const opened = ring.open(sealed, { associatedData });
          assertEquals(new Uint8Array(opened), plaintext);
        }
      }
    }
  }
});

Deno.test("the head is left to the caller", () => {
  const ring = new Keyring({ keys: [key(16)] });
  const options = { version: 1, nonce: NONCE, associatedData: LABEL } as const;
  const bare = ring.seal(key(20), options);
  const headed = ring.seal(key(20), { ...options, headBytes: 7 });
  assertEquals(headed.subarray(0, 7), new Uint8Array(7));
  assertEquals(headed.slice(7), bare);
});

Deno.test("any key of the ring opens, another does not", () => {
  const sealed = new Keyring({ keys: [key(32, 2)] }).seal(key(20), {
    version: 1,
    nonce: NONCE,
    associatedData: LABEL,
  });
  const both = new Keyring({ keys: [key(16), key(24), key(32, 2)], aes192: AES192 });
  assertEquals(new Uint8Array(both.open(sealed, { associatedData: LABEL })), key(20));
  const other = new Keyring({ keys: [key(32, 1), key(24, 2)], aes192: AES192 });
  assertStrictEquals(
    reasonOf(() => other.open(sealed, { associatedData: LABEL })),
    "not_decryptable",
  );
});

Deno.test("a changed bit anywhere, or another label, does not open", () => {
  for (const size of [16, 24]) {
    const ring = new Keyring({ keys: [key(size)], aes192: AES192 });
    const sealed = ring.seal(key(20), { version: 1, nonce: NONCE, associatedData: LABEL });
    for (let index = 1; index < sealed.length; index++) {
      const changed = sealed.slice();
      changed[index]! ^= 1;
      const open = () => ring.open(changed, { associatedData: LABEL });
      assertStrictEquals(reasonOf(open), "not_decryptable");
    }
    const open = () => ring.open(sealed, { associatedData: new Uint8Array(0) });
    assertStrictEquals(reasonOf(open), "not_decryptable");
  }
});

Deno.test("what is too short or of an unknown version does not open", () => {
  const ring = new Keyring({ keys: [key(16)] });
  const open = (bytes: Uint8Array) => () => ring.open(bytes, { associatedData: LABEL });
  assertStrictEquals(reasonOf(open(new Uint8Array(0))), "bad_version");
  assertStrictEquals(reasonOf(open(new Uint8Array(100).fill(2))), "bad_version");
  assertStrictEquals(reasonOf(open(new Uint8Array(28).fill(1))), "not_decryptable");
  assertStrictEquals(reasonOf(open(new Uint8Array(44))), "not_decryptable");
});

Deno.test("wrong padding by a holder of the key is refused", () => {
  const ring = new Keyring({ keys: [key(16)] });
  for (const last of [0, 17, 255]) {
    // Not padded at all: with the version byte changed, its last byte is taken for padding.
    const whole = ring.seal(new Uint8Array(32).fill(last), {
      version: 1,
      nonce: NONCE,
      associatedData: LABEL,
    });
    whole[0] = 0;
    const open = () => ring.open(whole, { associatedData: LABEL });
    assertStrictEquals(reasonOf(open), "not_decryptable");
  }
});

const BASE64 = { 16: "AQEBAQEBAQEBAQEBAQEBAQ==", 24: "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB" };

Deno.test("keys are read from base64 and from Serf's file", () => {
  assertEquals(parseKey(`${BASE64[16]}\n`), key(16));
  assertEquals(parseKeyringFile(`["${BASE64[24]}", "${BASE64[16]}"]`), [key(24), key(16)]);
  assertEquals(parseKeyringFile(`${BASE64[16]}\n`), [key(16)]);
});

Deno.test("what is written as a keyring file is read back, in its order", () => {
  const keys = [key(32, 2), key(16), key(24)];
  assertEquals(parseKeyringFile(formatKeyringFile(keys)), keys);
});

Deno.test("a bad key or file is refused without repeating it", () => {
  const secret = "c2VjcmV0";
  for (const text of [secret, "", "not base64!", `${BASE64[16]}=`, "=AAA"]) {
    const error = assertThrows(() => parseKey(text), UsageError);
    assertNotMatch(error.message, new RegExp(secret));
  }
  const files = [`{"a":"${secret}"}`, "[]", "[1]", `["${secret}"]`, `["${secret}`, "", secret];
  for (const text of files) {
    const error = assertThrows(() => parseKeyringFile(text), UsageError, "keyring file");
    assertNotMatch(error.message, new RegExp(secret));
  }
});
