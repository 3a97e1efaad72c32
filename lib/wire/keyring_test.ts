import { assertEquals, assertNotMatch, assertStrictEquals, assertThrows } from "@std/assert";
import { parseKey } from "../encryption_key.ts";
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

Deno.test("the first key is the primary one, duplicates are dropped", () => {
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

Deno.test("a change that would break the keyring is refused", () => {
  const ring = new Keyring({ keys: [key(16)] });
  assertThrows(() => new Keyring({ keys: [] }), UsageError, "keyring has no key");
  assertThrows(() => ring.add(key(15)), UsageError, "15 bytes");
  assertThrows(() => ring.use(key(32)), UsageError, "not in the keyring");
  assertThrows(() => ring.remove(key(16)), UsageError, "the primary key");
  assertEquals(ring.keys(), [key(16)]);
});

Deno.test("replace takes all keys, or changes nothing if one is bad", () => {
  const ring = new Keyring({ keys: [key(16)] });
  ring.replace([key(32), key(16), key(32)]);
  assertEquals(ring.keys(), [key(32), key(16)]);
  assertThrows(() => ring.replace([]), UsageError);
  assertThrows(() => ring.replace([key(16), key(3)]), UsageError);
  assertEquals(ring.keys(), [key(32), key(16)]);
});

Deno.test("the keyring keeps a copy of each key", () => {
  const mine = key(16);
  const ring = new Keyring({ keys: [mine] });
  mine.fill(9);
  assertEquals(ring.primary(), key(16));
});

Deno.test("open reverses seal for every key size, version and length", () => {
  for (const size of [16, 24, 32]) {
    const ring = new Keyring({ keys: [key(size)] });
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

/** AES-192 test cases of the GCM specification (McGrew and Viega, 2005, appendix B). */
const KNOWN_ANSWERS = [
  {
    name: "test case 7",
    key: "00".repeat(24),
    nonce: "00".repeat(12),
    tag: "cd33b28ac773f74ba00ed1f312572435",
  },
  {
    name: "test case 8",
    key: "00".repeat(24),
    nonce: "00".repeat(12),
    plaintext: "00".repeat(16),
    ciphertext: "98e7247c07f0fe411c267e4384b0f600",
    tag: "2ff58d80033927ab8ef4d4587514f0fb",
  },
  {
    name: "test case 9",
    key: "feffe9928665731c6d6a8f9467308308feffe9928665731c",
    nonce: "cafebabefacedbaddecaf888",
    plaintext: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" +
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
    ciphertext: "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c" +
      "7d773d00c144c525ac619d18c84a3f4718e2448b2fe324d9ccda2710acade256",
    tag: "9924a7c8587336bfb118024db8674a14",
  },
  {
    name: "test case 10",
    key: "feffe9928665731c6d6a8f9467308308feffe9928665731c",
    nonce: "cafebabefacedbaddecaf888",
    associatedData: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    plaintext: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" +
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
    ciphertext: "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c" +
      "7d773d00c144c525ac619d18c84a3f4718e2448b2fe324d9ccda2710",
    tag: "2519498e80f1478f37ba55bd6d27618c",
  },
];

for (
  const { name, key, nonce, plaintext = "", associatedData = "", ciphertext = "", tag }
    of KNOWN_ANSWERS
) {
  Deno.test(`AES-192-GCM gives the known answer of ${name}`, () => {
    const ring = new Keyring({ keys: [Uint8Array.fromHex(key)] });
    const options = {
      version: 1,
      nonce: Uint8Array.fromHex(nonce),
      associatedData: Uint8Array.fromHex(associatedData),
    } as const;
    const sealed = ring.seal(Uint8Array.fromHex(plaintext), options);
    assertStrictEquals(sealed.toHex(), `01${nonce}${ciphertext}${tag}`);
    assertStrictEquals(new Uint8Array(ring.open(sealed, options)).toHex(), plaintext);
  });
}

Deno.test("keys may change between AES-192 messages of any length", () => {
  const associatedData = new Uint8Array(0);
  const wrong = new Keyring({ keys: [key(24, 9)] });
  for (const size of [0, 1, 1400, 65_536, 131_073, 3_000_000, 5]) {
    for (let fill = 0; fill < 7; fill++) {
      const ring = new Keyring({ keys: [key(24, fill)] });
      const plaintext = new Uint8Array(size).fill(fill);
      const sealed = ring.seal(plaintext, { version: 1, nonce: NONCE, associatedData });
      assertEquals(ring.open(sealed, { associatedData }).length, size);
      assertStrictEquals(reasonOf(() => wrong.open(sealed, { associatedData })), "not_decryptable");
    }
  }
});

Deno.test("a nonce of another length is refused, for every key size", () => {
  for (const size of [16, 24, 32]) {
    const ring = new Keyring({ keys: [key(size)] });
    for (const length of [0, 8, 11, 13]) {
      const options = { version: 1, nonce: new Uint8Array(length), associatedData: LABEL } as const;
      assertThrows(() => ring.seal(key(20), options), RangeError, `${length} bytes: expected 12`);
    }
  }
});

Deno.test("seal reserves the caller's header", () => {
  const ring = new Keyring({ keys: [key(16)] });
  const options = { version: 1, nonce: NONCE, associatedData: LABEL } as const;
  const bare = ring.seal(key(20), options);
  const headed = ring.seal(key(20), { ...options, headBytes: 7 });
  assertEquals(headed.subarray(0, 7), new Uint8Array(7));
  assertEquals(headed.slice(7), bare);
});

Deno.test("any key of the ring decrypts, another does not", () => {
  const sealed = new Keyring({ keys: [key(32, 2)] }).seal(key(20), {
    version: 1,
    nonce: NONCE,
    associatedData: LABEL,
  });
  const both = new Keyring({ keys: [key(16), key(24), key(32, 2)] });
  assertEquals(new Uint8Array(both.open(sealed, { associatedData: LABEL })), key(20));
  const other = new Keyring({ keys: [key(32, 1), key(24, 2)] });
  assertStrictEquals(
    reasonOf(() => other.open(sealed, { associatedData: LABEL })),
    "not_decryptable",
  );
});

Deno.test("a changed or truncated message, another nonce or another label does not open", () => {
  for (const size of [16, 24]) {
    const ring = new Keyring({ keys: [key(size)] });
    const sealed = ring.seal(key(20), { version: 1, nonce: NONCE, associatedData: LABEL });
    for (let index = 1; index < sealed.length; index++) {
      const changed = sealed.slice();
      changed[index]! ^= 1;
      const open = () => ring.open(changed, { associatedData: LABEL });
      assertStrictEquals(reasonOf(open), "not_decryptable");
      const cut = () => ring.open(sealed.subarray(0, index), { associatedData: LABEL });
      assertStrictEquals(reasonOf(cut), "not_decryptable");
    }
    const open = () => ring.open(sealed, { associatedData: new Uint8Array(0) });
    assertStrictEquals(reasonOf(open), "not_decryptable");
    assertEquals(new Uint8Array(ring.open(sealed, { associatedData: LABEL })), key(20));
  }
});

Deno.test("a message that is too short or of an unknown version does not open", () => {
  const ring = new Keyring({ keys: [key(16)] });
  const open = (bytes: Uint8Array) => () => ring.open(bytes, { associatedData: LABEL });
  assertStrictEquals(reasonOf(open(new Uint8Array(0))), "bad_version");
  assertStrictEquals(reasonOf(open(new Uint8Array(100).fill(2))), "bad_version");
  assertStrictEquals(reasonOf(open(new Uint8Array(28).fill(1))), "not_decryptable");
  assertStrictEquals(reasonOf(open(new Uint8Array(44))), "not_decryptable");
});

Deno.test("bad padding under a valid tag is refused", () => {
  const ring = new Keyring({ keys: [key(16)] });
  for (const last of [0, 17, 255]) {
    // Sealed without padding; the changed version byte makes `open` read the last byte as padding.
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

Deno.test("keys are parsed from base64 and from Serf's keyring file", () => {
  assertEquals(parseKey(`${BASE64[16]}\n`), key(16));
  assertEquals(parseKeyringFile(`["${BASE64[24]}", "${BASE64[16]}"]`), [key(24), key(16)]);
  assertEquals(parseKeyringFile(`${BASE64[16]}\n`), [key(16)]);
});

Deno.test("a written keyring file is parsed back, in order", () => {
  const keys = [key(32, 2), key(16), key(24)];
  assertEquals(parseKeyringFile(formatKeyringFile(keys)), keys);
});

Deno.test("a bad key or file is refused, and the error repeats none of it", () => {
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
