import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { createHash } from "node:crypto";
import {
  asGoFields,
  envelopeOf,
  type Layers,
  nonceOf,
  readVectors,
  readVectorText,
  type Vector,
  VECTOR_FILES,
} from "../../tests/support/vectors.ts";
import { encodeMessage } from "./codec.ts";
import type { Envelope } from "./envelope.ts";
import { StreamReader } from "./stream_reader.ts";
import { compressLzw, decompressLzw } from "./lzw.ts";
import type { PacketMessage, StreamMessage, WireMessage } from "./messages.ts";

/** The message types that each vector file must contain. */
const EXPECTED = {
  packet: ["ping", "indirectPing", "ack", "nack", "suspect", "alive", "dead", "user"],
  stream: ["ping", "ack", "user", "pushPull", "error"],
} as const;

function openVector(vector: Vector, envelope: Envelope): readonly WireMessage[] {
  const bytes = Uint8Array.fromHex(vector.hex);
  if (!vector.stream) return envelope.openPacket(bytes);
  const reader = new StreamReader({ envelope, reply: vector.reply });
  reader.push(bytes);
  const message = reader.take();
  assert(message !== undefined, `${vector.name} is truncated`);
  return [message];
}

function sealAgain(vector: Vector, layers: Layers): Uint8Array {
  const envelope = envelopeOf(layers, { random: nonceOf(vector, layers) });
  const messages = openVector(vector, envelope);
  const compress = vector.name.includes("/compressed");
  if (vector.stream) {
    return envelope.sealStream(messages[0] as StreamMessage, { compress, reply: vector.reply });
  }
  const parts = (messages as PacketMessage[]).map(encodeMessage);
  return envelope.sealPacket(parts, { crc: vector.name.includes("/crc"), compress });
}

for (const name of VECTOR_FILES) {
  const { layers, vectors } = readVectors(name);

  Deno.test(`memberlist's messages decode to memberlist's fields: ${name}`, () => {
    const seen = { packet: new Set<string>(), stream: new Set<string>() };
    for (const vector of vectors) {
      const messages = openVector(vector, envelopeOf(layers));
      assertEquals(messages.map(asGoFields), [...vector.messages], vector.name);
      for (const { type } of messages) seen[vector.stream ? "stream" : "packet"].add(type);
    }
    assertEquals([...seen.packet].sort(), [...EXPECTED.packet].sort());
    assertEquals([...seen.stream].sort(), [...EXPECTED.stream].sort());
  });

  Deno.test(`decoded messages encode to the same bytes: ${name}`, () => {
    for (const vector of vectors) {
      const again = sealAgain(vector, layers);
      // memberlist compresses streams even if that makes them larger; this project does not.
      if (again.length * 2 < vector.hex.length && vector.stream && layers.compress) continue;
      assertStrictEquals(again.toHex(), vector.hex, vector.name);
    }
  });
}

interface LzwVector {
  readonly length: number;
  readonly values: number;
  readonly seed: number;
  readonly compressedLength: number;
  readonly sha256: string;
}

function lzwInput({ length, values, seed }: LzwVector): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 16) % values;
  });
}

Deno.test("LZW output equals Go's for every code width and a full table", () => {
  const vectors = JSON.parse(readVectorText("lzw")) as LzwVector[];
  assert(vectors.length > 0);
  for (const vector of vectors) {
    const input = lzwInput(vector);
    const compressed = compressLzw(input);
    assertStrictEquals(compressed.length, vector.compressedLength);
    assertStrictEquals(createHash("sha256").update(compressed).digest("hex"), vector.sha256);
    assertEquals(decompressLzw(compressed, { limitBytes: vector.length }), input);
  }
});
