import { assertEquals, assertStringIncludes } from "@std/assert";
import { FakeHost } from "../../tests/support/fake_host.ts";
import { settle, VirtualTime } from "../../tests/support/virtual_time.ts";
import { CHECK_TIMEOUT_MS, REASON_MAX_BYTES } from "../limits.ts";
import type { Check, CheckResult } from "../batch/check.ts";
import { type ActionPolicy, Runner, type RunOptions } from "./runner.ts";

function check(name: string, more: Partial<Check> = {}): Check {
  const fields = { path: `/${name}` };
  return { name, type: "file_exists", fields, actionTimeoutMs: 1_000, ...more };
}

interface Bench {
  readonly host: FakeHost;
  readonly time: VirtualTime;
  readonly runner: Runner;
  run(checks: readonly Check[], more?: Partial<RunOptions>): Promise<readonly CheckResult[]>;
}

function bench(options: { maxParallel?: number; policy?: ActionPolicy } = {}): Bench {
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

Deno.test("only the action of a failed check runs, once, with the reason in its environment", async () => {
  const { host, time, run } = bench();
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

Deno.test("with actions off, a failed check is only reported", async () => {
  const { host, run } = bench();
  const results = await run([check("bad", { action: "mend" }), check("worse")], {
    actions: false,
    mode: "sequential",
  });
  assertEquals(summary(results), ["bad fail", "worse fail"]);
  assertEquals(host.shells, []);
});

Deno.test("checks and their actions run in parallel, or sequentially", async () => {
  for (const mode of ["parallel", "sequential"] as const) {
    const { host, run } = bench();
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

Deno.test("the number of parallel checks is limited over all batches, first come first served", async () => {
  const { host, run } = bench({ maxParallel: 2 });
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

Deno.test("a probe that times out is an error and frees its slot", async () => {
  const { host, time, run } = bench({ maxParallel: 1 });
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

Deno.test("a check type or field that this version does not know is an error", async () => {
  const { host, run } = bench();
  const results = await run([
    check("new", { type: "port_open", action: "mend" }),
    check("more", { fields: { path: "/x", mode: "0644" } }),
    check("less", { fields: {} }),
    check("other", { fields: { path: ["/x", "/y"] } }),
  ]);
  assertEquals(results.map(({ outcome }) => outcome), [
    { status: "error", reason: `this node's version has no check type "port_open"` },
    { status: "error", reason: "field mode is unknown for type file_exists" },
    { status: "error", reason: "field path is missing; file_exists requires it" },
    { status: "error", reason: "field path must be a string, not an array" },
  ]);
  assertEquals(host.asked, []);
  assertEquals(host.shells, []);
});

Deno.test("check types and actions that the policy forbids are refused, with the reason in the results", async () => {
  const { host, run } = bench({
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
    reason: "the policy of this node does not allow checks of type file_contains",
  });
  assertEquals(host.shells.length, 1);
});

Deno.test("an action that cannot be recorded or started is refused", async () => {
  const { host, run } = bench();
  const recorded: string[] = [];
  const onActionStarting = ({ name }: Check) => {
    assertEquals(host.shells.length, 0);
    recorded.push(name);
    return name === "a" ? Promise.reject(new Error("the disk is full")) : Promise.resolve();
  };
  host.shellRefusal = "/bin/sh cannot be started";
  const results = await run(
    [check("a", { action: "1" }), check("b", { action: "2" })],
    { onActionStarting },
  );
  assertEquals(recorded, ["a", "b"]);
  assertEquals(results.map(({ action }) => action?.end), [
    { type: "refused", reason: "Error: the disk is full" },
    { type: "refused", reason: "/bin/sh cannot be started" },
  ]);
});

Deno.test("an action starts only when onActionStarting resolves, and other actions do not wait", async () => {
  const { host, time, run } = bench();
  const may = Promise.withResolvers<void>();
  const onActionStarting = ({ name }: Check) => name === "a" ? may.promise : Promise.resolve();
  const running = run([check("a", { action: "1" }), check("b", { action: "2" })], {
    onActionStarting,
  });
  await time.pass(60_000);
  assertEquals(host.shells.map(({ command }) => command), ["2"]);
  host.shells[0]?.end();
  may.resolve();
  await settle();
  assertEquals(host.shells.map(({ command }) => command), ["2", "1"]);
  await time.pass(7);
  host.shells[1]?.end();
  const results = await running;
  assertEquals(summary(results), ["a fail exited", "b fail exited"]);
  assertEquals(results[0]?.action?.durationMs, 7, "the wait does not count as duration");
});

Deno.test("an action is not started if its batch is cancelled or the node stops before onActionStarting resolves", async () => {
  const ends: readonly ((runner: Runner, cancelling: AbortController) => void)[] = [
    (_runner, cancelling) => cancelling.abort("enough"),
    (runner) => runner.close("enough"),
  ];
  for (const end of ends) {
    const { host, runner, run } = bench();
    const may = Promise.withResolvers<void>();
    const cancelling = new AbortController();
    const running = run([check("a", { action: "mend" })], {
      signal: cancelling.signal,
      onActionStarting: () => may.promise,
    });
    await settle();
    end(runner, cancelling);
    await settle();
    may.resolve();
    const [result] = await running;
    assertEquals(result?.action?.end, { type: "refused", reason: "enough" });
    assertEquals(host.shells, []);
  }
});

Deno.test("a cancellation skips checks that have not started and aborts running actions", async () => {
  const { host, time, run } = bench({ maxParallel: 2 });
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
  // The slots were released.
  assertEquals(summary(await run([check("x"), check("y")])), ["x fail", "y fail"]);
});

Deno.test("a closed runner starts nothing and lets running actions end", async () => {
  const { host, runner, run } = bench({ maxParallel: 1 });
  const running = run([check("a", { action: "mend" }), check("b", { action: "mend" })]);
  await settle();
  runner.close("the daemon stops");
  await settle();
  assertEquals(host.shells.length, 1);
  host.shells[0]?.end();
  assertEquals(summary(await running), ["a fail exited", "b skipped"]);
  assertEquals(summary(await run([check("c")])), ["c skipped"]);
});

Deno.test("an exception in a probe is an error of that check only, and reasons are truncated", async () => {
  const { host, run } = bench();
  host.fileKind = (path) =>
    path === "/bug" ? Promise.reject(new TypeError("no such method")) : Promise.resolve(undefined);
  const long = `/${"x".repeat(3_000)}`;
  const results = await run([check("bug"), check("long", { fields: { path: long } })]);
  assertEquals(results[0]?.outcome, {
    status: "error",
    reason: "internal error: TypeError: no such method",
  });
  const [, second] = results;
  assertStringIncludes(second?.outcome.status ?? "", "fail");
  const reason = second?.outcome.status === "fail" ? second.outcome.reason : "";
  assertEquals(reason.length, REASON_MAX_BYTES);
});
