import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { checkBatch, testId } from "../../tests/support/batches.ts";
import { fingerprintOf } from "../encryption_key.ts";
import { HostError } from "../errors.ts";
import type { Batch } from "../batch/batch.ts";
import { encodeBody } from "../batch/body.ts";
import type { KeyListing, KeyOperation } from "../batch/key_operation.ts";
import { KEYRING_MAX_KEYS } from "../limits.ts";
import { Keyring, parseKeyringFile } from "../wire/keyring.ts";
import { KeyChanges, type KeyChangesOptions } from "./key_changes.ts";

const [OLD, NEW, OTHER] = [16, 24, 32].map((size) => new Uint8Array(size).fill(size)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

/** A node with the old key alone, whose file and log are written down. */
function bench(options: Partial<KeyChangesOptions> = {}) {
  const keyring = new Keyring({ keys: [OLD] });
  const files: Record<string, string> = {};
  const logged: string[] = [];
  const changes = new KeyChanges({
    keyring,
    file: "ring",
    writeFile: (path, text) => void (files[path] = text),
    log: { write: (...line) => void logged.push(JSON.stringify(line)) },
    ...options,
  });
  let issued = 0;
  /** Runs it as the newest operation of all, or as the one with the id that is given. */
  const run = (operation: KeyOperation, id = testId(++issued)) => {
    const report = changes.run(operation, id);
    assert(report.type === "keys" && report.listing === undefined);
    const { outcome } = report;
    return outcome.status === "pass" ? "pass" : `${outcome.status}: ${outcome.reason}`;
  };
  const listing = (): KeyListing | undefined => {
    const report = changes.run({ type: "list" }, testId(0));
    assert(report.type === "keys");
    return report.listing;
  };
  return { keyring, files, logged, changes, run, listing };
}

const install = (key: Uint8Array): KeyOperation => ({ type: "install", key });
const use = (key: Uint8Array): KeyOperation => ({ type: "use", fingerprint: fingerprintOf(key) });
const remove = (key: Uint8Array): KeyOperation => ({
  type: "remove",
  fingerprint: fingerprintOf(key),
});

Deno.test("a key is rotated in, and the file has each step before the keyring", () => {
  const { keyring, files, run, listing, changes } = bench({
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
  assertEquals(listing(), { primary: fingerprintOf(NEW), held: [fingerprintOf(NEW)] });
  assertEquals(changes.refusal(), undefined);
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
  assertEquals(run(install(NEW), testId(2)), "pass");
  assertEquals(run(use(NEW), testId(3)), "pass");
  assertEquals(run(remove(OLD), testId(5)), "pass");
  assertStringIncludes(run(install(OLD), testId(4)), "fail: a newer operation");
  assertEquals(run(install(OTHER), testId(1)), "pass", "another key's operations are others");
  assertStringIncludes(run(use(OTHER), testId(1)), "fail: a newer operation");
  assertEquals(keyring.keys(), [NEW, OTHER]);
  assertEquals(run(install(OLD), testId(6)), "pass");
  assertEquals(run(use(OLD), testId(7)), "pass");
  assertEquals(keyring.primary(), OLD);
});

Deno.test("a node that restarted learns from the batches that it remembers which is the newest", () => {
  const { keyring, changes, run } = bench();
  const bodyOf = (operation: KeyOperation) => encodeBody({ type: "keys", operation });
  const batch = (number: number, body: Uint8Array): Batch =>
    checkBatch({ id: testId(number), body });
  changes.remember([
    batch(3, bodyOf(remove(NEW))),
    batch(2, bodyOf(install(NEW))),
    checkBatch({ id: testId(4) }),
    batch(6, new Uint8Array([0x90])),
    batch(5, bodyOf(install(NEW)).slice(0, 30)),
  ]);
  assertStringIncludes(run(install(NEW), testId(2)), "fail: a newer operation");
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
  assertEquals(flag.listing()?.primary, fingerprintOf(OLD));
});

Deno.test("without encryption there is nothing to change", () => {
  const { changes, run, listing } = bench({ keyring: undefined });
  assertStringIncludes(changes.refusal() ?? "", "-keyring-file");
  assertStringIncludes(run(install(NEW)), "does not encrypt");
  assertEquals(listing(), undefined);
});

Deno.test("while plaintext is accepted, nobody changes the keys", () => {
  const { run, listing, files } = bench({ acceptPlaintext: true });
  for (const step of [install(NEW), use(OLD), remove(NEW)]) {
    assertStringIncludes(run(step), "fail: this node accepts plaintext");
  }
  assertEquals([listing()?.held, files], [[fingerprintOf(OLD)], {}]);
});

Deno.test("a listing names every key that the node decrypts with, the primary one first", () => {
  const { run, listing } = bench();
  for (const step of [install(NEW), install(OTHER), use(OTHER)]) run(step);
  assertEquals(listing(), {
    primary: fingerprintOf(OTHER),
    held: [OTHER, OLD, NEW].map(fingerprintOf),
  });
});

Deno.test("no key is ever said, only fingerprints", () => {
  const { logged, run, listing } = bench();
  const said = [run(install(NEW)), run(use(OTHER)), run(use(NEW)), run(remove(NEW))];
  const all = JSON.stringify([said, logged, listing()]);
  assertStringIncludes(all, fingerprintOf(NEW));
  for (const key of [OLD, NEW, OTHER]) {
    for (const secret of [key.toBase64(), key.toHex(), [...key].join(",")]) {
      assert(!all.includes(secret), secret);
    }
  }
});
