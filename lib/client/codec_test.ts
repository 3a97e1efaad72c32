import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { encode } from "@std/msgpack";
import { WireError } from "../errors.ts";
import { HANDSHAKES, REPLIES, REQUESTS } from "../../tests/support/client_samples.ts";
import { decodeHandshake, decodeReply, decodeRequest, encodeClientMessage } from "./codec.ts";

const ROOMS = [
  { samples: Object.values(HANDSHAKES).flat(), decode: decodeHandshake },
  { samples: Object.values(REQUESTS).flat(), decode: decodeRequest },
  { samples: Object.values(REPLIES).flat(), decode: decodeReply },
];

Deno.test("every message survives its encoding", () => {
  for (const { samples, decode } of ROOMS) {
    for (const sample of samples) {
      const decoded: unknown = decode(encodeClientMessage(sample));
      assertEquals(decoded, sample);
    }
  }
});

Deno.test("no truncation of a message is taken for a message", () => {
  for (const { samples, decode } of ROOMS) {
    for (const sample of samples) {
      const bytes = encodeClientMessage(sample);
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
  for (const { samples, decode } of ROOMS) {
    for (const sample of samples) {
      const bytes = encodeClientMessage(sample);
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

Deno.test("what breaks a rule is refused with its place", () => {
  const cases: [string, unknown, string][] = [
    ["an unknown type", { type: "reboot" }, "request.type must be one of"],
    ["a type from Object's prototype", { type: "constructor" }, "request.type must be one of"],
    ["a missing field", { type: "results" }, "request.batchId must be text"],
    ["a number for text", { type: "results", batchId: 4 }, "request.batchId must be text"],
    ["no map", [1], "request must be a map"],
    [
      "a bad entry",
      { type: "check", checks: [{ name: 1 }], target: {}, expiresInMs: 0, wait: true },
      "request.checks[0].name must be text",
    ],
    [
      "a negative time",
      { type: "check", checks: [], target: {}, expiresInMs: -1, wait: true },
      "request.expiresInMs must be a whole number",
    ],
  ];
  const check = { type: "check", checks: [], target: {}, expiresInMs: 0, wait: true };
  const signed = { id: "01JGFJJZ00ABCDEFGHJKMNPQRS", issuedAtMs: 1, signature: new Uint8Array(1) };
  const tag = { key: "role", equal: true, value: "web" };
  const batches: [unknown, string][] = [
    [{ ...check, expiresInMs: 400 * 86_400_000 }, "request.expiresInMs must be 0 to"],
    [{ ...check, limit: { type: "count", count: 0 } }, "request.limit.count must be 1 to"],
    [{ ...check, limit: { type: "percent", percent: 0 } }, "request.limit.percent must be"],
    [{ ...check, limit: { type: "percent", percent: 101 } }, "request.limit.percent must be"],
    [{ ...check, signed: { ...signed, id: "short" } }, "request.signed.id must be 26 to 26"],
    [{ ...check, signed: { ...signed, issuedAtMs: 2 ** 48 } }, "issuedAtMs must be 0 to"],
    [
      { ...check, signed: { ...signed, signature: new Uint8Array(1025) } },
      "request.signed.signature must be at most 1024 bytes",
    ],
    [{ ...check, limit: { type: "all" } }, "request.limit.type must be one of count, percent"],
    [
      { ...check, rollout: { size: { type: "count", count: 1 }, maxFailures: -1 } },
      "request.rollout.maxFailures must be a whole number",
    ],
    [{ ...check, target: { tags: [{ ...tag, key: "" }] } }, "tags[0].key must be 1 to 512 bytes"],
    [
      { ...check, target: { tags: [{ ...tag, value: "x".repeat(513) }] } },
      "request.target.tags[0].value must be 0 to 512 bytes",
    ],
    [
      { ...check, target: { tags: Array.from({ length: 65 }, () => tag) } },
      "request.target.tags must be at most 64 entries",
    ],
    [{ ...check, target: { nodes: ["é".repeat(128)] } }, "nodes[0] must be 1 to 255 bytes"],
    [
      { ...check, target: { nodes: Array.from({ length: 1_001 }, () => "a") } },
      "request.target.nodes must be at most 1000 entries",
    ],
  ];
  for (const [message, expected] of batches) {
    assertThrows(() => decodeRequest(encode(message as never)), WireError, expected);
  }
  for (const [, message, expected] of cases) {
    assertThrows(() => decodeRequest(encode(message as never)), WireError, expected);
  }
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
  const [reply] = REPLIES.members;
  if (reply?.type !== "members") throw new TypeError("the sample has another type");
  const [member] = reply.members;
  const tags = JSON.parse('{"__proto__": "x", "role": "web"}');
  const hostile = { ...reply, members: [{ ...member!, tags }] };
  const decoded = decodeReply(encodeClientMessage(hostile));
  assertEquals(decoded.type === "members" && decoded.members[0]?.tags, { role: "web" });
});
