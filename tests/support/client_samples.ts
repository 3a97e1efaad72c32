/**
 * One or more of every message of the client protocol. A new variant without a sample does not
 * compile.
 * @module
 */
import type { ActionEnd, CheckResult, Outcome } from "../../lib/checks/check.ts";
import type { Handshake, NodeProgress, Reply, Request } from "../../lib/client/protocol.ts";
import type { SkipReason } from "../../lib/gossip/types.ts";
import { REPLY_ERROR_CODES } from "../../lib/client/protocol.ts";
import type { NodeState } from "../../lib/wire/messages.ts";

const NONCE = new Uint8Array(32).fill(7);

/** Handshakes by type. */
export const HANDSHAKES: Readonly<Record<Handshake["type"], readonly Handshake[]>> = {
  hello: [
    { type: "hello", protocol: "gossipcheck-client", version: 1, nonce: NONCE },
    { type: "hello", protocol: "x", version: 2, nonce: NONCE, proof: new Uint8Array([1, 2]) },
    {
      type: "hello",
      protocol: "gossipcheck-client",
      version: 2,
      nonce: NONCE,
      node: "n".repeat(255),
      proof: new Uint8Array(32),
      tokenFile: `/${"x".repeat(511)}`,
    },
  ],
  proof: [{ type: "proof" }, { type: "proof", proof: new Uint8Array(32) }],
  welcome: [{ type: "welcome" }],
  refused: [{ type: "refused", code: "version" }, { type: "refused", code: "unauthorised" }],
};

/** Requests by type. */
export const REQUESTS: Readonly<Record<Request["type"], readonly Request[]>> = {
  check: [
    {
      type: "check",
      checks: [
        {
          name: "motd",
          type: "file_contains",
          fields: { path: "/etc/motd", check: "größe", depth: 3, deep: { list: [true, null] } },
          action: "echo > /etc/motd",
          actionTimeoutMs: 300_000,
        },
        { name: "plain", type: "file_exists", fields: {}, actionTimeoutMs: 1 },
      ],
      target: { tags: [{ key: "role", equal: false, value: "db" }], nodes: ["web-*"] },
      expiresInMs: 5_000_000_000,
      wait: true,
    },
    {
      type: "check",
      checks: [],
      target: {},
      signed: {
        id: "01JGFJJZ00ABCDEFGHJKMNPQRS",
        issuedAtMs: 1_735_689_600_000,
        signature: new Uint8Array(96).fill(5),
      },
      limit: { type: "percent", percent: 12.5 },
      rollout: { size: { type: "count", count: 3 }, maxFailures: 2 },
      expiresInMs: 0,
      wait: false,
    },
  ],
  keys: [
    { type: "keys", operation: { type: "install", key: new Uint8Array(24).fill(3) } },
    { type: "keys", operation: { type: "use", fingerprint: "0123456789abcdef" } },
    { type: "keys", operation: { type: "remove", fingerprint: "0123456789abcdef" } },
    { type: "keys", operation: { type: "list" } },
  ],
  members: [{ type: "members" }],
  batches: [{ type: "batches" }],
  results: [{ type: "results", batchId: "01J" }],
  cancel: [{ type: "cancel", batchId: "01J" }],
};

const OUTCOMES: Readonly<Record<Outcome["status"], Outcome>> = {
  pass: { status: "pass" },
  fail: { status: "fail", reason: "is not there" },
  error: { status: "error", reason: "permission denied" },
  skipped: { status: "skipped", reason: "cancelled" },
};

const ENDS: Readonly<Record<ActionEnd["type"], ActionEnd>> = {
  exited: { type: "exited", code: 3 },
  signaled: { type: "signaled", signal: "SIGKILL" },
  timed_out: { type: "timed_out" },
  aborted: { type: "aborted" },
  interrupted: { type: "interrupted" },
  refused: { type: "refused", reason: "not allowed" },
};

const RESULTS: readonly CheckResult[] = [
  ...Object.values(OUTCOMES).map((outcome, index) => ({
    check: `outcome-${index}`,
    outcome,
    durationMs: index + 0.5,
  })),
  ...Object.values(ENDS).map((end, index) => ({
    check: `end-${index}`,
    outcome: OUTCOMES.fail,
    durationMs: index,
    action: { end, output: "out\n", droppedBytes: index, durationMs: 12.25 },
  })),
];

const STATES: Readonly<Record<NodeState, NodeProgress>> = {
  alive: { node: "a", state: "unreached", memberState: "alive" },
  suspect: { node: "a", state: "unreached", memberState: "suspect" },
  dead: { node: "a", state: "unreached", memberState: "dead" },
  left: { node: "a", state: "unreached", memberState: "left" },
};

const SKIPS: Readonly<Record<SkipReason, NodeProgress>> = {
  rollout_stopped: { node: "a", state: "skipped", reason: "rollout_stopped" },
  cancelled: { node: "a", state: "skipped", reason: "cancelled" },
  expired: { node: "a", state: "skipped", reason: "expired" },
  not_targeted: { node: "a", state: "skipped", reason: "not_targeted" },
};

const PROGRESS: Readonly<Record<NodeProgress["state"], readonly NodeProgress[]>> = {
  pending: [{ node: "a", state: "pending" }],
  running: [{ node: "a", state: "running" }],
  done: [{ node: "a", state: "done", results: RESULTS }],
  unreached: Object.values(STATES),
  skipped: Object.values(SKIPS),
};

/** Replies by type. */
export const REPLIES: Readonly<Record<Reply["type"], readonly Reply[]>> = {
  accepted: [{ type: "accepted", batchId: "01J", nodes: ["a", "b"] }],
  progress: Object.values(PROGRESS).flat().map((progress) => ({ type: "progress", progress })),
  state: [
    { type: "state", state: { target: {}, cancelled: true } },
    {
      type: "state",
      state: {
        target: { nodes: ["a"] },
        expiresAtMs: 1_735_689_600_000,
        cancelled: false,
        signer: "ada",
        rollout: { stage: 1, stages: 3, failures: 1, maxFailures: 0, stopped: true },
      },
    },
  ],
  settled: [{ type: "settled" }],
  members: [{
    type: "members",
    members: [
      {
        name: "a",
        address: { host: "::1", port: 3505 },
        state: "alive",
        tags: { role: "web" },
        runsGossipcheck: true,
        degraded: "udp",
        self: true,
      },
      {
        name: "b",
        address: { host: "10.0.0.1", port: 7946 },
        state: "failed",
        tags: {},
        runsGossipcheck: false,
        self: false,
      },
    ],
  }],
  batches: [{
    type: "batches",
    batches: [
      {
        batchId: "01J",
        issuedAtMs: 1_735_689_600_000,
        origin: "a",
        checks: ["motd"],
        counts: { targeted: 3, answered: 1, unreached: 1, skipped: 0, notPassing: 1 },
        target: { tags: [{ key: "role", equal: true, value: "" }] },
        expiresAtMs: 0,
        cancelled: false,
      },
      { batchId: "01K", issuedAtMs: 0, origin: "b", checks: [], target: {}, cancelled: true },
    ],
  }],
  done: [{ type: "done" }],
  error: REPLY_ERROR_CODES.map((code) => ({ type: "error", code, message: "why" })),
};
