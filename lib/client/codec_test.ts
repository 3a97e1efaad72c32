import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { concat } from "@std/bytes";
import { encode, type ValueType } from "@std/msgpack";
import { HANDSHAKES, REPLIES, REQUESTS } from "../../tests/support/client_samples.ts";
import { type DropReason, WireError } from "../errors.ts";
import {
  BATCH_BODY_MAX_BYTES,
  BATCH_CONTENT_MAX_BYTES,
  BATCH_EXPIRES_MAX_MS,
  MESSAGE_MAX_VALUES,
  REPORT_BODY_MAX_BYTES,
  ROLLOUT_MAX_FAILURES_MAX,
} from "../limits.ts";
import {
  decodeHandshake,
  decodeReply,
  decodeRequest,
  encodeHandshake,
  encodeReply,
  encodeRequest,
} from "./codec.ts";

/** Messages of one kind, and how they are read. */
interface Kind {
  readonly samples: readonly unknown[];
  /** The samples' bytes, in the same order. */
  readonly encoded: readonly Uint8Array[];
  decode(payload: Uint8Array): unknown;
}

function kind<T>(
  samples: Readonly<Record<string, readonly T[]>>,
  codec: { encode(message: T): Uint8Array; decode(payload: Uint8Array): T },
): Kind {
  const all = Object.values(samples).flat();
  return { samples: all, encoded: all.map(codec.encode), decode: codec.decode };
}

const KINDS: readonly Kind[] = [
  kind(HANDSHAKES, { encode: encodeHandshake, decode: decodeHandshake }),
  kind(REQUESTS, { encode: encodeRequest, decode: decodeRequest }),
  kind(REPLIES, { encode: encodeReply, decode: decodeReply }),
];

Deno.test("every message survives its encoding", () => {
  for (const { samples, encoded, decode } of KINDS) {
    assertEquals(encoded.map((bytes) => decode(bytes)), [...samples]);
  }
});

Deno.test("no truncation of a message is taken for a message", () => {
  for (const { encoded, decode } of KINDS) {
    for (const bytes of encoded) {
      for (let length = 0; length < bytes.length; length++) {
        assertThrows(() => decode(bytes.subarray(0, length)), WireError);
      }
    }
  }
});

Deno.test("mutated bytes raise WireError or give a well-typed message, nothing else", () => {
  let seed = 1;
  const next = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor(seed / 65_536) % below;
  };
  for (const { encoded, decode } of KINDS) {
    for (const bytes of encoded) {
      for (let round = 0; round < 200; round++) {
        const mutated = bytes.slice();
        for (let flips = 0; flips < 1 + next(3); flips++) {
          mutated[next(mutated.length)] = next(256);
        }
        try {
          decode(mutated);
        } catch (error) {
          assertInstanceOf(error, WireError);
        }
      }
    }
  }
});

const ID = "01JGFJJZ00ABCDEFGHJKMNPQRS";
const ORDER = { type: "unsigned", body: new Uint8Array(3), target: {}, expiresInMs: 0 };
const SIGNED = { type: "signed", content: new Uint8Array(3), signature: new Uint8Array(96) };
const CHECK = { type: "check", order: ORDER, wait: true };
const SIZE = { type: "count", count: 1 };
const TAG = { key: "role", equal: true, value: "web" };
const LARGE = "too_large";

