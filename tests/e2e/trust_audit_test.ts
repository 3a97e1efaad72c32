/**
 * What a node puts on record of batches and actions, and what does not run where it cannot.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { TestCluster } from "../support/cluster.ts";
import { newSigner } from "../support/signers.ts";
import { eventually } from "../support/process.ts";

const NO_MOUNTS = Deno.build.os !== "linux" || Deno.uid() !== 0;

interface Line extends Record<string, unknown> {
  readonly event: string;
}

/** The records of a file of the audit log. */
function recordsOf(path: string): Line[] {
  return Deno.readTextFileSync(path).trimEnd().split("\n").map((line) => JSON.parse(line));
}

/** Without what differs from run to run. */
function plain(lines: readonly Line[]): Omit<Line, "when" | "batch">[] {
  return lines.map(({ when, batch: _batch, ...rest }) => {
    assertMatch(String(when), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    return rest;
  });
}

Deno.test("batches and actions are on record: who sent and signed them, and how they ended", async () => {
  await using cluster = new TestCluster();
  const alice = newSigner("alice", { folder: cluster.directory });
  const trusted = cluster.path("trusted-keys");
  Deno.writeTextFileSync(trusted, `${alice.trustedLine}\n`);
  const stateDirectory = cluster.path("state");
  const node = await cluster.add("n1", { stateDirectory, flags: [`-trusted-keys=${trusted}`] });
  const audit = join(stateDirectory, "n1", "audit.log");
  const failing = { type: "file_exists", path: "/nowhere/at/all" };
  const file = cluster.writeChecks("checks.json", {
    passes: { type: "file_exists", path: "/etc/hosts" },
    mends: { ...failing, action: "exit 3" },
    hangs: { ...failing, action: "sleep 100", action_timeout: "100ms" },
  });
  await node.gcheck([`-file=${file}`, "check"]);
  await cluster.check(file, [`-sign=${alice.keyFile}`]);
  const lines = plain(recordsOf(audit));
  const of = { origin: "n1", signer: "alice" };
  const reason = `it is not signed by a key in this node's trusted keys (${trusted})`;
  assertEquals(lines.slice(0, 2), [
    { event: "batch_refused", origin: "n1", reason },
    { event: "batch_accepted", ...of, runsHere: true, checks: ["passes", "mends", "hangs"] },
  ]);
  const byCheck = (check: string) => lines.filter((line) => line["check"] === check);
  const mends = { ...of, check: "mends", command: "exit 3" };
  const hangs = { ...of, check: "hangs", command: "sleep 100" };
  assertEquals(byCheck("passes"), []);
  assertEquals(byCheck("mends"), [
    { event: "action_started", ...mends },
    { event: "action_ended", ...mends, outcome: "exit 3" },
  ]);
  assertEquals(byCheck("hangs"), [
    { event: "action_started", ...hangs },
    { event: "action_ended", ...hangs, outcome: "timed out" },
  ]);
  assertEquals((Deno.statSync(audit).mode ?? 0) & 0o777, 0o600);

  Deno.renameSync(audit, `${audit}.moved`);
  node.signal("SIGHUP");
  await eventually(() => Deno.statSync(audit), { intervalMs: 20 });
  const again = await cluster.check(file, [`-sign=${alice.keyFile}`]);
  const moved = recordsOf(audit);
  assertEquals(new Set(moved.map(({ batch }) => batch)), new Set([again.report.batch]));
  assertEquals(recordsOf(`${audit}.moved`).length, lines.length);
});

Deno.test("a refused action is on record as one, and a node that keeps no state says that it has no log", async () => {
  await using cluster = new TestCluster();
  const stateDirectory = cluster.path("state");
  await cluster.add("n1", { stateDirectory, flags: ["-no-actions"] });
  const other = await cluster.add("n2", { flags: ["-state-dir=none"] });
  await cluster.together();
  await cluster.check(cluster.writeStampCheck());
  const lines = plain(recordsOf(join(stateDirectory, "n1", "audit.log")));
  assertEquals(lines.map(({ event }) => event), ["batch_accepted", "action_refused"]);
  assertEquals(lines[1]?.["outcome"], "this node runs no actions (-no-actions)");
  const [warning] = other.events.all.filter(({ event }) => event === "audit_not_kept");
  assertEquals(warning?.fields["level"], "warn");
});

Deno.test({
  name: "what cannot be recorded does not run, and the results and the log say so",
  ignore: NO_MOUNTS,
  fn: async () => {
    await using cluster = new TestCluster();
    const stateDirectory = cluster.path("state");
    const audit = join(stateDirectory, "full", "audit.log");
    // The audit log alone stands on a file system that has no room left, in the daemon's own mounts.
    const full = `set -eu
      directory=$(dirname "$1")
      mkdir -p "$directory/disk"
      chmod 700 "$directory"
      : > "$1"
      mount -t tmpfs -o size=8k none "$directory/disk"
      : > "$directory/disk/audit.log"
      head -c 8192 /dev/zero | tr '\\0' '\\n' > "$directory/disk/audit.log" || true
      mount --bind "$directory/disk/audit.log" "$1"
      shift
      exec "$@"`;
    const node = await cluster.add("full", {
      stateDirectory,
      wrap: (line) => {
        if (!line.args.includes("-name=full")) return line;
        const args = ["-m", "sh", "-c", full, "full", audit, line.program, ...line.args];
        return { ...line, program: "unshare", args };
      },
    });
    const answer = await cluster.check(cluster.writeStampCheck());
    assertEquals(answer.code, 1);
    const result = answer.result("full", "stamp");
    assertEquals(result?.status, "error");
    assertStringIncludes(result?.reason ?? "", `audit log ${audit}: No space left on device`);
    assertEquals(cluster.stamps(), []);
    assert(node.events.all.some(({ event }) => event === "audit_failed"));
  },
});
