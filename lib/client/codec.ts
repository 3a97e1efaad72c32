/**
 * Handshakes, requests and replies as bytes. Encoding is the std encoder's; decoding is bounded by
 * `scanValue` and then checked field by field, so what comes out is what the types say.
 * @module
 */
import { encode, type ValueType } from "@std/msgpack";
import type {
  ActionEnd,
  ActionResult,
  Check,
  CheckResult,
  FieldValue,
  Outcome,
} from "../checks/check.ts";
import type { RolloutStanding } from "../gossip/stages.ts";
import type { Amount, SkipReason, TagCondition, Target } from "../gossip/types.ts";
import type { Address } from "../runtime.ts";
import type { KeyOperation } from "../batch/key_operation.ts";
import type { NodeState } from "../wire/messages.ts";
import { isFingerprint, KEY_SIZES } from "../encryption_key.ts";
import { WireError } from "../errors.ts";
import {
  BATCH_EXPIRES_MAX_MS,
  META_MAX_BYTES,
  NAME_MAX_BYTES,
  ROLLOUT_MAX_FAILURES_MAX,
  SIGNATURE_MAX_BYTES,
  TARGET_MAX_CONDITIONS,
  TARGET_MAX_NODES,
} from "../limits.ts";
import { decode } from "../std/msgpack_decode.ts";
import { scanValue } from "../msgpack_scanner.ts";
import {
  type BatchLine,
  type BatchState,
  type Handshake,
  type MemberLine,
  type NodeProgress,
  type Reply,
  REPLY_ERROR_CODES,
  type Request,
  type SignedPart,
  TOKEN_PATH_MAX_BYTES,
} from "./protocol.ts";
import {
  atMost,
  bytes,
  bytesUpTo,
  count,
  dictionary,
  type Fields,
  list,
  number,
  oneOf,
  optional,
  record,
  type Shape,
  tagged,
  text,
  textOf,
  truth,
  within,
} from "./shape.ts";

/** The latest time that a batch's id can hold. */
const ISSUE_TIME_MAX_MS = 2 ** 48 - 1;

/** A message's bytes, without their length in front. */
export function encodeClientMessage(
  message: Handshake | Request | Reply,
): Uint8Array<ArrayBuffer> {
  return encode(plain(message) as ValueType);
}

/** Raises `WireError`; nothing of a bad message comes out. */
export function decodeHandshake(payload: Uint8Array): Handshake {
  return HANDSHAKE(unpack(payload), "handshake");
}

/** Raises `WireError`; nothing of a bad message comes out. */
export function decodeRequest(payload: Uint8Array): Request {
  return REQUEST(unpack(payload), "request");
}

/** Raises `WireError`; nothing of a bad message comes out. */
export function decodeReply(payload: Uint8Array): Reply {
  // From a daemon that has proven itself; a fleet has more members than a stranger may name values.
  return REPLY(unpack(payload, { maxValues: Infinity }), "reply");
}

function unpack(payload: Uint8Array, bounds: { maxValues?: number } = {}): unknown {
  const length = scanValue({ bytes: payload, start: 0, end: payload.length }, bounds);
  if (length !== payload.length) {
    throw new WireError("malformed", `${payload.length - length} bytes follow a message's end`);
  }
  try {
    return decode(payload);
  } catch {
    throw new WireError("malformed", "a message is not MessagePack that can be read");
  }
}

/**
 * The std encoder refuses properties that are undefined; they mean the same as absent ones. The
 * decoder refuses the key `__proto__`, which a foreign member's tags may hold: it is not told.
 */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, entry]) => entry !== undefined && key !== "__proto__")
      .map(([key, entry]) => [key, plain(entry)]),
  );
}

const HANDSHAKE: Shape<Handshake> = tagged<Handshake, "type">("type", {
  hello: {
    protocol: text,
    version: count,
    nonce: bytes,
    node: optional(textOf({ least: 1, most: NAME_MAX_BYTES })),
    proof: optional(bytes),
    tokenFile: optional(textOf({ least: 1, most: TOKEN_PATH_MAX_BYTES })),
  },
  proof: { proof: optional(bytes) },
  welcome: {},
  refused: { code: oneOf(["version", "unauthorised"]) },
});

/** Any value: what a check type makes of it is not decided here, and the walk has bounded it. */
const FIELD_VALUE: Shape<FieldValue> = (value, at) => {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string") return text(value, at);
  if (Array.isArray(value)) return list(FIELD_VALUE)(value, at);
  return typeof value === "object" ? dictionary(FIELD_VALUE)(value, at) : number(value, at);
};

const CHECK: Shape<Check> = record<Check>({
  name: text,
  type: text,
  fields: dictionary(FIELD_VALUE),
  action: optional(text),
  actionTimeoutMs: count,
});

// Held to what other nodes take, or they would drop the batch without a word.
const TARGET: Shape<Target> = record<Target>({
  tags: optional(atMost(
    TARGET_MAX_CONDITIONS,
    list(record<TagCondition>({
      key: textOf({ least: 1, most: META_MAX_BYTES }),
      equal: truth,
      value: textOf({ least: 0, most: META_MAX_BYTES }),
    })),
  )),
  nodes: optional(atMost(TARGET_MAX_NODES, list(textOf({ least: 1, most: NAME_MAX_BYTES })))),
});

