import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fingerprintOf } from "../encryption_key.ts";
import { HostError } from "../errors.ts";
import type { Batch } from "../gossip/types.ts";
import {
  encodeKeyOperation,
  type KeyOperation,
  listingFromChecks,
} from "../batch/key_operation.ts";
import { KEYRING_MAX_KEYS } from "../limits.ts";
import { Keyring, parseKeyringFile } from "../wire/keyring.ts";
import { KeyOperations, type KeyOperationsOptions } from "./key_changes.ts";

const [OLD, NEW, OTHER] = [16, 24, 32].map((size) => new Uint8Array(size).fill(size)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

/** A node with the old key alone, whose file and log are written down. */
function bench(options: Partial<KeyOperationsOptions> = {}) {
  const keyring = new Keyring({ keys: [OLD] });
  const files: Record<string, string> = {};
  const logged: string[] = [];
  const operations = new KeyOperations({
    keyring,
    file: "ring",
    writeFile: (path, text) => void (files[path] = text),
    log: { write: (...line) => void logged.push(JSON.stringify(line)) },
    ...options,
  });
  let issued = 0;
  /** Runs it as the newest operation of all, or as the one with the id that is given. */
  const run = (operation: KeyOperation, id = String(++issued).padStart(3, "0")) => {
    const results = operations.run({ id, body: encodeKeyOperation(operation) });
    assert(results !== undefined);
    const [{ outcome }] = results as [typeof results[0]];
    return outcome.status === "pass" ? "pass" : `${outcome.status}: ${outcome.reason}`;
  };
  const listing = () => {
    const results = operations.run({ id: "x", body: encodeKeyOperation({ type: "list" }) }) ?? [];
    return listingFromChecks(results.map(({ check }) => check));
  };
  return { keyring, files, logged, operations, run, listing };
}

const install = (key: Uint8Array): KeyOperation => ({ type: "install", key });
const use = (key: Uint8Array): KeyOperation => ({ type: "use", fingerprint: fingerprintOf(key) });
const remove = (key: Uint8Array): KeyOperation => ({
  type: "remove",
  fingerprint: fingerprintOf(key),
});

Deno.test("a key is rotated in, and the file has each step before the keyring", () => {
  const { keyring, files, run, listing, operations } = bench({
    writeFile: (path, text) => {
      written.push(parseKeyringFile(text));
      before.push(keyring.keys());
      files[path] = text;
    },
  });
  const written: Uint8Array[][] = [];
  const before: (readonly Uint8Array[])[] = [];
  const steps = [install(NEW), use(NEW), remove(OLD)].map((step) => run(step));
  assertEquals(steps, ["pass", "pass", "pass"]);
  assertEquals(written, [[OLD, NEW], [NEW, OLD], [NEW]]);
  assertEquals(before, [[OLD], [OLD, NEW], [NEW, OLD]]);
  assertEquals(keyring.keys(), [NEW]);
  assertEquals(listing(), { sealing: fingerprintOf(NEW), held: [fingerprintOf(NEW)] });
  assertEquals(operations.refusal(), undefined);
});

Deno.test("what is done already is a success, and touches no file", () => {
  const { files, run } = bench();
  for (const step of [install(OLD), use(OLD), remove(NEW)]) assertEquals(run(step), "pass");
  assertEquals(files, {});
});

Deno.test("what would cut this node off is refused", () => {
  const { keyring, files, run } = bench();
  assertStringIncludes(run(use(NEW)), "fail: key ");
  assertStringIncludes(run(remove(OLD)), "fail: this node encrypts with key");
  for (let index = 1; index < KEYRING_MAX_KEYS; index++) {
    assertEquals(run(install(new Uint8Array(16).fill(100 + index))), "pass");
  }
  assertStringIncludes(run(install(NEW)), "fail: the keyring has 16 keys");
  assertEquals(keyring.keys().length, KEYRING_MAX_KEYS);
  assertEquals(parseKeyringFile(files["ring"] ?? ""), [...keyring.keys()]);
});

Deno.test("an operation that comes after a newer one on the same key changes nothing", () => {
  const { keyring, run } = bench();
  assertEquals(run(install(NEW), "2"), "pass");
  assertEquals(run(use(NEW), "3"), "pass");
  assertEquals(run(remove(OLD), "5"), "pass");
  assertStringIncludes(run(install(OLD), "4"), "fail: a newer operation");
  assertEquals(run(install(OTHER), "1"), "pass", "another key's operations are others");
  assertStringIncludes(run(use(OTHER), "1"), "fail: a newer operation");
  assertEquals(keyring.keys(), [NEW, OTHER]);
  assertEquals(run(install(OLD), "6"), "pass");
  assertEquals(run(use(OLD), "7"), "pass");
  assertEquals(keyring.primary(), OLD);
});

Deno.test("a node that restarted learns from the batches that it remembers which is the newest", () => {
  const { keyring, operations, run } = bench();
  const batch = (id: string, body: Uint8Array) => ({ id, body }) as Batch;
  operations.remember([
    batch("3", encodeKeyOperation(remove(NEW))),
    batch("2", encodeKeyOperation(install(NEW))),
    batch("4", new Uint8Array([0x90])),
    batch("5", encodeKeyOperation(install(NEW)).slice(0, 30)),
  ]);
  assertStringIncludes(run(install(NEW), "2"), "fail: a newer operation");
  assertEquals(keyring.keys(), [OLD]);
});

Deno.test("a key that cannot be kept is not taken", () => {
  const full = bench({
    writeFile: () => {
      throw new HostError("ring cannot be written: the disk is full");
    },
  });
  assertEquals(full.run(install(NEW)), "error: ring cannot be written: the disk is full");
  assertEquals(full.keyring.keys(), [OLD]);
  const flag = bench({ file: undefined });
  assertStringIncludes(flag.run(install(NEW)), "needs a -keyring-file");
  assertEquals(flag.keyring.keys(), [OLD]);
  assertEquals(flag.listing()?.sealing, fingerprintOf(OLD));
});

Deno.test("without encryption there is nothing to change", () => {
  const { operations, run } = bench({ keyring: undefined });
  assertStringIncludes(operations.refusal() ?? "", "-keyring-file");
  assertStringIncludes(run(install(NEW)), "does not encrypt");
});

Deno.test("a batch that was cancelled changes nothing", () => {
  const { keyring, operations } = bench();
  const body = encodeKeyOperation(install(NEW));
  const results = operations.run({ id: "1", body }, AbortSignal.abort("it was cancelled"));
  assertEquals(results?.map(({ outcome }) => outcome), [
    { status: "skipped", reason: "it was cancelled" },
  ]);
  assertEquals(keyring.keys(), [OLD]);
});

Deno.test("checks are left to others, and a bad operation is an error", () => {
  const { operations } = bench();
  assertEquals(operations.run({ id: "1", body: new Uint8Array([0x90]) }), undefined);
  const body = encodeKeyOperation(install(NEW)).slice(0, 30);
  const [result] = operations.run({ id: "1", body }) ?? [];
  assertEquals(result?.outcome.status, "error");
});

Deno.test("no key is ever said, only fingerprints", () => {
  const { logged, operations, run } = bench();
  const said = [run(install(NEW)), run(use(OTHER)), run(use(NEW)), run(remove(NEW))];
  const listed = operations.run({ id: "x", body: encodeKeyOperation({ type: "list" }) });
  const all = JSON.stringify([said, logged, listed]);
  assertStringIncludes(all, fingerprintOf(NEW));
  for (const key of [OLD, NEW, OTHER]) {
    for (const secret of [key.toBase64(), key.toHex(), [...key].join(",")]) {
      assert(!all.includes(secret), secret);
    }
  }
});
