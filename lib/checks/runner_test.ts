import { assertEquals, assertStringIncludes } from "@std/assert";
import { FakeHost } from "../../tests/support/fake_host.ts";
import { settle, VirtualTime } from "../../tests/support/virtual_time.ts";
import { CHECK_TIMEOUT_MS, REASON_MAX_BYTES } from "../limits.ts";
import type { Check, CheckResult } from "./check.ts";
import { type ActionPolicy, Runner, type RunOptions } from "./runner.ts";

function check(name: string, more: Partial<Check> = {}): Check {
  const fields = { path: `/${name}` };
  return { name, type: "file_exists", fields, actionTimeoutMs: 1_000, ...more };
}

interface World {
  readonly host: FakeHost;
  readonly time: VirtualTime;
  readonly runner: Runner;
  run(checks: readonly Check[], more?: Partial<RunOptions>): Promise<readonly CheckResult[]>;
}

function world(options: { maxParallel?: number; policy?: ActionPolicy } = {}): World {
  const host = new FakeHost();
  const time = new VirtualTime();
  const { policy, maxParallel = 100 } = options;
  const runner = new Runner({
    host,
    clock: time,
    timers: time,
    maxParallel,
    ...(policy && { policy }),
  });
  const run = (checks: readonly Check[], more: Partial<RunOptions> = {}) =>
    runner.run({
      checks,
      node: "node-1",
      batchId: "batch-1",
      mode: "parallel",
      actions: true,
      ...more,
    });
  return { host, time, runner, run };
}

function summary(results: readonly CheckResult[]): string[] {
  return results.map(({ check, outcome, action }) =>
    [check, outcome.status, ...(action === undefined ? [] : [action.end.type])].join(" ")
  );
}

Deno.test("only the action of a failing check runs, once, and sees what failed", async () => {
  const { host, time, run } = world();
  host.files.set("/good", "").set("/secret", { kind: "denied" });
  const contains = { type: "file_contains", fields: { path: "/secret", check: "x" } };
  const running = run([
    check("good", { action: "mend good" }),
    check("bad", { action: "mend bad" }),
    check("plain"),
    check("error", { ...contains, action: "mend error" }),
  ]);
  await settle();
  assertEquals(host.shells.map(({ command }) => command), ["mend bad"]);
  assertEquals(host.shells[0]?.options.environment, {
    GOSSIPCHECK_NODE: "node-1",
    GOSSIPCHECK_BATCH: "batch-1",
    GOSSIPCHECK_CHECK: "bad",
    GOSSIPCHECK_MESSAGE: "/bad does not exist",
  });
  assertEquals(host.shells[0]?.options.timeoutMs, 1_000);
  await time.pass(40);
  host.shells[0]?.end({ output: "mended\n", droppedBytes: 3 });
  const results = await running;
  assertEquals(summary(results), ["good pass", "bad fail exited", "plain fail", "error error"]);
  assertEquals(results[1]?.action, {
    end: { type: "exited", code: 0 },
    output: "mended\n",
    droppedBytes: 3,
    durationMs: 40,
  });
});

Deno.test("without actions a failing check is only reported", async () => {
  const { host, run } = world();
  const results = await run([check("bad", { action: "mend" }), check("worse")], {
    actions: false,
    mode: "sequential",
  });
  assertEquals(summary(results), ["bad fail", "worse fail"]);
  assertEquals(host.shells, []);
});

Deno.test("checks and their actions run in parallel, or in order", async () => {
  for (const mode of ["parallel", "sequential"] as const) {
    const { host, run } = world();
    const running = run([check("a", { action: "1" }), check("b", { action: "2" })], { mode });
    await settle();
    assertEquals(host.shells.length, mode === "parallel" ? 2 : 1);
    assertEquals(host.asked.length, mode === "parallel" ? 2 : 1);
    host.shells[0]?.end();
    await settle();
    host.shells[1]?.end();
    assertEquals(summary(await running), ["a fail exited", "b fail exited"]);
  }
});

Deno.test("over all batches no more run at once than allowed, in the order of asking", async () => {
  const { host, run } = world({ maxParallel: 2 });
  const first = run([1, 2, 3].map((n) => check(`a${n}`, { action: `a${n}` })));
  const second = run([check("b1", { action: "b1" })]);
  const order: string[] = [];
  for (let ended = 0; ended < 4; ended++) {
    await settle();
    assertEquals(host.shells.length, Math.min(4, ended + 2));
    order.push(host.shells[ended]?.command ?? "");
    host.shells[ended]?.end();
  }
  assertEquals(order, ["a1", "a2", "a3", "b1"]);
  await Promise.all([first, second]);
});

