import { assertEquals } from "@std/assert";
import type { CheckResult } from "../batch/check.ts";
import type { SkipReason } from "../batch/progress.ts";
import { BatchView } from "./batch_view.ts";
import type { AnsweredNode, NodeResults } from "./node_results.ts";

const PASS: CheckResult = { check: "a", outcome: { status: "pass" }, durationMs: 1 };
const FAIL: CheckResult = { check: "b", outcome: { status: "fail", reason: "no" }, durationMs: 1 };
const ERROR: CheckResult = { check: "b", outcome: { status: "error", reason: "?" }, durationMs: 1 };
const SKIP: CheckResult = {
  check: "b",
  outcome: { status: "skipped", reason: "-" },
  durationMs: 0,
};

function done(node: string, results: CheckResult[]): AnsweredNode {
  return { node, state: "done", about: "checks", results };
}

function skipped(reason: SkipReason): NodeResults {
  return { node: "skipped", state: "skipped", reason };
}

Deno.test("the exit status is the highest that applies", () => {
  const cases: [string, NodeResults[], number][] = [
    ["the batch has no members", [], 3],
    ["all passed", [done("x", [PASS])], 0],
    ["one failed", [done("x", [PASS, FAIL]), done("y", [PASS])], 1],
    ["one could not be decided", [done("x", [ERROR])], 1],
    ["one was skipped", [done("x", [SKIP])], 1],
    ["one is unreached", [done("x", [PASS]), {
      node: "y",
      state: "unreached",
      memberState: "dead",
    }], 3],
    ["one is running it", [done("x", [PASS]), { node: "y", state: "running" }], 3],
    ["one was stopped before its stage", [done("x", [PASS]), skipped("rollout_stopped")], 1],
    ["one was cancelled before it started", [done("x", [PASS]), skipped("cancelled")], 1],
    ["one did not receive it before it expired", [done("x", [PASS]), skipped("expired")], 3],
    ["one is no longer in the target", [done("x", [PASS]), skipped("not_targeted")], 0],
    ["no member is in the target any more", [skipped("not_targeted")], 3],
    [
      "one failed and one has not answered",
      [done("x", [FAIL]), { node: "y", state: "pending" }],
      3,
    ],
  ];
  for (const [what, parts, expected] of cases) {
    const view = new BatchView({ checks: [] });
    for (const part of parts) view.update(part);
    assertEquals(view.report({}).exitStatus, expected, what);
  }
});

Deno.test("a member's state changes until it has reported, and it is counted once", () => {
  const view = new BatchView({ checks: [] });
  view.expect(["x", "y"]);
  view.expect(["x", "z"]);
  assertEquals(view.counts().unanswered, 3);
  view.update({ node: "x", state: "running" });
  view.update({ node: "x", state: "unreached", memberState: "dead" });
  assertEquals([view.counts().unreached, view.counts().unanswered], [1, 2]);
  assertEquals(view.update(done("x", [PASS, FAIL])), [PASS, FAIL]);
  assertEquals(view.update(done("x", [PASS, FAIL])), undefined);
  assertEquals(view.update({ node: "x", state: "unreached", memberState: "left" }), undefined);
  view.update({ node: "y", state: "skipped", reason: "cancelled" });
  assertEquals([view.counts().skippedNodes.cancelled, view.counts().unanswered], [1, 1]);
  view.update({ node: "y", state: "pending" });
  view.update(done("late joiner", [PASS]));
  assertEquals(view.counts(), {
    nodes: 4,
    answered: 2,
    unreached: 0,
    unanswered: 2,
    notPassing: 1,
    passed: 2,
    failed: 1,
    errors: 0,
    skipped: 0,
    skippedNodes: { rollout_stopped: 0, cancelled: 0, expired: 0, not_targeted: 0 },
  });
});

Deno.test("an outcome missing from a report is not a pass", () => {
  const view = new BatchView({ checks: ["a", "b"] });
  const results = view.update(done("x", [PASS]));
  assertEquals(results?.map(({ check, outcome }) => [check, outcome.status]), [
    ["a", "pass"],
    ["b", "error"],
  ]);
  assertEquals(view.report({}).exitStatus, 1);
  const unreadable: CheckResult = { ...ERROR, check: "(batch)" };
  assertEquals(view.update({ ...done("y", [unreadable]), about: "batch" }), [unreadable]);
});

Deno.test("a report of another type is not a pass of the checks that were sent", () => {
  for (const about of ["batch", "keys"] as const) {
    const view = new BatchView({ checks: ["a", "b"] });
    const odd: CheckResult = { ...PASS, check: `(${about})` };
    const results = view.update({ ...done("x", [odd]), about });
    assertEquals(results?.map(({ check, outcome }) => [check, outcome.status]), [
      [`(${about})`, "pass"],
      ["a", "error"],
      ["b", "error"],
    ]);
    assertEquals(view.report({}).exitStatus, 1);
    // If the checks are not known, or for a key operation, the report counts as it is.
    const open = new BatchView({ checks: [] });
    assertEquals(open.update({ ...done("x", [odd]), about }), [odd]);
    assertEquals(open.report({}).exitStatus, 0);
  }
});
