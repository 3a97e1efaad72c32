import { assert, assertEquals, assertLess, assertStrictEquals, assertThrows } from "@std/assert";
import { encode, type ValueMap } from "@std/msgpack";
import { envelopeOf, readVectors, VECTOR_FILES } from "../../tests/support/vectors.ts";
import { SAMPLES, STREAM_SAMPLES } from "../../tests/support/wire_samples.ts";
import { type DropReason, WireError } from "../errors.ts";
import {
  DECOMPRESSED_MAX_BYTES,
  GOSSIP_MESSAGE_MAX_BYTES,
  PUSH_PULL_MAX_BYTES,
  PUSH_PULL_MAX_NODES,
} from "../limits.ts";
import { encodeCompressed } from "./codec.ts";
import { Envelope, type EnvelopeOptions } from "./envelope.ts";
import { StreamReader } from "./stream_reader.ts";
import { Keyring } from "./keyring.ts";
import { compressLzw } from "./lzw.ts";
import { MESSAGE_TYPE, type StreamMessage } from "./messages.ts";

function envelope(options: Partial<EnvelopeOptions> = {}): Envelope {
  return new Envelope({
    label: "",
    keyring: undefined,
    random: { next: () => 0, bytes: (length) => new Uint8Array(length).fill(4) },
    compress: false,
    ...options,
  });
}

const KEYRING = new Keyring({ keys: [new Uint8Array(32).fill(1)] });
const KINDS: readonly Partial<EnvelopeOptions>[] = [
  {},
  { label: "cluster" },
  { compress: true },
  { keyring: KEYRING },
  { keyring: KEYRING, protocolVersion: 1, label: "cluster", compress: true },
];

function body(type: keyof typeof MESSAGE_TYPE, fields: ValueMap): Uint8Array {
  return new Uint8Array([MESSAGE_TYPE[type], ...encode(fields)]);
}

function uint32(value: number): number[] {
  return [value >>> 24, value >>> 16 & 255, value >>> 8 & 255, value & 255];
}

function rejection(bytes: Uint8Array, options: Partial<EnvelopeOptions> = {}): DropReason {
  const reader = new StreamReader({ envelope: envelope(options) });
  return assertThrows(() => reader.push(bytes), WireError).reason;
}

Deno.test("compressed tells whether a message was compressed, also inside encryption", () => {
  const message: StreamMessage = { type: "user", payload: new Uint8Array(500) };
  for (const options of KINDS) {
    for (const compress of [true, false]) {
      const sealer = envelope(options);
      const reader = new StreamReader({ envelope: sealer });
      assertStrictEquals(reader.compressed, false);
      reader.push(sealer.sealStream(message, { compress }));
      assertEquals(reader.take(), message);
      assertStrictEquals(reader.compressed, compress);
    }
  }
});

Deno.test("every stream message survives a round trip, as request and as reply", () => {
  for (const options of KINDS) {
    const sealer = envelope(options);
    for (const message of STREAM_SAMPLES) {
      for (const reply of [false, true]) {
        const reader = new StreamReader({ envelope: sealer, reply });
        reader.push(sealer.sealStream(message, { reply }));
        assertEquals(reader.take(), message);
        assertStrictEquals(reader.take(), undefined);
      }
    }
  }
});

Deno.test("a truncated stream yields no message", () => {
  for (const options of KINDS) {
    const sealer = envelope(options);
    for (const message of [...SAMPLES.pushPull, ...SAMPLES.ping, SAMPLES.user[1]!]) {
      const bytes = sealer.sealStream(message);
      for (let length = 0; length < bytes.length; length++) {
        const reader = new StreamReader({ envelope: sealer });
        reader.push(bytes.subarray(0, length));
        assertStrictEquals(reader.take(), undefined);
      }
    }
  }
});

Deno.test("memberlist's streams can be split anywhere, and read byte by byte", () => {
  for (const name of VECTOR_FILES) {
    const { layers, vectors } = readVectors(name);
    const ours = envelopeOf(layers);
    for (const { name, stream, reply, hex } of vectors) {
      if (!stream) continue;
      const bytes = Uint8Array.fromHex(hex);
      const whole = new StreamReader({ envelope: ours, reply });
      whole.push(bytes);
      const expected = whole.take();
      assert(expected !== undefined, name);
      for (let split = 0; split <= bytes.length; split++) {
        const reader = new StreamReader({ envelope: ours, reply });
        reader.push(bytes.subarray(0, split));
        if (split < bytes.length) assertStrictEquals(reader.take(), undefined);
        reader.push(bytes.subarray(split));
        assertEquals(reader.take(), expected, `${name} split at ${split}`);
      }
      const reader = new StreamReader({ envelope: ours, reply });
      for (const byte of bytes) reader.push(new Uint8Array([byte]));
      assertEquals(reader.take(), expected, name);
    }
  }
});

