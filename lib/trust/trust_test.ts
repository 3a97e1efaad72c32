import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { checkBatch } from "../../tests/support/batches.ts";
import { VirtualTime } from "../../tests/support/virtual_time.ts";
import { HostError, UsageError } from "../errors.ts";
import type { Address, LogLevel } from "../runtime.ts";
import { Trust, type TrustRuntime, type TrustSettings } from "./trust.ts";

const LOOPBACK: Address = { host: "127.0.0.1", port: 3505 };
const CLIENTS: Address = { host: "127.0.0.1", port: 5924 };
const ANYWHERE: Address = { host: "192.0.2.1", port: 3505 };
const SIGNER =
  "alice ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAfoPmDxFqM5qbyBD/DxxZQP6+IQLjXy4+074Kpf+mgD";

const BATCH = checkBatch({ origin: { name: "o", address: ANYWHERE } });

interface BenchOptions {
  readonly settings?: TrustSettings;
  readonly bound?: Address;
  readonly clients?: Address | "none";
  readonly keepsState?: boolean;
}

/** A node's trust over files in memory, with all that it logs and records. */
function bench(options: BenchOptions = {}) {
  const time = new VirtualTime();
  const files = new Map<string, string>([["keys", `${SIGNER}\n`]]);
  const logged: string[] = [];
  const audit: string[] = [];
  const read = (path: string) => files.get(path);
  const appendFile = {
    append: (line: string) => void audit.push(line),
    size: () => 0,
    rotate() {},
    reopen: () => void audit.push("reopened"),
    close: () => void audit.push("closed"),
  };
  const runtime: TrustRuntime = {
    ...{ clock: time, timers: time },
    random: { next: () => 0, bytes: (length: number) => new Uint8Array(length).fill(7) },
    log: {
      write: (...[level, event, message]: readonly [LogLevel, string, string]) =>
        void logged.push(`${level} ${event}: ${message}`),
    },
    readSecretFile: read,
    createSecretFile: (path: string, text: string) => void files.set(path, text),
    removeUnfinishedSecretFile() {},
    readRulesFile: (path: string) => {
      const text = read(path);
      if (text === undefined) throw new UsageError(`${path} is not there`);
      return text;
    },
    stateFile: ({ name, file }) =>
      options.keepsState === false ? undefined : `state/${name}/${file}`,
    openAppendFile: () => appendFile,
  };
  const trust = () =>
    new Trust({
      name: "n",
      bound: options.bound ?? LOOPBACK,
      clients: options.clients === "none" ? undefined : options.clients ?? CLIENTS,
      settings: options.settings ?? {},
      checkTypes: [{ name: "file_exists" }],
      runtime,
    });
  return { trust, files, logged, audit };
}

Deno.test("the default set-up has a token and a log, lets every batch in, and has nothing to warn of", () => {
  const { trust: open, files, logged, audit } = bench();
  const trust = open();
  trust.logStart();
  assertEquals(trust.token?.file, "state/n/token");
  assertEquals(files.get("state/n/token"), `${"07".repeat(32)}\n`);
  assertEquals(trust.admit(BATCH), undefined);
  trust.accepted(BATCH, { runsHere: true, summary: { type: "checks", names: ["a"] } });
  trust.close();
  assertEquals(logged, []);
  assertStringIncludes(audit[0] ?? "", '"event":"batch_accepted"');
  assertStringIncludes(audit[0] ?? "", '"runsHere":true,"checks":["a"]');
  assertEquals(audit.slice(1), ["closed"]);
});

Deno.test("a node without state warns that it has neither token nor log", () => {
  const { trust, logged } = bench({ keepsState: false });
  trust().logStart();
  assertEquals(logged, [
    "warn clients_unchecked: any local user can command this daemon: it has no token; keep state " +
    "(-state-dir) or give -token-file",
    "warn audit_not_kept: no audit log is kept of what runs here (-state-dir none)",
  ]);
});

Deno.test("a node that does not listen for gcheck makes no token", () => {
  const { trust, files } = bench({ clients: "none" });
  assertEquals(trust().token, undefined);
  assertEquals(files.has("state/n/token"), false);
});

