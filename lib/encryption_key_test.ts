import { assert, assertEquals, assertNotMatch, assertThrows } from "@std/assert";
import { fingerprintOf, isFingerprint, parseKey } from "./encryption_key.ts";
import { UsageError } from "./errors.ts";

Deno.test("a fingerprint is the start of the key's SHA-256, as sha256sum prints it", () => {
  const key = parseKey("AAAAAAAAAAAAAAAAAAAAAA==\n");
  assertEquals(key, new Uint8Array(16));
  assertEquals(fingerprintOf(key), "374708fff7719dd5");
  assert(isFingerprint(fingerprintOf(key)));
});

Deno.test("what is no fingerprint is told", () => {
  for (
    const text of ["", "374708fff7719dd", "374708FFF7719DD5", "374708fff7719dd5\n", "g".repeat(16)]
  ) {
    assert(!isFingerprint(text), JSON.stringify(text));
  }
});

Deno.test("a bad key is refused without being repeated", () => {
  const error = assertThrows(() => parseKey("c2VjcmV0"), UsageError, "6 bytes");
  assertNotMatch(error.message, /c2Vj/);
});
