/**
 * Sample checks, results, key operations, bodies and reports, for tests of round trips, truncation
 * and mutation. A variant without a sample does not compile.
 * @module
 */
import type { BatchBody } from "../../lib/batch/body.ts";
import type { ActionEnd, Check, CheckResult, Outcome } from "../../lib/batch/check.ts";
import type { KeyOperation } from "../../lib/batch/key_operation.ts";
import type { Report } from "../../lib/batch/report.ts";

/** Checks; one has a type and fields that this version does not know. */
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

/** Action results by type. */
export const ENDS: { readonly [T in ActionEnd["type"]]: ActionEnd & { type: T } } = {
  exited: { type: "exited", code: 3 },
  signaled: { type: "signaled", signal: "SIGKILL" },
  timed_out: { type: "timed_out" },
  aborted: { type: "aborted" },
  interrupted: { type: "interrupted" },
  refused: { type: "refused", reason: "policy" },
};

/** Results: one for each outcome and each action result. */
export const RESULTS: readonly CheckResult[] = [
  ...Object.values(OUTCOMES).map((outcome) => ({ check: outcome.status, outcome, durationMs: 5 })),
  ...Object.values(ENDS).map((end) => ({
    check: end.type,
    outcome: OUTCOMES.fail,
    durationMs: 0,
    action: { end, output: "out\n", droppedBytes: 7, durationMs: 12 },
  })),
];

export const FINGERPRINT = "0123456789abcdef";

/** Key operations by type. */
export const KEY_OPERATIONS: { readonly [T in KeyOperation["type"]]: KeyOperation & { type: T } } =
  {
    install: { type: "install", key: new Uint8Array(24).fill(9) },
    use: { type: "use", fingerprint: FINGERPRINT },
    remove: { type: "remove", fingerprint: FINGERPRINT },
    list: { type: "list" },
  };

/** Bodies by type. */
export const BODIES: { readonly [T in BatchBody["type"]]: readonly (BatchBody & { type: T })[] } = {
  checks: [
    { type: "checks", checks: CHECKS },
    ...CHECKS.map((check) => ({ type: "checks" as const, checks: [check] })),
  ],
  keys: Object.values(KEY_OPERATIONS).map((operation) => ({ type: "keys", operation })),
};

/** Reports by type. */
export const REPORTS: { readonly [T in Report["type"]]: readonly (Report & { type: T })[] } = {
  checks: [
    { type: "checks", results: [] },
    { type: "checks", results: RESULTS },
    ...RESULTS.map((result) => ({ type: "checks" as const, results: [result] })),
  ],
  keys: [
    ...Object.values(OUTCOMES).map((outcome) => ({ type: "keys" as const, outcome })),
    {
      type: "keys",
      outcome: OUTCOMES.pass,
      listing: { primary: FINGERPRINT, held: [FINGERPRINT, "f".repeat(16)] },
    },
  ],
  batch: Object.values(OUTCOMES).map((outcome) => ({ type: "batch", outcome })),
};
