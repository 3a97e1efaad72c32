import { assertEquals, assertRejects } from "@std/assert";
import { CommandBench } from "../../../tests/support/command_bench.ts";
import { fingerprintOf, parseKey } from "../../encryption_key.ts";
import { UsageError } from "../../errors.ts";
import { parseAllowedSigners } from "../../trust/allowed_signers.ts";
import { parseSigningKey } from "../../trust/signing.ts";
import { parseKeyringFile } from "../../wire/keyring.ts";

Deno.test("keygen prints a cluster key, or writes it to a file", async () => {
  const shown = new CommandBench();
  assertEquals(await shown.run("keygen"), 0);
  assertEquals(parseKey(shown.stdout).length, 32);
  assertEquals(parseKeyringFile(shown.stdout), [parseKey(shown.stdout)]);
  assertEquals([shown.stderr, shown.created], ["", {}]);
  const bench = new CommandBench();
  assertEquals(await bench.run("keygen", "-out=k"), 0);
  assertEquals(bench.stdout, `k: key ${fingerprintOf(parseKey(bench.created["k"] ?? ""))}\n`);
  await assertRejects(() => bench.run("keygen", "-out=k"), UsageError);
});

Deno.test("keygen -sign generates a signing key and prints its line for -trusted-keys", async () => {
  const bench = new CommandBench();
  assertEquals(await bench.run("keygen", "-sign", "-out=k", "-name=ada"), 0);
  const key = parseSigningKey(bench.created["k"] ?? "", { source: "k" });
  const [signer] = parseAllowedSigners(bench.stdout, { source: "stdout" });
  assertEquals(signer, { name: "ada", publicKey: key.publicKey });
  assertEquals(bench.stderr, "");
  const shown = new CommandBench();
  assertEquals(await shown.run("keygen", "-sign", "-out=-"), 0);
  const { publicKey } = parseSigningKey(shown.stdout, { source: "stdout" });
  assertEquals(parseAllowedSigners(shown.stderr, { source: "stderr" })[0]?.publicKey, publicKey);
  assertEquals(shown.created, {});
});
