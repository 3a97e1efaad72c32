/**
 * The cases of the golden files: `tests/golden/` has the output of each case in each format.
 * @module
 */
import type { CheckResult } from "../../lib/batch/check.ts";
import type { BatchState } from "../../lib/client/protocol.ts";
import { BatchView } from "../../lib/cli/batch_view.ts";
import type { NodeResults } from "../../lib/cli/node_results.ts";
import type { OutputEvent } from "../../lib/cli/output_format.ts";
import type { Problem } from "../../lib/errors.ts";

/** Events and the exit status of a command. */
export interface OutputCase {
  /** The events, in order. */
  readonly events: readonly OutputEvent[];
  /** The exit status of `gcheck`. */
  readonly exitStatus: number;
}

const BATCH_ID = "01JGFJJZ00ABCDEFGHJKMNPQRS";
const SEE_LATER = `gcheck results ${BATCH_ID}`;
const NOW_MS = Date.UTC(2025, 0, 1, 12);

function pass(check: string): CheckResult {
  return { check, outcome: { status: "pass" }, durationMs: 0.4567 };
}

function fail(check: string, reason: string): CheckResult {
  return { check, outcome: { status: "fail", reason }, durationMs: 1.5 };
}

function fixed(result: CheckResult, output: string): CheckResult {
  return {
    ...result,
    action: { end: { type: "exited", code: 0 }, output, droppedBytes: 0, durationMs: 12 },
  };
}

function done(node: string, results: readonly CheckResult[]): NodeResults {
  return { node, state: "done", about: "checks", results };
}

function batch(
  parts: readonly NodeResults[],
  options: { elapsedMs?: number; state?: BatchState } = {},
): OutputCase {
  const { state, ...times } = options;
  const view = new BatchView({ checks: [] });
  if (state !== undefined) view.setState(state);
  const events: OutputEvent[] = [];
  for (const part of parts) {
    const results = view.update(part);
    if (results !== undefined) {
      events.push({ type: "answered", batchId: BATCH_ID, node: part.node, results });
    }
  }
  const report = view.report({ batchId: BATCH_ID, ...times });
  const { unreached, unanswered } = report.counts;
  const seeLater = unreached + unanswered > 0 ? { seeLater: SEE_LATER } : {};
  events.push({ type: "report", report, showPassing: false, ...seeLater });
  return { events, exitStatus: report.exitStatus };
}

function local(results: readonly CheckResult[]): OutputCase {
  const view = new BatchView({ checks: [] });
  view.update(done("localhost", results));
  const report = view.report({ elapsedMs: 40 });
  const events = results.map((result): OutputEvent => ({
    type: "answered",
    node: "localhost",
    results: [result],
  }));
  return {
    events: [...events, { type: "report", report, showPassing: true }],
    exitStatus: report.exitStatus,
  };
}

function validated(problems: readonly Problem[], checks: readonly string[]): OutputCase {
  const lines = problems.map(({ message }) => `line 1: ${message}`);
  const file = "checks.json";
  return {
    events: [{ type: "validated", file, checks, problems, lines }],
    exitStatus: problems.length === 0 ? 0 : 2,
  };
}

function keyMade(made: Omit<OutputEvent & { type: "key_made" }, "type">): OutputCase {
  return { events: [{ type: "key_made", ...made }], exitStatus: 0 };
}

/** Every outcome and every action result, on one node. */
function everything(): NodeResults[] {
  const failing = (name: string) => fail(name, "/etc/motd does not exist");
  const action = { output: "", droppedBytes: 0, durationMs: 1 };
  return [done("node-1", [
    pass("passes"),
    failing("no_action"),
    {
      check: "cannot_tell",
      outcome: { status: "error", reason: "permission denied" },
      durationMs: 3,
    },
    { check: "not_asked", outcome: { status: "skipped", reason: "cancelled" }, durationMs: 0 },
    fixed(failing("mended"), "step 1\nstep 2: done\n"),
    { ...failing("exited"), action: { ...action, end: { type: "exited", code: 3 } } },
    { ...failing("killed"), action: { ...action, end: { type: "signaled", signal: "SIGSEGV" } } },
    { ...failing("slow"), action: { ...action, end: { type: "timed_out" } } },
    { ...failing("cancelled"), action: { ...action, end: { type: "aborted" } } },
    { ...failing("crashed"), action: { ...action, end: { type: "interrupted" } } },
    {
      ...failing("forbidden"),
      action: { ...action, end: { type: "refused", reason: "-no-actions" }, droppedBytes: 70_000 },
    },
  ])];
}

