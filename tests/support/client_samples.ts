/**
 * Samples of every message of the client protocol. A variant without a sample does not compile.
 * @module
 */
import type { Amount } from "../../lib/batch/amount.ts";
import { encodeBatchContent } from "../../lib/batch/batch.ts";
import { type BodySummary, encodeBody } from "../../lib/batch/body.ts";
import type { Order } from "../../lib/batch/order.ts";
import type { SkipReason } from "../../lib/batch/progress.ts";
import { encodeReport, reportPassed } from "../../lib/batch/report.ts";
import type { Handshake, NodeProgress, Reply, Request } from "../../lib/client/protocol.ts";
import { REPLY_ERROR_CODES } from "../../lib/client/protocol.ts";
import type { NodeState } from "../../lib/wire/messages.ts";
import { BODIES, REPORTS } from "./check_samples.ts";

const NONCE = new Uint8Array(32).fill(7);
const ID = "01JGFJJZ00ABCDEFGHJKMNPQRS";
const OTHER_ID = "7ZZZZZZZZZZZZZZZZZZZZZZZZZ";

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

const TARGET = { tags: [{ key: "role", equal: false, value: "db" }], nodes: ["web-*"] };

/** Orders by type: one of each body, and a signed one. */
const ORDERS: { readonly [T in Order["type"]]: readonly (Order & { type: T })[] } = {
  unsigned: Object.values(BODIES).flat().map((body) => ({
    type: "unsigned",
    body: encodeBody(body),
    target: body.type === "keys" ? {} : TARGET,
    expiresInMs: body.type === "keys" ? 0 : 5_000_000_000,
  })),
  signed: [{
    type: "signed",
    content: encodeBatchContent({
      id: ID,
      originName: "größe",
      issuedAtMs: 1_735_689_600_000,
      expiresAtMs: 0,
      target: {},
      held: true,
      body: encodeBody({ type: "checks", checks: BODIES.checks[0]!.checks }),
    }),
    signature: new Uint8Array(96).fill(5),
  }],
};

const AMOUNTS: { readonly [T in Amount["type"]]: Amount & { type: T } } = {
  count: { type: "count", count: 3 },
  percent: { type: "percent", percent: 12.5 },
};

/** Requests by type. */
export const REQUESTS: {
  readonly [T in Request["type"]]: readonly (Request & { type: T })[];
} = {
  check: [
    ...Object.values(ORDERS).flat().map((order) => ({
      type: "check" as const,
      order,
      wait: order.type === "unsigned",
    })),
    ...Object.values(AMOUNTS).flatMap((amount) =>
      ORDERS.signed.map((order) => ({
        type: "check" as const,
        order,
        limit: amount,
        rollout: { size: amount, maxFailures: 2 },
        wait: false,
      }))
    ),
  ],
  members: [{ type: "members" }],
  batches: [{ type: "batches" }],
  results: [{ type: "results", batchId: ID }],
  cancel: [{ type: "cancel", batchId: OTHER_ID }],
};

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
  done: Object.values(REPORTS).flat().map((report) => ({
    node: "a",
    state: "done",
    passed: reportPassed(report),
    report: encodeReport(report),
  })),
  unreached: Object.values(STATES),
  skipped: Object.values(SKIPS),
};

const SUMMARIES: { readonly [T in BodySummary["type"]]: readonly (BodySummary & { type: T })[] } = {
  checks: [{ type: "checks", names: [] }, { type: "checks", names: ["motd", "größe"] }],
  keys: [
    { type: "keys" },
    ...(["install", "use", "remove", "list"] as const).map((step) => ({
      type: "keys" as const,
      step,
    })),
  ],
  unreadable: [{ type: "unreadable" }],
};

/** Replies by type. */
export const REPLIES: { readonly [T in Reply["type"]]: readonly (Reply & { type: T })[] } = {
  accepted: [{ type: "accepted", batchId: ID, nodes: ["a", "b"] }],
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
        batchId: ID,
        issuedAtMs: 1_735_689_600_000,
        origin: "a",
        summary: { type: "checks", names: ["motd"] },
        counts: { targeted: 3, answered: 1, unreached: 1, skipped: 0, notPassing: 1 },
        target: { tags: [{ key: "role", equal: true, value: "" }] },
        expiresAtMs: 0,
        cancelled: false,
      },
      ...Object.values(SUMMARIES).flat().map((summary) => ({
        ...{ batchId: OTHER_ID, issuedAtMs: 0, origin: "b", summary },
        ...{ target: {}, cancelled: true },
      })),
    ],
  }],
  done: [{ type: "done" }],
  error: REPLY_ERROR_CODES.map((code) => ({ type: "error", code, message: "why" })),
};