/** Requests as they may arrive, what is wrong with each, and the reason if it is not the usual one. */
const BAD_REQUESTS: readonly (readonly [unknown, string, DropReason?])[] = [
  [{ type: "reboot" }, ".type must be one of check, members, batches, results, cancel"],
  [{ type: "keys", operation: { type: "list" } }, ".type must be one of"],
  [{ type: "constructor" }, ".type must be one of"],
  [{ type: "__proto__" }, ".type must be one of"],
  [{ type: null }, ".type must be one of"],
  [{}, ".type must be one of"],
  [[1], " must be a map"],
  ["members", " must be a map"],
  [null, " must be a map"],
  [{ type: "results" }, ".batchId must be text in UTF-8"],
  [{ type: "results", batchId: 4 }, ".batchId must be text in UTF-8"],
  ...["results", "cancel"].flatMap((type) =>
    ["", "foo", ID.slice(1), `${ID}0`, ID.toLowerCase(), `8${ID.slice(1)}`, `${ID.slice(1)}U`]
      .map((batchId) =>
        [{ type, batchId }, ".batchId must be a batch id of 26 characters"] as const
      )
  ),
  [{ type: "cancel", batchId: "0".repeat(256) }, ".batchId is 256 bytes long; maximum 255", LARGE],
  [{ type: "check", wait: true }, ".order must be a map"],
  [{ ...CHECK, order: { ...ORDER, type: "plain" } }, ".order.type must be one of unsigned, signed"],
  [{ ...CHECK, order: { ...ORDER, body: [] } }, ".order.body must be bytes"],
  [{ ...CHECK, order: { ...ORDER, body: "checks" } }, ".order.body must be bytes"],
  [
    { ...CHECK, order: { ...ORDER, body: new Uint8Array(BATCH_BODY_MAX_BYTES + 1) } },
    `.order.body is ${BATCH_BODY_MAX_BYTES + 1} bytes long; maximum ${BATCH_BODY_MAX_BYTES}`,
    LARGE,
  ],
  [{ ...CHECK, order: { ...ORDER, expiresInMs: -1 } }, ".order.expiresInMs must be a whole number"],
  [
    { ...CHECK, order: { ...ORDER, expiresInMs: 0.5 } },
    ".order.expiresInMs must be a whole number",
  ],
  [
    { ...CHECK, order: { ...ORDER, expiresInMs: 400 * 86_400_000 } },
    `.order.expiresInMs is ${400 * 86_400_000}; maximum ${BATCH_EXPIRES_MAX_MS}`,
    LARGE,
  ],
  [{ ...CHECK, order: { ...SIGNED, content: "x" } }, ".order.content must be bytes"],
  [
    { ...CHECK, order: { ...SIGNED, content: new Uint8Array(BATCH_CONTENT_MAX_BYTES + 1) } },
    `.order.content is ${BATCH_CONTENT_MAX_BYTES + 1} bytes long; maximum`,
    LARGE,
  ],
  [{ ...CHECK, order: { ...SIGNED, signature: null } }, ".order.signature must be bytes"],
  [
    { ...CHECK, order: { ...SIGNED, signature: new Uint8Array(1025) } },
    ".order.signature is 1025 bytes long; maximum 1024",
    LARGE,
  ],
  [{ ...CHECK, limit: { type: "all" } }, ".limit.type must be one of count, percent"],
  [{ ...CHECK, limit: { type: "count", count: 0 } }, ".limit.count must be above 0"],
  [{ ...CHECK, limit: { type: "count", count: 1.5 } }, ".limit.count must be a whole number"],
  [{ ...CHECK, limit: { type: "percent", percent: 0 } }, ".limit.percent must be above 0 and at"],
  [{ ...CHECK, limit: { type: "percent", percent: 101 } }, ".limit.percent must be above 0 and at"],
  [{ ...CHECK, rollout: { size: SIZE } }, ".rollout.maxFailures must be a whole number"],
  [
    { ...CHECK, rollout: { size: SIZE, maxFailures: -1 } },
    ".rollout.maxFailures must be a whole number",
  ],
  [
    { ...CHECK, rollout: { size: SIZE, maxFailures: ROLLOUT_MAX_FAILURES_MAX + 1 } },
    `.rollout.maxFailures is ${ROLLOUT_MAX_FAILURES_MAX + 1}; maximum`,
    LARGE,
  ],
  [{ ...CHECK, rollout: { size: 3, maxFailures: 1 } }, ".rollout.size must be a map"],
  [{ ...CHECK, wait: 1 }, ".wait must be true or false"],
  ...([
    [{ nodes: [1] }, ".nodes[0] must be text in UTF-8"],
    [{ nodes: ["a", ""] }, ".nodes[1] must be text of at least 1 bytes"],
    [{ nodes: ["é".repeat(128)] }, ".nodes[0] is 256 bytes long; maximum 255", LARGE],
    [
      { nodes: Array.from({ length: 1_001 }, () => "a") },
      ".nodes has 1001 entries; maximum 1000",
      "too_many",
    ],
    [{ tags: [{ ...TAG }] }, ".tags[0] must be an array"],
    [{ tags: [["", true, "web"]] }, ".tags[0].key must be text of at least 1 bytes"],
    [{ tags: [["role", 1, "web"]] }, ".tags[0].equal must be true or false"],
    [
      { tags: [["role", true, "x".repeat(513)]] },
      ".tags[0].value is 513 bytes long; maximum 512",
      LARGE,
    ],
    [
      { tags: Array.from({ length: 65 }, () => ["role", true, "web"]) },
      ".tags has 65 entries; maximum 64",
      "too_many",
    ],
    [7, " must be a map"],
  ] as const).map(([target, expected, reason]) =>
    [
      { ...CHECK, order: { ...ORDER, target } },
      `.order.target${expected}`,
      ...(reason === undefined ? [] : [reason]),
    ] as [unknown, string, DropReason?]
  ),
];