Deno.test("consecutive messages are taken one at a time", () => {
  const sealer = envelope({ keyring: KEYRING, label: "cluster" });
  const [first, second] = [SAMPLES.user[1]!, SAMPLES.ack[1]!];
  const reader = new StreamReader({ envelope: sealer });
  const both = [...sealer.sealStream(first), ...sealer.sealStream(second, { reply: true })];
  reader.push(new Uint8Array(both));
  assertEquals(reader.take(), first);
  assertEquals(reader.take(), second);
  assertStrictEquals(reader.take(), undefined);
});

Deno.test("bytes after a message are not parsed before it is taken", () => {
  const reader = new StreamReader({ envelope: envelope() });
  reader.push(new Uint8Array([...envelope().sealStream(SAMPLES.ack[1]!), 200, 200]));
  assertEquals(reader.take(), SAMPLES.ack[1]);
  assertThrows(() => reader.take(), WireError, "type 200");
});

Deno.test("a payload does not change when more bytes arrive", () => {
  const reader = new StreamReader({ envelope: envelope() });
  const [message] = [SAMPLES.user[1]!];
  reader.push(envelope().sealStream(message));
  const first = reader.take();
  for (let round = 0; round < 100; round++) reader.push(envelope().sealStream(SAMPLES.user[2]!));
  assertEquals(first, message);
});

Deno.test("a reader that has failed raises the same error again", () => {
  const reader = new StreamReader({ envelope: envelope() });
  assertThrows(() => reader.push(new Uint8Array([200])), WireError);
  assertThrows(() => reader.push(envelope().sealStream(SAMPLES.ack[1]!)), WireError, "type 200");
  assertThrows(() => reader.take(), WireError, "type 200");
});

Deno.test("declared lengths above the maximum are rejected as soon as they arrive", () => {
  const cases: readonly (readonly [Uint8Array, DropReason])[] = [
    [body("user", { UserMsgLen: GOSSIP_MESSAGE_MAX_BYTES + 1 }), "too_large"],
    [body("user", { UserMsgLen: 0xffff_ffff }), "too_large"],
    [body("user", { UserMsgLen: -1 }), "malformed"],
    [body("pushPull", { Nodes: PUSH_PULL_MAX_NODES + 1 }), "too_large"],
    [body("pushPull", { Nodes: -1 }), "malformed"],
    [body("pushPull", { UserStateLen: PUSH_PULL_MAX_BYTES + 1 }), "too_large"],
    [new Uint8Array([MESSAGE_TYPE.pushPull, 0xdf, 0xff, 0xff, 0xff, 0xff]), "too_large"],
    [new Uint8Array([MESSAGE_TYPE.ping, 0x81, 0xdb, 0xff, 0xff, 0xff, 0xff]), "too_large"],
    [
      new Uint8Array([MESSAGE_TYPE.compress, 0x81, 0xa1, 0x61, 0xc6, ...uint32(2 ** 31)]),
      "too_large",
    ],
    [new Uint8Array([MESSAGE_TYPE.error, 0xdd, 0, 1, 0, 1]), "too_large"],
  ];
  for (const [bytes, reason] of cases) assertStrictEquals(rejection(bytes), reason);
  const encrypted = (length: number) => new Uint8Array([MESSAGE_TYPE.encrypt, ...uint32(length)]);
  assertStrictEquals(
    rejection(encrypted(PUSH_PULL_MAX_BYTES + 1), { keyring: KEYRING }),
    "too_large",
  );
  assertStrictEquals(rejection(encrypted(0xffff_ffff), { keyring: KEYRING }), "too_large");
  assertStrictEquals(rejection(encrypted(0), { keyring: KEYRING }), "bad_version");
});

Deno.test("declared lengths of exactly the maximum are accepted", () => {
  const length = uint32(PUSH_PULL_MAX_BYTES);
  const compressed = [0x82, 0xa4, ...new TextEncoder().encode("Algo"), 0];
  const buffer = [0xa3, ...new TextEncoder().encode("Buf"), 0xdb, ...length];
  const cases: readonly (readonly [Uint8Array, Partial<EnvelopeOptions>])[] = [
    [body("user", { UserMsgLen: GOSSIP_MESSAGE_MAX_BYTES }), {}],
    [body("pushPull", { Nodes: PUSH_PULL_MAX_NODES }), {}],
    [body("pushPull", { UserStateLen: PUSH_PULL_MAX_BYTES }), {}],
    [new Uint8Array([MESSAGE_TYPE.encrypt, ...length]), { keyring: KEYRING }],
    [new Uint8Array([MESSAGE_TYPE.compress, ...compressed, ...buffer]), {}],
  ];
  for (const [bytes, options] of cases) {
    const reader = new StreamReader({ envelope: envelope(options) });
    reader.push(bytes);
    assertStrictEquals(reader.take(), undefined, "more bytes have to come");
  }
});

