import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { encode, type ValueMap } from "@std/msgpack";
import { SAMPLES } from "../../tests/support/wire_samples.ts";
import { type DropReason, WireError } from "../errors.ts";
import { NAME_MAX_BYTES } from "../limits.ts";
import { decodePacketMessage, encodeMessage } from "./codec.ts";
import { MESSAGE_TYPE, type PacketMessage, type WireMessage } from "./messages.ts";

const PACKET_SAMPLES: readonly PacketMessage[] = [
  ...SAMPLES.ping,
  ...SAMPLES.indirectPing,
  ...SAMPLES.ack,
  ...SAMPLES.nack,
  ...SAMPLES.suspect,
  ...SAMPLES.alive,
  ...SAMPLES.dead,
  ...SAMPLES.user,
];

function packet(type: keyof typeof MESSAGE_TYPE, fields: ValueMap): Uint8Array {
  return new Uint8Array([MESSAGE_TYPE[type], ...encode(fields)]);
}

function assertRejected(bytes: Uint8Array, reason: DropReason): WireError {
  const error = assertThrows(() => decodePacketMessage(bytes), WireError);
  assertStrictEquals(error.reason, reason, error.message);
  return error;
}

Deno.test("every packet message survives an encoding round trip", () => {
  for (const message of PACKET_SAMPLES) {
    assertEquals(decodePacketMessage(encodeMessage(message)), message);
  }
});

Deno.test("an encoded message starts with its type byte", () => {
  const samples: readonly (readonly WireMessage[])[] = Object.values(SAMPLES);
  for (const message of samples.flat()) {
    assertStrictEquals(encodeMessage(message)[0], MESSAGE_TYPE[message.type]);
  }
});

Deno.test("every truncation of every message is rejected", () => {
  for (const message of PACKET_SAMPLES) {
    if (message.type === "user") continue;
    const bytes = encodeMessage(message);
    for (let length = 0; length < bytes.length; length++) {
      assertRejected(bytes.subarray(0, length), "truncated");
    }
  }
});

Deno.test("bytes after a message's body are ignored", () => {
  const [message] = SAMPLES.nack;
  assert(message !== undefined);
  const bytes = new Uint8Array([...encodeMessage(message), 1, 2, 3]);
  assertEquals(decodePacketMessage(bytes), message);
});

Deno.test("missing, nil, unknown and other-typed fields are accepted like Go's decoder", () => {
  const noBytes = new Uint8Array(0);
  const cases: readonly (readonly [Uint8Array, PacketMessage])[] = [
    [packet("ping", {}), { type: "ping", sequence: 0, targetName: "" }],
    [packet("ping", { SeqNo: null, Node: null }), { type: "ping", sequence: 0, targetName: "" }],
    [
      packet("ping", { SeqNo: 1, Node: "a", SourceNode: "b", SourcePort: 1 }),
      { type: "ping", sequence: 1, targetName: "a" },
    ],
    [packet("ack", { SeqNo: 5, Payload: null }), { type: "ack", sequence: 5, payload: noBytes }],
    [
      packet("ack", { SeqNo: 5, Payload: [1, 255], More: { a: [1, { b: 2 }] } }),
      { type: "ack", sequence: 5, payload: new Uint8Array([1, 255]) },
    ],
    [packet("nack", { SeqNo: 7, constructor: 1, toString: "x" }), { type: "nack", sequence: 7 }],
    [
      packet("suspect", { Node: new TextEncoder().encode("ä"), From: "b" }),
      { type: "suspect", incarnation: 0, name: "ä", from: "b" },
    ],
    [
      packet("alive", { Node: "a", Addr: [10, 0, 0, 1], Port: 5, Vsn: [1, 5, 2, 0, 0, 0, 9] }),
      {
        type: "alive",
        incarnation: 0,
        name: "a",
        address: { host: "10.0.0.1", port: 5 },
        meta: noBytes,
        versions: [1, 5, 2, 0, 0, 0],
      },
    ],
  ];
  for (const [bytes, expected] of cases) assertEquals(decodePacketMessage(bytes), expected);
});