const keyBytes: Shape<Uint8Array> = (value, at) => {
  const key = bytes(value, at);
  if (KEY_SIZES.includes(key.length)) return key;
  throw new WireError("malformed", `${at} must be a key of 16, 24 or 32 bytes`);
};

const fingerprint: Shape<string> = (value, at) => {
  const name = text(value, at);
  if (isFingerprint(name)) return name;
  throw new WireError("malformed", `${at} must be a fingerprint of 16 hex digits`);
};

const AMOUNT: Shape<Amount> = tagged<Amount, "type">("type", {
  count: { count: within({ least: 1, most: Number.MAX_SAFE_INTEGER }, count) },
  percent: { percent: within({ least: Number.MIN_VALUE, most: 100 }, number) },
});

const SIGNED: Shape<SignedPart> = record<SignedPart>({
  id: textOf({ least: 26, most: 26 }),
  issuedAtMs: within({ least: 0, most: ISSUE_TIME_MAX_MS }, count),
  signature: bytesUpTo(SIGNATURE_MAX_BYTES),
});

const REQUEST: Shape<Request> = tagged<Request, "type">("type", {
  check: {
    checks: list(CHECK),
    target: TARGET,
    limit: optional(AMOUNT),
    rollout: optional(record<NonNullable<(Request & { type: "check" })["rollout"]>>({
      size: AMOUNT,
      maxFailures: within({ least: 0, most: ROLLOUT_MAX_FAILURES_MAX }, count),
    })),
    expiresInMs: within({ least: 0, most: BATCH_EXPIRES_MAX_MS }, count),
    signed: optional(SIGNED),
    wait: truth,
  },
  keys: {
    operation: tagged<KeyOperation, "type">("type", {
      install: { key: keyBytes },
      use: { fingerprint },
      remove: { fingerprint },
      list: {},
    }),
    signed: optional(SIGNED),
  },
  members: {},
  batches: {},
  results: { batchId: text },
  cancel: { batchId: text },
});

const OUTCOME: Shape<Outcome> = tagged<Outcome, "status">("status", {
  pass: {},
  fail: { reason: text },
  error: { reason: text },
  skipped: { reason: text },
});

const ACTION_END: Shape<ActionEnd> = tagged<ActionEnd, "type">("type", {
  exited: { code: count },
  signaled: { signal: text },
  timed_out: {},
  aborted: {},
  interrupted: {},
  refused: { reason: text },
});

const ACTION: Shape<ActionResult> = record<ActionResult>({
  end: ACTION_END,
  output: text,
  droppedBytes: count,
  durationMs: number,
});

const RESULT: Shape<CheckResult> = record<CheckResult>({
  check: text,
  outcome: OUTCOME,
  durationMs: number,
  action: optional(ACTION),
});

// Spelled out here because only types come from the wire room; the compiler holds it complete.
const NODE_STATES: Readonly<Record<NodeState, true>> = {
  alive: true,
  suspect: true,
  dead: true,
  left: true,
};

const SKIP_REASONS: Readonly<Record<SkipReason, true>> = {
  rollout_stopped: true,
  cancelled: true,
  expired: true,
  not_targeted: true,
};

const PROGRESS: Shape<NodeProgress> = tagged<NodeProgress, "state">("state", {
  pending: { node: text },
  running: { node: text },
  done: { node: text, results: list(RESULT) },
  unreached: { node: text, memberState: oneOf(Object.keys(NODE_STATES) as NodeState[]) },
  skipped: { node: text, reason: oneOf(Object.keys(SKIP_REASONS) as SkipReason[]) },
});

const MEMBER: Shape<MemberLine> = record<MemberLine>({
  name: text,
  address: record<Address>({ host: text, port: count }),
  state: oneOf(["alive", "suspect", "left", "failed"]),
  tags: dictionary(text),
  runsGossipcheck: truth,
  degraded: optional(oneOf(["udp", "tcp"])),
  self: truth,
});

const STATE_FIELDS: Fields<BatchState> = {
  target: TARGET,
  expiresAtMs: optional(count),
  cancelled: truth,
  signer: optional(text),
  rollout: optional(record<RolloutStanding>({
    stage: count,
    stages: count,
    failures: count,
    maxFailures: count,
    stopped: truth,
  })),
};

const BATCH: Shape<BatchLine> = record<BatchLine>({
  ...STATE_FIELDS,
  batchId: text,
  issuedAtMs: count,
  origin: text,
  checks: list(text),
  counts: optional(
    record<NonNullable<BatchLine["counts"]>>({
      targeted: count,
      answered: count,
      unreached: count,
      skipped: count,
      notPassing: count,
    }),
  ),
});

const REPLY: Shape<Reply> = tagged<Reply, "type">("type", {
  accepted: { batchId: text, nodes: list(text) },
  progress: { progress: PROGRESS },
  state: { state: record<BatchState>(STATE_FIELDS) },
  settled: {},
  members: { members: list(MEMBER) },
  batches: { batches: list(BATCH) },
  done: {},
  error: { code: oneOf(REPLY_ERROR_CODES), message: text },
});
