import { assertEquals, assertThrows } from "@std/assert";
import { Aes192Worker } from "./aes192.ts";

const NOTHING = new Uint8Array(0);
const ZERO = { key: new Uint8Array(24), nonce: new Uint8Array(12), associatedData: NOTHING };

Deno.test("texts come out as the makers of GCM say (test cases 7, 8 and 10 of their paper)", () => {
  using aes = new Aes192Worker();
  const hex = (bytes: Uint8Array) => bytes.toHex();
  assertEquals(hex(aes.seal(NOTHING, ZERO)), "cd33b28ac773f74ba00ed1f312572435");
  assertEquals(
    hex(aes.seal(new Uint8Array(16), ZERO)),
    "98e7247c07f0fe411c267e4384b0f600" + "2ff58d80033927ab8ef4d4587514f0fb",
  );
  const input = {
    key: Uint8Array.fromHex("feffe9928665731c6d6a8f9467308308feffe9928665731c"),
    nonce: Uint8Array.fromHex("cafebabefacedbaddecaf888"),
    associatedData: Uint8Array.fromHex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
  };
  const plaintext = Uint8Array.fromHex(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" +
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
  );
  const sealed = aes.seal(plaintext, input);
  assertEquals(hex(sealed.slice(-16)), "2519498e80f1478f37ba55bd6d27618c");
  assertEquals(aes.open(sealed, input), plaintext);
});

Deno.test("what was changed anywhere, or is cut, does not open, and the next one does", () => {
  using aes = new Aes192Worker();
  const input = { ...ZERO, associatedData: new Uint8Array([1, 2]) };
  const sealed = aes.seal(new Uint8Array([7, 8, 9]), input);
  for (let index = 0; index < sealed.length; index++) {
    const changed = sealed.slice();
    changed[index]! ^= 1;
    assertEquals(aes.open(changed, input), undefined);
    assertEquals(aes.open(sealed.subarray(0, index), input), undefined);
  }
  assertEquals(aes.open(sealed, ZERO), undefined);
  assertEquals(aes.open(sealed, { ...input, nonce: new Uint8Array(12).fill(1) }), undefined);
  assertEquals(aes.open(sealed, input), new Uint8Array([7, 8, 9]));
});

Deno.test("keys change from text to text, and texts may be of any size", () => {
  using aes = new Aes192Worker();
  for (const size of [0, 1, 1400, 65_536, 131_073, 3_000_000, 5]) {
    for (let fill = 0; fill < 7; fill++) {
      const input = { ...ZERO, key: new Uint8Array(24).fill(fill) };
      const sealed = aes.seal(new Uint8Array(size).fill(fill), input);
      assertEquals(aes.open(sealed, input)?.length, size);
      assertEquals(aes.open(sealed, { ...ZERO, key: new Uint8Array(24).fill(9) }), undefined);
    }
  }
});

Deno.test("a key or nonce of another size is a mistake of ours", () => {
  using aes = new Aes192Worker();
  assertThrows(() => aes.seal(NOTHING, { ...ZERO, key: new Uint8Array(16) }), RangeError);
  assertThrows(() => aes.open(new Uint8Array(16), { ...ZERO, nonce: NOTHING }), RangeError);
});