Deno.test("up to 32 bytes of versions are accepted", () => {
  const Vsn = new Uint8Array(32).fill(3);
  const message = decodePacketMessage(packet("alive", { ...ALIVE, Vsn }));
  assert(message.type === "alive");
  assertEquals(message.versions, [3, 3, 3, 3, 3, 3]);
});

Deno.test("a body may be a map of any size class, and a key a string of any", () => {
  const text = (key: string) => [...new TextEncoder().encode(key)];
  const sequence = [0xa5, ...text("SeqNo"), 7];
  const bodies = [
    [0xde, 0, 1, ...sequence],
    [0xdf, 0, 0, 0, 1, ...sequence],
    [0x82, 0xa0, 1, ...sequence],
    [0x82, 0xd9, 1, 0x61, 1, ...sequence],
    [0x82, 0xda, 0, 1, 0x61, 1, ...sequence],
    [0x82, 0xdb, 0, 0, 0, 1, 0x61, 1, ...sequence],
  ];
  for (const body of bodies) {
    const bytes = new Uint8Array([MESSAGE_TYPE.nack, ...body]);
    assertEquals(decodePacketMessage(bytes), { type: "nack", sequence: 7 }, `${body}`);
  }
});

Deno.test("fewer than six versions decode as all zero", () => {
  const alive = { Node: "a", Addr: [10, 0, 0, 1], Port: 5 };
  for (const Vsn of [null, [], [1, 5, 2]]) {
    const message = decodePacketMessage(packet("alive", { ...alive, Vsn }));
    assert(message.type === "alive");
    assertEquals(message.versions, [0, 0, 0, 0, 0, 0]);
  }
});

const ALIVE = { Node: "a", Addr: [10, 0, 0, 1], Port: 5, Incarnation: 1 };
const BAD_FIELDS: readonly (readonly [keyof typeof MESSAGE_TYPE, ValueMap, DropReason, string])[] =
  [
    ["nack", { SeqNo: -1 }, "malformed", "SeqNo of a nack message"],
    ["nack", { SeqNo: 2 ** 32 }, "malformed", "SeqNo"],
    ["nack", { SeqNo: 1.5 }, "malformed", "SeqNo"],
    ["nack", { SeqNo: "1" }, "malformed", "SeqNo"],
    ["nack", { SeqNo: true }, "malformed", "SeqNo"],
    ["nack", { SeqNo: {} }, "malformed", "SeqNo"],
    ["ping", { Node: 5 }, "malformed", "Node of a ping message"],
    ["ping", { Node: new Uint8Array([0xff, 0xfe]) }, "malformed", "UTF-8"],
    ["ping", { Node: "n".repeat(NAME_MAX_BYTES + 1) }, "malformed", "at most 255 bytes"],
    ["ping", { SourceAddr: [1, 2, 3], SourcePort: 9 }, "bad_address", "SourceAddr"],
    ["ping", { SourceAddr: [1, 2, 3, 4], SourcePort: 65_536 }, "malformed", "SourcePort"],
    ["indirectPing", { Target: [1, 2, 3, 4], Port: 0 }, "bad_address", "Port"],
    ["indirectPing", { Target: [1, 2, 3], Port: 1 }, "bad_address", "Target"],
    ["indirectPing", { Port: 1 }, "bad_address", "Target"],
    ["indirectPing", { Target: [1, 2, 3, 4], Port: 1, Nack: 1 }, "malformed", "Nack"],
    ["ack", { Payload: 5 }, "malformed", "Payload"],
    ["ack", { Payload: [1, 256] }, "malformed", "Payload"],
    ["ack", { Payload: [1, "a"] }, "malformed", "Payload"],
    ["ack", { Payload: { a: 1 } }, "malformed", "Payload"],
    ["suspect", { From: "a" }, "malformed", "Node"],
    ["dead", { Node: "" }, "malformed", "Node"],
    ["alive", { ...ALIVE, Node: "" }, "malformed", "Node"],
    ["alive", { ...ALIVE, Port: 0 }, "bad_address", "Port"],
    ["alive", { ...ALIVE, Addr: new Uint8Array(5) }, "bad_address", "Addr"],
    ["alive", { ...ALIVE, Addr: new Uint8Array(17) }, "malformed", "Addr"],
    ["alive", { ...ALIVE, Meta: new Uint8Array(513) }, "malformed", "at most 512 bytes"],
    ["alive", { ...ALIVE, Incarnation: 2 ** 40 }, "malformed", "Incarnation"],
    ["alive", { ...ALIVE, Vsn: new Uint8Array(33) }, "malformed", "Vsn"],
  ];