/** A roll-out in stages of two that stopped in its second stage. */
function stopped(): NodeResults[] {
  return [
    done("web-1", [fail("disk", "/ is 99 % full")]),
    done("web-2", [pass("disk")]),
    { node: "web-3", state: "unreached", memberState: "dead" },
    done("web-4", [pass("disk")]),
    ...["web-5", "web-6", "web-7", "web-8"].map((node): NodeResults => ({
      node,
      state: "skipped",
      reason: "rollout_stopped",
    })),
  ];
}

/** Names and outputs with control characters, as a malicious node may send them. */
function hostile(): NodeResults[] {
  return [done("\x1b[2Jnode\u202e", [
    fixed(
      fail("check\r\nPASS", "\x1b]0;title\x07 \u009b31m"),
      "\x1b[1A\x1b[Kall is well\x08\x08\n",
    ),
    fail("long", "x".repeat(500)),
  ])];
}

/** 5,000 nodes: most with equal results, some with different reasons, some without a report. */
function fleet(): NodeResults[] {
  return Array.from({ length: 5_000 }, (_, index): NodeResults => {
    const node = `web-${index + 1}`;
    if (index % 500 === 7) return { node, state: "unreached", memberState: "dead" };
    if (index === 42) return { node, state: "unreached", memberState: "left" };
    if (index % 1_000 === 43) return { node, state: "running" };
    const disk = index % 50 === 0 ? fail("disk", `/ is ${80 + index % 37} % full`) : pass("disk");
    const motd = index % 3 === 0
      ? fixed(fail("motd", "/etc/motd does not exist"), `written by pid ${index}\n`)
      : pass("motd");
    const agent = index > 4_000 ? fail("agent", "no process matches agent") : pass("agent");
    return done(node, [disk, motd, agent]);
  });
}