function usualReason(expected: string): DropReason {
  return expected.includes("type must be one of") ? "unknown_type" : "malformed";
}

Deno.test("a request that breaks a rule is refused with its place and its reason", () => {
  for (const [request, expected, reason = usualReason(expected)] of BAD_REQUESTS) {
    const error = assertThrows(() => decodeRequest(encode(request as ValueType)), WireError);
    assertEquals([error.message.startsWith(`the request${expected}`), error.reason], [
      true,
      reason,
    ], `${error.message} where ${expected} was expected`);
  }
});

Deno.test("what stands at the bounds of a request is allowed", () => {
  const target = {
    nodes: Array.from({ length: 1_000 }, () => "é".repeat(127)),
    tags: Array.from({ length: 64 }, () => ["k".repeat(512), true, "v".repeat(512)]),
  };
  const body = new Uint8Array(BATCH_BODY_MAX_BYTES);
  const content = new Uint8Array(BATCH_CONTENT_MAX_BYTES);
  const requests: readonly unknown[] = [
    { ...CHECK, order: { ...ORDER, target, body, expiresInMs: BATCH_EXPIRES_MAX_MS } },
    { ...CHECK, order: { ...SIGNED, content, signature: new Uint8Array(1_024) } },
    { ...CHECK, limit: { type: "percent", percent: 100 } },
    { ...CHECK, rollout: { size: SIZE, maxFailures: ROLLOUT_MAX_FAILURES_MAX } },
    { ...CHECK, limit: null, rollout: null },
    { ...CHECK, priority: 9, order: { ...ORDER, note: "of a later version" } },
  ];
  for (const request of requests) {
    assertEquals(decodeRequest(encode(request as ValueType)).type, "check");
  }
});

