/**
 * Handshakes, requests and replies as bytes. Ids, names and targets are validated here; the bodies
 * and reports of batches pass through as the bytes that they are.
 * @module
 */
import { AMOUNT, type Amount } from "../batch/amount.ts";
import type { BodySummary } from "../batch/body.ts";
import { BATCH_ID_TEXT } from "../batch/id.ts";
import { ORDER } from "../batch/order.ts";
import {
  MEMBER_STATES,
  type RolloutOptions,
  type RolloutStanding,
  SKIP_REASONS,
} from "../batch/progress.ts";
import { TARGET } from "../batch/target.ts";
import {
  CHECK_NAME_MAX_BYTES,
  CLIENT_HANDSHAKE_MAX_BYTES,
  META_MAX_BYTES,
  NAME_MAX_BYTES,
  REPORT_BODY_MAX_BYTES,
  ROLLOUT_MAX_FAILURES_MAX,
} from "../limits.ts";
import {
  boolean,
  bytes,
  type Codec,
  count,
  decodeMessage,
  dictionary,
  encodeMessage,
  type Fields,
  list,
  oneOf,
  optional,
  record,
  tagged,
  text,
} from "../msgpack_codec.ts";
import type { Address } from "../runtime.ts";
import {
  type BatchLine,
  type BatchState,
  type Handshake,
  type MemberLine,
  type NodeProgress,
  type Reply,
  REPLY_ERROR_CODES,
  type Request,
  TOKEN_PATH_MAX_BYTES,
} from "./protocol.ts";

const nodeName = text({ min: 1, max: NAME_MAX_BYTES });
/** Texts that a daemon sends for people. */
const freeText = text({ max: 64 * 1024 });

/** An end of another release may differ in all but the names and types of these fields. */
const HANDSHAKE: Codec<Handshake> = tagged<Handshake, "type">("type", {
  hello: {
    protocol: text({ max: CLIENT_HANDSHAKE_MAX_BYTES }),
    version: count(),
    nonce: bytes({ max: CLIENT_HANDSHAKE_MAX_BYTES }),
    node: optional(nodeName),
    proof: optional(bytes({ max: CLIENT_HANDSHAKE_MAX_BYTES })),
    tokenFile: optional(text({ min: 1, max: TOKEN_PATH_MAX_BYTES })),
  },
  proof: { proof: optional(bytes({ max: CLIENT_HANDSHAKE_MAX_BYTES })) },
  welcome: {},
  refused: { code: oneOf(["version", "unauthorised"]) },
});

const REQUEST: Codec<Request> = tagged<Request, "type">("type", {
  check: {
    order: ORDER,
    limit: optional<Amount>(AMOUNT),
    rollout: optional(record<RolloutOptions>({
      size: AMOUNT,
      maxFailures: count(ROLLOUT_MAX_FAILURES_MAX),
    })),
    wait: boolean,
  },
  members: {},
  batches: {},
  results: { batchId: BATCH_ID_TEXT },
  cancel: { batchId: BATCH_ID_TEXT },
});

const PROGRESS: Codec<NodeProgress> = tagged<NodeProgress, "state">("state", {
  pending: { node: nodeName },
  running: { node: nodeName },
  done: { node: nodeName, passed: boolean, report: bytes({ max: REPORT_BODY_MAX_BYTES }) },
  unreached: { node: nodeName, memberState: oneOf(MEMBER_STATES) },
  skipped: { node: nodeName, reason: oneOf(SKIP_REASONS) },
});

const MEMBER: Codec<MemberLine> = record<MemberLine>({
  name: nodeName,
  address: record<Address>({ host: freeText, port: count() }),
  state: oneOf(["alive", "suspect", "left", "failed"]),
  tags: dictionary(text({ max: META_MAX_BYTES })),
  runsGossipcheck: boolean,
  degraded: optional(oneOf(["udp", "tcp"])),
  self: boolean,
});

const STATE_FIELDS: Fields<BatchState> = {
  target: TARGET,
  expiresAtMs: optional(count()),
  cancelled: boolean,
  signer: optional(freeText),
  rollout: optional(record<RolloutStanding>({
    stage: count(),
    stages: count(),
    failures: count(),
    maxFailures: count(),
    stopped: boolean,
  })),
};

const SUMMARY: Codec<BodySummary> = tagged<BodySummary, "type">("type", {
  checks: { names: list(text({ min: 1, max: CHECK_NAME_MAX_BYTES })) },
  keys: { step: optional(oneOf(["install", "use", "remove", "list"])) },
  unreadable: {},
});

const BATCH_LINE: Codec<BatchLine> = record<BatchLine>({
  ...STATE_FIELDS,
  batchId: BATCH_ID_TEXT,
  issuedAtMs: count(),
  origin: nodeName,
  summary: SUMMARY,
  counts: optional(record<NonNullable<BatchLine["counts"]>>({
    targeted: count(),
    answered: count(),
    unreached: count(),
    skipped: count(),
    notPassing: count(),
  })),
});

const REPLY: Codec<Reply> = tagged<Reply, "type">("type", {
  accepted: { batchId: BATCH_ID_TEXT, nodes: list(nodeName) },
  progress: { progress: PROGRESS },
  state: { state: record<BatchState>(STATE_FIELDS) },
  settled: {},
  members: { members: list(MEMBER) },
  batches: { batches: list(BATCH_LINE) },
  done: {},
  error: { code: oneOf(REPLY_ERROR_CODES), message: freeText },
});

/** A handshake message's bytes, without their length in front. */
export function encodeHandshake(message: Handshake): Uint8Array<ArrayBuffer> {
  return encodeMessage(HANDSHAKE, message);
}

/** Reads a handshake message. Raises `WireError`. */
export function decodeHandshake(payload: Uint8Array): Handshake {
  return decodeMessage(payload, { codec: HANDSHAKE, what: "a handshake" });
}

/** A request's bytes, without their length in front. */
export function encodeRequest(request: Request): Uint8Array<ArrayBuffer> {
  return encodeMessage(REQUEST, request);
}

/** Reads a request. Raises `WireError`. */
export function decodeRequest(payload: Uint8Array): Request {
  return decodeMessage(payload, { codec: REQUEST, what: "the request" });
}

/** A reply's bytes, without their length in front. */
export function encodeReply(reply: Reply): Uint8Array<ArrayBuffer> {
  return encodeMessage(REPLY, reply);
}

/**
 * Reads a reply. It comes from a daemon that has proven itself, and a fleet has more members than a
 * stranger may send values, so their number is not bounded. Raises `WireError`.
 */
export function decodeReply(payload: Uint8Array): Reply {
  return decodeMessage(payload, { codec: REPLY, what: "the reply", maxValues: Infinity });
}