Deno.test("the nodes of a push/pull are bounded in total", () => {
  const meta = new Uint8Array(512);
  const address = { Addr: new Uint8Array(4).fill(10), Port: 1 };
  const node = encode({ Name: "n", ...address, Meta: meta, Padding: new Uint8Array(1_400) });
  const count = Math.floor(PUSH_PULL_MAX_BYTES / node.length);
  const reader = new StreamReader({ envelope: envelope() });
  reader.push(body("pushPull", { Nodes: count + 1 }));
  for (let index = 0; index < count; index++) reader.push(node);
  assertStrictEquals(assertThrows(() => reader.push(node), WireError).reason, "too_large");
});

Deno.test("a push/pull node in an unknown state is rejected", () => {
  const address = { Addr: new Uint8Array(4).fill(10), Port: 1 };
  for (const State of [4, 255]) {
    const node = encode({ Name: "n", ...address, State });
    const bytes = new Uint8Array([...body("pushPull", { Nodes: 1 }), ...node]);
    assertStrictEquals(rejection(bytes), "malformed");
  }
});

Deno.test("a push/pull node that is too large is rejected as soon as its length arrives", () => {
  const header = body("pushPull", { Nodes: 1 });
  const node = [0x81, 0xa4, ...new TextEncoder().encode("Meta"), 0xda, 0xff, 0xff];
  assertStrictEquals(rejection(new Uint8Array([...header, ...node])), "too_large");
});

Deno.test("a compression bomb on a stream is rejected", () => {
  const bomb = encodeCompressed(compressLzw(new Uint8Array(DECOMPRESSED_MAX_BYTES + 1)));
  assertLess(bomb.length, 100_000);
  assertStrictEquals(rejection(bomb), "too_large");
});

Deno.test("a message truncated inside its compression is rejected", () => {
  const plain = envelope().sealStream(SAMPLES.pushPull[1]!);
  const cut = encodeCompressed(compressLzw(plain.subarray(0, -1)));
  assertStrictEquals(rejection(cut), "truncated");
  assertStrictEquals(rejection(encodeCompressed(compressLzw(new Uint8Array(0)))), "truncated");
});

Deno.test("layers that do not fit the receiver's settings are rejected", () => {
  const nested = encodeCompressed(compressLzw(encodeCompressed(compressLzw(new Uint8Array(9)))));
  assertStrictEquals(rejection(nested), "unknown_type");
  const ack = envelope().sealStream(SAMPLES.ack[1]!);
  const sealed = envelope({ keyring: KEYRING }).sealStream(SAMPLES.ack[1]!);
  assertStrictEquals(rejection(ack, { keyring: KEYRING }), "not_encrypted");
  assertStrictEquals(rejection(sealed), "not_decryptable");
  assertStrictEquals(rejection(ack, { label: "x" }), "bad_label");
  assertStrictEquals(rejection(envelope({ label: "x" }).sealStream(SAMPLES.ack[1]!)), "bad_label");
  const lenient = new StreamReader({
    envelope: envelope({ keyring: KEYRING, acceptPlaintext: true }),
  });
  lenient.push(ack);
  assertEquals(lenient.take(), SAMPLES.ack[1]);
});

Deno.test("the length of an encrypted stream message is authenticated", () => {
  const sealed = envelope({ keyring: KEYRING }).sealStream(SAMPLES.ack[1]!);
  const longer = new Uint8Array([...sealed, 0]);
  longer[4]!++;
  assertStrictEquals(rejection(longer, { keyring: KEYRING }), "not_decryptable");
});

Deno.test("a megabyte that arrives byte by byte takes linear time", () => {
  const payload = new Uint8Array(1 << 20).fill(7);
  const nodes = Array.from({ length: 1000 }, (_, index) => ({
    ...SAMPLES.pushPull[1]!.nodes[0]!,
    name: `node-${index}`,
  }));
  const message = { type: "pushPull", join: true, nodes, userState: payload } as const;
  const reader = new StreamReader({ envelope: envelope() });
  const byte = new Uint8Array(1);
  // Quadratic work would be 2^39 steps: the test would not end.
  for (byte[0] of envelope().sealStream(message)) reader.push(byte);
  assertEquals(reader.take(), message);
});