Deno.test("a probe that does not answer in time is an error, and holds up nobody", async () => {
  const { host, time, run } = world({ maxParallel: 1 });
  host.hanging.add("/slow");
  const seen: string[] = [];
  const running = run([check("slow", { action: "mend" }), check("next")], {
    onResult: ({ check }) => seen.push(check),
  });
  await time.pass(CHECK_TIMEOUT_MS - 1);
  assertEquals(seen, []);
  await time.pass(1);
  const [slow, next] = await running;
  assertEquals(slow?.outcome, { status: "error", reason: "timed out after 30 s" });
  assertEquals(slow?.durationMs, CHECK_TIMEOUT_MS);
  assertEquals(next?.outcome.status, "fail");
  assertEquals(seen, ["slow", "next"]);
  assertEquals(time.pending, 0);
  assertEquals(host.shells, []);
});

Deno.test("what another node's version knows and this one does not is an error", async () => {
  const { host, run } = world();
  const results = await run([
    check("new", { type: "port_open", action: "mend" }),
    check("more", { fields: { path: "/x", mode: "0644" } }),
    check("less", { fields: {} }),
    check("other", { fields: { path: ["/x", "/y"] } }),
  ]);
  assertEquals(results.map(({ outcome }) => outcome), [
    { status: "error", reason: `this node's version has no check type "port_open"` },
    { status: "error", reason: "field mode is unknown to file_exists" },
    { status: "error", reason: "field path is missing; file_exists needs it" },
    { status: "error", reason: "field path must be a string, not an array" },
  ]);
  assertEquals(host.asked, []);
  assertEquals(host.shells, []);
});

Deno.test("policy refuses check types and actions, and says so in the results", async () => {
  const { host, run } = world({
    policy: {
      refusal: (command) => command === "mend" ? undefined : "not on the list",
      checkTypeAllowed: (type) => type === "file_exists",
    },
  });
  const running = run([
    check("a", { action: "mend" }),
    check("b", { action: "harm" }),
    check("c", { type: "file_contains", fields: { path: "/x", check: "y" } }),
  ]);
  await settle();
  host.shells[0]?.end();
  const results = await running;
  assertEquals(summary(results), ["a fail exited", "b fail refused", "c error"]);
  assertEquals(results[1]?.action?.end, { type: "refused", reason: "not on the list" });
  assertEquals(results[2]?.outcome, {
    status: "error",
    reason: "this node's policy allows no checks of type file_contains",
  });
  assertEquals(host.shells.length, 1);
});

Deno.test("an action that cannot be noted down or started is refused", async () => {
  const { host, run } = world();
  const noted: string[] = [];
  const onActionStarting = ({ name }: Check) => {
    assertEquals(host.shells.length, 0);
    noted.push(name);
    if (name === "a") throw new Error("the disk is full");
  };
  host.shellRefusal = "/bin/sh cannot be started";
  const results = await run(
    [check("a", { action: "1" }), check("b", { action: "2" })],
    { onActionStarting },
  );
  assertEquals(noted, ["a", "b"]);
  assertEquals(results.map(({ action }) => action?.end), [
    { type: "refused", reason: "Error: the disk is full" },
    { type: "refused", reason: "/bin/sh cannot be started" },
  ]);
});

Deno.test("a cancel skips what has not started and ends what runs", async () => {
  const { host, time, run } = world({ maxParallel: 2 });
  host.hanging.add("/slow");
  const cancelling = new AbortController();
  const running = run(
    [check("acting", { action: "mend" }), check("slow"), check("waiting")],
    { signal: cancelling.signal },
  );
  await settle();
  cancelling.abort("cancelled by gcheck");
  const results = await running;
  assertEquals(summary(results), ["acting fail aborted", "slow skipped", "waiting skipped"]);
  assertEquals(results[1]?.outcome, { status: "skipped", reason: "cancelled by gcheck" });
  assertEquals(time.pending, 0);
  // The turns were given back.
  assertEquals(summary(await run([check("x"), check("y")])), ["x fail", "y fail"]);
});

Deno.test("a closed runner starts nothing and lets actions end", async () => {
  const { host, runner, run } = world({ maxParallel: 1 });
  const running = run([check("a", { action: "mend" }), check("b", { action: "mend" })]);
  await settle();
  runner.close("the daemon stops");
  await settle();
  assertEquals(host.shells.length, 1);
  host.shells[0]?.end();
  assertEquals(summary(await running), ["a fail exited", "b skipped"]);
  assertEquals(summary(await run([check("c")])), ["c skipped"]);
});

Deno.test("a bug in a probe is that check's error alone, and reasons are bounded", async () => {
  const { host, run } = world();
  host.fileKind = (path) =>
    path === "/bug" ? Promise.reject(new TypeError("no such method")) : Promise.resolve(undefined);
  const long = `/${"x".repeat(3_000)}`;
  const results = await run([check("bug"), check("long", { fields: { path: long } })]);
  assertEquals(results[0]?.outcome, { status: "error", reason: "bug: TypeError: no such method" });
  const [, second] = results;
  assertStringIncludes(second?.outcome.status ?? "", "fail");
  const reason = second?.outcome.status === "fail" ? second.outcome.reason : "";
  assertEquals(reason.length, REASON_MAX_BYTES);
});
