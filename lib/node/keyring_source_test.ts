import { assert, assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../errors.ts";
import { clusterKeyring } from "./keyring_source.ts";

const KEY = new Uint8Array(16).fill(7).toBase64();
const OTHER = new Uint8Array(32).fill(8).toBase64();
const FILES: Readonly<Record<string, string>> = { good: `["${KEY}", "${OTHER}"]`, bad: "SECRET" };
const RUNTIME = { readSecretFile: (path: string) => FILES[path] };

Deno.test("no flag, no keyring", () => assertEquals(clusterKeyring({}, RUNTIME), undefined));

Deno.test("-encrypt gives its key, -keyring-file all of its file's, the first one to seal with", () => {
  assertEquals(clusterKeyring({ encryptionKey: KEY }, RUNTIME)?.primary().toBase64(), KEY);
  const keyring = clusterKeyring({ keyringFile: "good" }, RUNTIME);
  assertEquals(keyring?.keys().map((key) => key.toBase64()), [KEY, OTHER]);
});

Deno.test("bad keys are refused by the flag's name, without a word of the secret", () => {
  const cases = [
    { settings: { encryptionKey: "SECRET" }, expected: "flag -encrypt: " },
    { settings: { keyringFile: "bad" }, expected: "flag -keyring-file: bad: " },
    { settings: { keyringFile: "none" }, expected: "flag -keyring-file: none: there is no" },
  ];
  for (const { settings, expected } of cases) {
    const error = assertThrows(() => clusterKeyring(settings, RUNTIME), UsageError, expected);
    assert(!error.message.includes("SECRET"));
  }
});