Deno.test("the error for a field of wrong type, range or length names the field", () => {
  for (const [type, fields, reason, about] of BAD_FIELDS) {
    assertStringIncludes(assertRejected(packet(type, fields), reason).message, about);
  }
});

Deno.test("a float is not read as the integer with the same bytes", () => {
  const key = [0xa5, ...new TextEncoder().encode("SeqNo")];
  const bytes = [MESSAGE_TYPE.nack, 0x81, ...key, 0xcb, 0, 0, 0, 0, 0, 0, 0, 5];
  assertRejected(new Uint8Array(bytes), "malformed");
});

Deno.test("bodies that are not a map with string keys are rejected", () => {
  const cases: readonly (readonly [readonly number[], DropReason])[] = [
    [[], "truncated"],
    [[MESSAGE_TYPE.nack], "truncated"],
    [[MESSAGE_TYPE.nack, 0xc0], "malformed"],
    [[MESSAGE_TYPE.nack, 0x90], "malformed"],
    [[MESSAGE_TYPE.nack, 0x91, 1], "malformed"],
    [[MESSAGE_TYPE.nack, 0x05], "malformed"],
    [[MESSAGE_TYPE.nack, 0xc1], "malformed"],
    [[MESSAGE_TYPE.nack, 0xd6, 0xff, 0, 0, 0, 0], "malformed"],
    [[MESSAGE_TYPE.nack, 0xd4, 5, 0], "malformed"],
    [[MESSAGE_TYPE.nack, 0x81, 0x90, 1], "malformed"],
    [[MESSAGE_TYPE.nack, 0xdf, 0xff, 0xff, 0xff, 0xff], "truncated"],
    [[MESSAGE_TYPE.nack, 0xdb, 0xff, 0xff, 0xff, 0xff, 1], "truncated"],
  ];
  for (const [bytes, reason] of cases) assertRejected(new Uint8Array(bytes), reason);
});

Deno.test("the key __proto__ is ignored like any unknown key", () => {
  const key = [...new TextEncoder().encode("__proto__")];
  const bytes = new Uint8Array([MESSAGE_TYPE.nack, 0x81, 0xa9, ...key, 0x81, 0xa1, 0x61, 1]);
  assertEquals(decodePacketMessage(bytes), { type: "nack", sequence: 0 });
  assertEquals("a" in {}, false);
});

Deno.test("the last value of a repeated key counts, like in Go's decoder", () => {
  const key = [0xa5, ...new TextEncoder().encode("SeqNo")];
  const bytes = new Uint8Array([MESSAGE_TYPE.nack, 0x82, ...key, 1, ...key, 2]);
  assertEquals(decodePacketMessage(bytes), { type: "nack", sequence: 2 });
});

Deno.test("deep nesting is rejected before it is decoded", () => {
  const deep = new Uint8Array(60_000).fill(0x91);
  deep[0] = MESSAGE_TYPE.nack;
  assertRejected(deep, "too_deep");
});

Deno.test("message types that are not allowed in packets are rejected", () => {
  const types = [
    MESSAGE_TYPE.pushPull,
    MESSAGE_TYPE.error,
    MESSAGE_TYPE.encrypt,
    14,
    243,
    244,
    255,
  ];
  for (const type of types) assertRejected(new Uint8Array([type, 0x80]), "unknown_type");
});