Deno.test("beyond the machine nobody commands a daemon without a token, unless the operator insists", () => {
  const clients = { host: "0.0.0.0", port: 5924 };
  const open = bench({ clients, keepsState: false });
  assertThrows(open.trust, UsageError, "flag -cli-bind: 0.0.0.0:5924 is reached from other");
  assertEquals(bench({ clients }).trust().token?.token.length, 32);
  const insisting = bench({ clients, keepsState: false, settings: { insecure: true } });
  insisting.trust().logStart();
  assertStringIncludes(
    insisting.logged[0] ?? "",
    "anyone who can reach it can command this daemon",
  );
});

Deno.test("over a network without a key, the start says once that no actions of others run", () => {
  const { trust, logged } = bench({ bound: ANYWHERE });
  const rules = trust();
  rules.logStart();
  assertEquals(logged.length, 1);
  assertStringIncludes(logged[0] ?? "", "warn network_actions_refused: this node listens at");
  const check = { name: "a", type: "t", fields: {}, action: "mend", actionTimeoutMs: 1 };
  const run = rules.rules({ isOwn: () => false });
  assertThrows(
    () => run.actionStarting(BATCH, check),
    HostError,
    "without requiring a cluster key",
  );
  rules.rules({ isOwn: () => true }).actionStarting(BATCH, check);
  for (const settings of [{ encryptionKey: "k" }, { keyringFile: "f" }, { insecure: true }]) {
    const keyed = bench({ bound: ANYWHERE, settings });
    keyed.trust().logStart();
    assertEquals(keyed.logged, []);
  }
});

Deno.test("a node with a key that accepts plaintext is treated as one without a key, and says so", () => {
  for (const plaintext of ["accept", "send"] as const) {
    const { trust, logged } = bench({
      bound: ANYWHERE,
      settings: { keyringFile: "f", plaintext },
    });
    const rules = trust();
    rules.logStart();
    assertEquals(logged.map((line) => line.split(":")[0]), [
      "warn network_actions_refused",
      "warn plaintext_accepted",
    ]);
    const check = { name: "a", type: "t", fields: {}, action: "mend", actionTimeoutMs: 1 };
    const run = rules.rules({ isOwn: () => false });
    assertThrows(
      () => run.actionStarting(BATCH, check),
      HostError,
      "without requiring a cluster key",
    );
  }
});

Deno.test("trusted keys are read at the start and again on demand, a bad file changing nothing", () => {
  const { trust: open, files, logged, audit } = bench({ settings: { trustedKeysFile: "keys" } });
  const trust = open();
  trust.logStart();
  assertEquals(trust.admit(BATCH), "it is not signed by a key in this node's trusted keys (keys)");
  files.set("keys", "nonsense");
  trust.reload();
  files.set("keys", `${SIGNER}\n`);
  trust.reload();
  assertEquals(logged.map((line) => line.split(":")[0]), [
    "info trusted_keys",
    "error trusted_keys_failed",
    "info trusted_keys",
  ]);
  assertStringIncludes(logged[1] ?? "", "the keys from before stay trusted");
  assertEquals(audit, ["reopened", "reopened"]);
  files.delete("keys");
  assertThrows(open, UsageError, "keys is not there");
});

Deno.test("refusals are on record, and the policy is the flags'", () => {
  const { trust: open, audit } = bench({ settings: { noActions: true } });
  const trust = open();
  const id = BATCH.id;
  trust.refused({ type: "batch_refused", batchId: id, origin: "o", from: "f", reason: "why" });
  assertStringIncludes(audit[0] ?? "", '"event":"batch_refused"');
  assertEquals(trust.policy.refusal("mend"), "this node runs no actions (-no-actions)");
});

Deno.test("a flag that names a check type that this version lacks does not start a node", () => {
  const { trust } = bench({ settings: { checkTypes: ["file_exist"] } });
  assertThrows(trust, UsageError, "the nearest known one is file_exists");
});
