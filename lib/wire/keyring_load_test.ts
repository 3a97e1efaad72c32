/** When the AES-192 library is loaded; a file of its own, so that no other test loads it before. */
import { assertStrictEquals } from "@std/assert";
import { createRequire } from "node:module";
import { Keyring } from "./keyring.ts";

function isLoaded(): boolean {
  const modules = Object.keys(createRequire(import.meta.url).cache);
  return modules.some((path) => path.endsWith("/aes.js"));
}

Deno.test("a keyring loads the AES-192 library with its first 24-byte key", () => {
  const ring = new Keyring({ keys: [new Uint8Array(16), new Uint8Array(32)] });
  const options = {
    version: 1,
    nonce: new Uint8Array(12),
    associatedData: new Uint8Array(0),
  } as const;
  ring.open(ring.seal(new Uint8Array(20), options), options);
  assertStrictEquals(isLoaded(), false);
  ring.add(new Uint8Array(24));
  assertStrictEquals(isLoaded(), true);
});