/** All cases by name. */
export const OUTPUT_CASES: Readonly<Record<string, OutputCase>> = {
  sent: { events: [{ type: "sent", batchId: BATCH_ID }], exitStatus: 0 },
  all_passed: batch([done("b", [pass("hosts"), pass("motd")]), done("a", [pass("hosts")])], {
    elapsedMs: 312.4,
  }),
  every_outcome: batch(everything(), { elapsedMs: 61_000 }),
  missing: batch([
    done("web-1", [pass("hosts")]),
    done("web-2", [fail("hosts", "/etc/hosts does not exist")]),
    { node: "db-1", state: "unreached", memberState: "dead" },
    { node: "db-2", state: "unreached", memberState: "left" },
    { node: "db-10", state: "pending" },
    { node: "db-9", state: "running" },
  ], { elapsedMs: 30_000 }),
  stopped: batch(stopped(), {
    elapsedMs: 9_000,
    state: {
      target: { tags: [{ key: "role", equal: true, value: "web" }], nodes: ["web-*"] },
      expiresAtMs: NOW_MS + 3_600_000,
      cancelled: false,
      rollout: { stage: 2, stages: 4, failures: 2, maxFailures: 1, stopped: true },
    },
  }),
  stage_waits: batch(stopped().slice(0, 2).concat({ node: "web-3", state: "running" }), {
    elapsedMs: 30_000,
    state: {
      target: {},
      expiresAtMs: 0,
      cancelled: false,
      rollout: { stage: 2, stages: 4, failures: 1, maxFailures: 1, stopped: false },
    },
  }),
  cancelled_midway: batch([
    done("web-1", [pass("hosts")]),
    done("web-2", [{
      ...fail("hosts", "/etc/hosts does not exist"),
      action: { end: { type: "aborted" }, output: "", droppedBytes: 0, durationMs: 1 },
    }]),
    { node: "web-3", state: "skipped", reason: "cancelled" },
    { node: "web-4", state: "skipped", reason: "cancelled" },
  ], { elapsedMs: 9_000, state: { target: {}, expiresAtMs: 0, cancelled: true } }),
  expired: batch([
    done("web-1", [pass("hosts")]),
    { node: "web-2", state: "skipped", reason: "expired" },
    { node: "web-3", state: "skipped", reason: "not_targeted" },
  ], { state: { target: {}, cancelled: false } }),
  cancelled: {
    events: [{ type: "cancelled", batchId: BATCH_ID, seeLater: SEE_LATER }],
    exitStatus: 0,
  },
  looked_up: batch([done("web-1", [pass("hosts")])]),
  nobody: batch([]),
  hostile: batch(hostile(), { elapsedMs: 5 }),
  fleet: batch(fleet(), { elapsedMs: 2_345 }),
  local: local([pass("hosts"), fail("motd", "/etc/motd does not exist")]),
  local_passed: local([pass("hosts")]),
  members: {
    events: [{
      type: "members",
      members: [
        {
          name: "a",
          address: { host: "10.0.0.1", port: 3505 },
          state: "alive",
          tags: { zone: "b", role: "web" },
          runsGossipcheck: true,
          self: true,
        },
        {
          name: "b",
          address: { host: "fd00::2", port: 3505 },
          state: "alive",
          tags: {},
          runsGossipcheck: true,
          degraded: "udp",
          self: false,
        },
        {
          name: "consul-1",
          address: { host: "10.0.0.9", port: 8301 },
          state: "suspect",
          tags: { "evil\x1b[31m": "x\ny" },
          runsGossipcheck: false,
          self: false,
        },
        {
          name: "d",
          address: { host: "10.0.0.4", port: 3505 },
          state: "failed",
          tags: {},
          runsGossipcheck: true,
          self: false,
        },
        {
          name: "e",
          address: { host: "10.0.0.5", port: 3505 },
          state: "left",
          tags: {},
          runsGossipcheck: true,
          self: false,
        },
      ],
    }],
    exitStatus: 0,
  },
  batches: {
    events: [{
      type: "batches",
      nowMs: NOW_MS,
      batches: [
        {
          batchId: BATCH_ID,
          issuedAtMs: NOW_MS - 4_200,
          origin: "a",
          summary: { type: "checks", names: ["hosts", "motd", "disk", "agent", "ntp"] },
          counts: { targeted: 5, answered: 3, unreached: 1, skipped: 0, notPassing: 2 },
          target: {},
          expiresAtMs: NOW_MS + 3_590_000,
          cancelled: false,
        },
        {
          batchId: "01JGFJJZ00000000000000000A",
          issuedAtMs: NOW_MS - 3 * 86_400_000,
          origin: "b",
          summary: { type: "checks", names: ["hosts"] },
          target: { nodes: ["web-*", "evil\x1b[31m"] },
          expiresAtMs: 0,
          cancelled: false,
        },
        {
          batchId: "01JGFJJZ00000000000000000B",
          issuedAtMs: NOW_MS + 60_000,
          origin: "a",
          summary: { type: "unreadable" },
          counts: { targeted: 1, answered: 1, unreached: 0, skipped: 0, notPassing: 0 },
          target: {},
          expiresAtMs: NOW_MS - 1,
          cancelled: false,
        },
        ...(["C", "D", "E", "F"] as const).map((letter, index) => ({
          batchId: `01JGFJJZ00000000000000000${letter}`,
          issuedAtMs: NOW_MS - 3_000_000,
          origin: "a",
          summary: { type: "checks" as const, names: ["hosts"] },
          counts: {
            targeted: 4,
            answered: 1,
            unreached: 0,
            skipped: 3 * (index % 2),
            notPassing: 1,
          },
          target: {
            tags: [
              { key: "role", equal: true, value: "web" },
              { key: "zone", equal: false, value: "b" },
            ],
            ...(index === 0 ? { nodes: ["web-*"] } : {}),
          },
          ...(index === 1 ? {} : { expiresAtMs: NOW_MS + 600_000 }),
          cancelled: index === 3,
          ...(index === 1 ? {} : {
            rollout: { stage: 1, stages: 4, failures: 1, maxFailures: index, stopped: index === 0 },
          }),
        })),
      ],
    }],
    exitStatus: 0,
  },
  other_batches: {
    events: [{
      type: "batches",
      nowMs: NOW_MS,
      batches:
        ([{ type: "keys", step: "install" }, { type: "keys" }, { type: "unreadable" }] as const)
          .map((summary, index) => ({
            batchId: `01JGFJJZ00000000000000000${index}`,
            issuedAtMs: NOW_MS - 4_200,
            origin: "a",
            summary,
            target: {},
            expiresAtMs: NOW_MS + 600_000,
            cancelled: false,
          })),
    }],
    exitStatus: 0,
  },
  no_batches: { events: [{ type: "batches", nowMs: NOW_MS, batches: [] }], exitStatus: 0 },
  signed: batch([done("web-1", [pass("hosts")])], {
    state: { target: {}, expiresAtMs: 0, cancelled: false, signer: "ada\x1b[31m" },
  }),
  cluster_key: keyMade({ file: undefined, text: "c2VjcmV0\n", fingerprint: "0123456789abcdef" }),
  cluster_key_file: keyMade({ file: "k\t", text: "c2VjcmV0\n", fingerprint: "0123456789abcdef" }),
  signing_key: keyMade({ file: undefined, text: "-----BEGIN\nEND-----\n", trusted: "ada ssh x" }),
  signing_key_file: keyMade({ file: "k", text: "-----BEGIN\nEND-----\n", trusted: "ada ssh x" }),
  good_file: validated([], ["hosts", "motd"]),
  bad_file: validated([
    { line: 1, column: 20, check: "hosts", field: "type", message: "is unknown: \x1b[31m" },
    { message: "the file holds no check" },
  ], []),
};