Deno.test("a reply that breaks a rule is refused with its place", () => {
  const progress = { node: "a", state: "done", passed: true, report: new Uint8Array(3) };
  const line = {
    ...{ batchId: ID, issuedAtMs: 0, origin: "a", target: {}, cancelled: false },
    summary: { type: "unreadable" },
  };
  const counts = { targeted: 1, answered: 1, unreached: 0, skipped: 0 };
  const cases: [unknown, string][] = [
    [{ type: "reboot" }, ".type must be one of accepted, progress"],
    [{ type: "accepted", batchId: "01J", nodes: [] }, ".batchId must be a batch id of 26"],
    [{ type: "accepted", batchId: ID, nodes: [""] }, ".nodes[0] must be text of at least 1"],
    [{ type: "progress", progress: { ...progress, state: "gone" } }, ".progress.state must be one"],
    [
      { type: "progress", progress: { ...progress, passed: 1 } },
      ".progress.passed must be true or",
    ],
    [{ type: "progress", progress: { ...progress, report: [] } }, ".progress.report must be bytes"],
    [
      {
        type: "progress",
        progress: { ...progress, report: new Uint8Array(REPORT_BODY_MAX_BYTES + 1) },
      },
      `.progress.report is ${REPORT_BODY_MAX_BYTES + 1} bytes long; maximum`,
    ],
    [
      { type: "progress", progress: { node: "a", state: "unreached", memberState: "lost" } },
      ".progress.memberState must be one of alive, suspect, dead, left",
    ],
    [
      { type: "progress", progress: { node: "a", state: "skipped", reason: "tired" } },
      ".progress.reason must be one of rollout_stopped, cancelled, expired, not_targeted",
    ],
    [{ type: "batches", batches: [{ ...line, batchId: "x" }] }, ".batches[0].batchId must be a"],
    [{ type: "batches", batches: [line, { ...line, summary: { type: "x" } }] }, ".batches[1].summ"],
    [
      { type: "batches", batches: [{ ...line, summary: { type: "keys", step: "rotate" } }] },
      ".batches[0].summary.step must be one of install, use, remove, list",
    ],
    [
      { type: "batches", batches: [{ ...line, summary: { type: "checks", names: [""] } }] },
      ".batches[0].summary.names[0] must be text of at least 1",
    ],
    [{ type: "batches", batches: [{ ...line, counts }] }, ".batches[0].counts.notPassing must be"],
    [{ type: "members", members: [{ name: "a" }] }, ".members[0].address must be a map"],
    [{ type: "error", code: "tired", message: "" }, ".code must be one of unknown_batch"],
  ];
  for (const [reply, expected] of cases) {
    const error = assertThrows(() => decodeReply(encode(reply as ValueType)), WireError);
    assertEquals(error.message.startsWith(`the reply${expected}`), true, error.message);
  }
});

/** The bytes of a message that ends with an empty list, with `count` texts in that list. */
function filled(message: ValueType, count: number): Uint8Array {
  const bytes = encode(message);
  assertEquals(bytes.at(-1), 0x90);
  const list = new Uint8Array(5 + 2 * count);
  new DataView(list.buffer).setUint32(1, count);
  list[0] = 0xdd;
  for (let at = 5; at < list.length; at += 2) list.set([0xa1, 0x61], at);
  return concat([bytes.subarray(0, -1), list]);
}

Deno.test("a fleet's reply may hold more values than a stranger's request", () => {
  const count = MESSAGE_MAX_VALUES + 1;
  const reply = decodeReply(filled({ type: "accepted", batchId: ID, nodes: [] }, count));
  assertEquals(reply.type === "accepted" && reply.nodes.length, count);
  const { target: _, ...order } = ORDER;
  const request = { type: "check", wait: true, order: { ...order, target: { nodes: [] } } };
  const error = assertThrows(() => decodeRequest(filled(request, count)), WireError);
  assertEquals(error.reason, "too_many");
  assertEquals(decodeRequest(filled(request, 1_000)).type, "check");
});

Deno.test("lengths that lie and nesting without end are refused before anything is built", () => {
  const cases: [string, Uint8Array, string][] = [
    ["4 Gi entries declared", new Uint8Array([0xdd, 0xff, 0xff, 0xff, 0xff]), "truncated"],
    ["4 GiB of text declared", new Uint8Array([0xdb, 0xff, 0xff, 0xff, 0xff]), "truncated"],
    ["a million lists in each other", new Uint8Array(1_000_000).fill(0x91), "too_deep"],
    ["the unused type", new Uint8Array([0xc1]), "malformed"],
    ["a second value", new Uint8Array([0xc0, 0xc0]), "malformed"],
    ["nothing", new Uint8Array(), "truncated"],
  ];
  for (const [what, bytes, reason] of cases) {
    assertEquals(assertThrows(() => decodeRequest(bytes), WireError).reason, reason, what);
  }
});

Deno.test("a tag that no decoder takes is left out, so that it cannot hide the other members", () => {
  const reply = REPLIES.members[0]!;
  const [member] = reply.members;
  const tags = JSON.parse('{"__proto__": "x", "role": "web"}');
  const hostile = { ...reply, members: [{ ...member!, tags }] };
  const decoded = decodeReply(encodeReply(hostile));
  assertEquals(decoded.type === "members" && decoded.members[0]?.tags, { role: "web" });
});
