import { assert, assertEquals } from "@std/assert";
import { readBatchSignature, signBatch } from "./batch_signature.ts";
import { generateSigningKey, parseSigningKey, verifySignature } from "./signing.ts";

Deno.test("a batch's signature says whose it is and holds for what was signed", () => {
  const key = parseSigningKey(generateSigningKey(), { source: "key" });
  const data = new TextEncoder().encode("a batch");
  const bytes = signBatch(data, key);
  const read = readBatchSignature(bytes);
  assert(read !== undefined);
  assertEquals(read.publicKey, key.publicKey);
  assert(verifySignature(data, read));
  for (const odd of [bytes.subarray(1), Uint8Array.of(...bytes, 0), new Uint8Array(0)]) {
    assertEquals(readBatchSignature(odd), undefined);
  }
});
