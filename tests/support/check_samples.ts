/**
 * Checks and results, for round trips, truncation and mutation. An outcome or an end without a
 * sample does not compile.
 * @module
 */
import type { ActionEnd, Check, CheckResult, Outcome } from "../../lib/checks/check.ts";

/** Checks, one of them of a type and with fields that this version does not know. */
export const CHECKS: readonly Check[] = [
  {
    name: "resolv",
    type: "file_contains",
    fields: { path: "/etc/resolv.conf", check: "8.8.8.8" },
    action: "echo é",
    actionTimeoutMs: 300_000,
  },
  {
    name: "later",
    type: "not_known_here",
    fields: { ports: [80, 443], tls: { verify: true, ca: null }, ratio: 0.5 },
    actionTimeoutMs: 1,
  },
];

const OUTCOMES: { readonly [S in Outcome["status"]]: Outcome & { status: S } } = {
  pass: { status: "pass" },
  fail: { status: "fail", reason: "no" },
  error: { status: "error", reason: "cannot tell" },
  skipped: { status: "skipped", reason: "cancelled" },
};

const ENDS: { readonly [T in ActionEnd["type"]]: ActionEnd & { type: T } } = {
  exited: { type: "exited", code: 3 },
  signaled: { type: "signaled", signal: "SIGKILL" },
  timed_out: { type: "timed_out" },
  aborted: { type: "aborted" },
  interrupted: { type: "interrupted" },
  refused: { type: "refused", reason: "policy" },
};

/** A result with each outcome and each end of an action. */
export const RESULTS: readonly CheckResult[] = [
  ...Object.values(OUTCOMES).map((outcome) => ({ check: outcome.status, outcome, durationMs: 5 })),
  ...Object.values(ENDS).map((end) => ({
    check: end.type,
    outcome: OUTCOMES.fail,
    durationMs: 0,
    action: { end, output: "out\n", droppedBytes: 7, durationMs: 12 },
  })),
];
