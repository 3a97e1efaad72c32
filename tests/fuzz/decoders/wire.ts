/** Decoders of what nodes say to each other about members: packets, streams and their layers. @module */
import { concat } from "@std/bytes";
import { encode } from "@std/msgpack";
import { WireError } from "../../../lib/errors.ts";
import { DATAGRAM_MAX_BYTES, DECOMPRESSED_MAX_BYTES } from "../../../lib/limits.ts";
import { decodeMeta, encodeMeta, type Meta } from "../../../lib/swim/meta.ts";
import { lamportTimeOf } from "../../../lib/swim/serf.ts";
import { decodePacketMessage, encodeCompressed, encodeMessage } from "../../../lib/wire/codec.ts";
import { Envelope } from "../../../lib/wire/envelope.ts";
import { StreamReader } from "../../../lib/wire/stream_reader.ts";
import { Keyring } from "../../../lib/wire/keyring.ts";
import { compressLzw, decompressLzw } from "../../../lib/wire/lzw.ts";
import {
  MESSAGE_TYPE,
  type PacketMessage,
  type StreamMessage,
} from "../../../lib/wire/messages.ts";
import { sealStreamBytes } from "../../support/sealed_stream.ts";
import { envelopeOf, readVectors, VECTOR_FILES } from "../../support/vectors.ts";
import { SAMPLES, STREAM_SAMPLES } from "../../support/wire_samples.ts";
import { same, type Subject, subject } from "../subject.ts";
import { MSGPACK_COSTLY } from "../msgpack_mutations.ts";

const random = { next: () => 0.5, bytes: (length: number) => new Uint8Array(length).fill(0x5a) };
const keyring = new Keyring({ keys: [new Uint8Array(32).fill(1)] });
const PLAIN = new Envelope({ label: "", keyring: undefined, random, compress: false });
/** What may be wrapped around a mutated message: the byte in front of an input picks one. */
const LAYERS = [
  PLAIN,
  new Envelope({ label: "", keyring: undefined, random, compress: true }),
  new Envelope({ label: "cluster", keyring, random, compress: false }),
  new Envelope({ label: "cluster", keyring, random, compress: true, protocolVersion: 1 }),
];
const CAPTURES = VECTOR_FILES.map((name) => {
  const { layers, vectors } = readVectors(name);
  return { envelope: envelopeOf(layers), vectors };
});

/** One of several by the byte in front of an input, and the rest of it. */
function picked<T>(choices: readonly T[], input: Uint8Array): { choice: T; bytes: Uint8Array } {
  return { choice: choices[(input[0] ?? 0) % choices.length]!, bytes: input.subarray(1) };
}

/** A compound of these parts; `count` lies about how many there are. */
function compound(parts: readonly Uint8Array[], count: number = parts.length): Uint8Array {
  const lengths = parts.flatMap(({ length }) => [length >> 8, length & 0xff]);
  return concat([Uint8Array.of(MESSAGE_TYPE.compound, count, ...lengths), ...parts]);
}

/** Each under each of the layers; long ones say no more than short ones do. */
function samplesOf(messages: readonly Uint8Array[]): Uint8Array[] {
  const short = messages.filter(({ length }) => length < 1000);
  return short.flatMap((bytes) => LAYERS.map((_, at) => concat([Uint8Array.of(at), bytes])));
}

function reencodePacket(messages: readonly PacketMessage[]): PacketMessage[] {
  return messages.map((message) => decodePacketMessage(encodeMessage(message)));
}

function costlyBehind(head: readonly number[]): typeof MSGPACK_COSTLY {
  const entries = Object.entries(MSGPACK_COSTLY);
  return Object.fromEntries(
    entries.map((
      [name, make],
    ) => [name, (bytes: number) => concat([Uint8Array.from(head), make(bytes)])]),
  );
}

const packetMaxBytes = (bytes: number) => 40 * Math.max(bytes, DATAGRAM_MAX_BYTES);

/** All messages of a stream that ends behind `bytes`, which come in one piece or in many. */
function readStream(
  bytes: Uint8Array,
  options: { envelope: Envelope; reply: boolean; pieceBytes: number },
): StreamMessage[] {
  const reader = new StreamReader(options);
  const messages: StreamMessage[] = [];
  for (let at = 0; at < bytes.length; at += options.pieceBytes) {
    reader.push(bytes.subarray(at, at + options.pieceBytes));
    for (let message; (message = reader.take()) !== undefined;) messages.push(message);
  }
  if (messages.length === 0) throw new WireError("truncated", "it ends before there is a message");
  return messages;
}

/** The same however the bytes arrive. */
function readStreamTwice(
  bytes: Uint8Array,
  options: { envelope: Envelope; reply: boolean },
): StreamMessage[] {
  const results = [bytes.length + 1, 1 + bytes.length % 7].map((pieceBytes) => {
    try {
      return readStream(bytes, { ...options, pieceBytes });
    } catch (error) {
      if (error instanceof WireError) return error;
      throw error;
    }
  });
  const [whole, pieces] = results;
  if (whole === undefined || pieces === undefined) throw new Error("nothing was read");
  // Which of two faults is found first may depend on how much is there; that there is one may not.
  if (whole instanceof WireError && pieces instanceof WireError) throw whole;
  if (whole instanceof WireError || pieces instanceof WireError) throw new Error("pieces matter");
  if (!same(pieces, whole)) throw new Error("pieces matter to what is read");
  return whole;
}

function reencodeStream(messages: readonly StreamMessage[]): StreamMessage[] {
  return messages.flatMap((message) =>
    readStream(PLAIN.sealStream(message), { envelope: PLAIN, reply: false, pieceBytes: 1 << 20 })
  );
}

const streamMaxBytes = (bytes: number) =>
  40 * bytes + 40 * Math.min(bytes * bytes, DECOMPRESSED_MAX_BYTES);

const LZW_LIMIT_BYTES = 100_000;

/** All of them. */
export const WIRE_DECODERS: readonly Subject[] = [
  subject({
    name: "packets, mutated inside their layers",
    form: "msgpack",
    start: 2,
    samples: samplesOf([
      ...Object.values(SAMPLES).flat()
        .filter(({ type }) => type !== "pushPull" && type !== "error")
        .map(encodeMessage),
      compound(SAMPLES.nack.map(encodeMessage)),
      compound([compound(SAMPLES.ping.map(encodeMessage)), compound([])]),
      encodeCompressed(compressLzw(compound(SAMPLES.dead.map(encodeMessage)))),
    ]),
    decode: (input) => {
      const { choice, bytes } = picked(LAYERS, input);
      return choice.openPacket(choice.sealPacket([bytes], { crc: bytes.length % 2 === 0 }));
    },
    again: reencodePacket,
    errors: [WireError],
    valueMaxBytes: packetMaxBytes,
    costly: {
      ...costlyBehind([0, MESSAGE_TYPE.ping]),
      "compounds of empty compounds": (bytes) => {
        const inner = compound(new Array<Uint8Array>(255).fill(compound([])));
        const parts = new Array<Uint8Array>(Math.floor(bytes / inner.length)).fill(inner);
        return concat([Uint8Array.of(0), compound(parts)]);
      },
      "compressed zeros": (bytes) =>
        concat([Uint8Array.of(0), encodeCompressed(compressLzw(new Uint8Array(100 * bytes)))]),
    },
  }),
  subject({
    name: "packets of memberlist, mutated on their way",
    form: "bytes",
    samples: CAPTURES.flatMap(({ vectors }, at) =>
      vectors.filter(({ stream }) => !stream)
        .map(({ hex }) => concat([Uint8Array.of(at), Uint8Array.fromHex(hex)]))
    ),
    decode: (input) => {
      const { choice, bytes } = picked(CAPTURES, input);
      return choice.envelope.openPacket(bytes);
    },
    again: reencodePacket,
    errors: [WireError],
    valueMaxBytes: packetMaxBytes,
  }),
  subject({
    name: "streams, mutated inside their layers",
    form: "msgpack",
    start: 2,
    samples: samplesOf(STREAM_SAMPLES.map((message) => PLAIN.sealStream(message))),
    decode: (input) => {
      const { choice, bytes } = picked(LAYERS, input);
      return readStreamTwice(sealStreamBytes(bytes, choice), { envelope: choice, reply: false });
    },
    again: reencodeStream,
    errors: [WireError],
    valueMaxBytes: streamMaxBytes,
    costly: costlyBehind([0, MESSAGE_TYPE.pushPull]),
  }),
  subject({
    name: "streams of memberlist, mutated on their way",
    form: "bytes",
    samples: CAPTURES.flatMap(({ vectors }, at) =>
      vectors.filter(({ stream }) => stream)
        .map(({ hex, reply }) =>
          concat([Uint8Array.of(2 * at + Number(reply)), Uint8Array.fromHex(hex)])
        )
    ),
    decode: (input) => {
      const { choice, bytes } = picked(
        CAPTURES.flatMap(({ envelope }) => [{ envelope, reply: false }, { envelope, reply: true }]),
        input,
      );
      return readStreamTwice(bytes, choice);
    },
    again: reencodeStream,
    errors: [WireError],
    valueMaxBytes: streamMaxBytes,
  }),
  subject({
    name: "compressed bytes",
    form: "bytes",
    samples: [
      new Uint8Array(0),
      new Uint8Array(3000),
      new TextEncoder().encode("to be or not to be, ".repeat(50)),
      Uint8Array.from({ length: 6000 }, (_, at) => at * at * 31 >> 3),
    ].map(compressLzw),
    decode: (bytes) => decompressLzw(bytes, { limitBytes: LZW_LIMIT_BYTES }),
    again: (plain) => decompressLzw(compressLzw(plain), { limitBytes: LZW_LIMIT_BYTES }),
    errors: [WireError],
    valueMaxBytes: () => LZW_LIMIT_BYTES + 16,
    costly: {
      "zeros past the limit": (bytes) => compressLzw(new Uint8Array(100 * bytes)),
      "clear codes": (bytes) =>
        // Nine bits each: 256 again and again.
        Uint8Array.from({ length: bytes }, (_, at) => 1 << at % 9),
    },
  }),
  subject({
    name: "what members publish about themselves",
    form: "msgpack",
    start: 1,
    samples: [
      encodeMeta(new Map([["role", "db"], ["zone", "größe"]])),
      encodeMeta(new Map(), "0123456789abcdef"),
    ],
    // Never refused: a foreign member's meta is its own affair.
    decode: (bytes) => strict(bytes, decodeMeta(bytes)),
    again: ({ tags, session }) => {
      const meta = encodeMeta(tags, session);
      return strict(meta, decodeMeta(meta));
    },
    errors: [WireError],
  }),
  subject({
    name: "Serf's part of a push/pull",
    form: "msgpack",
    start: 1,
    samples: [
      Uint8Array.of(
        2,
        ...encode({ LTime: 41, StatusLTimes: { a: 3 }, LeftMembers: ["b"], EventLTime: 9 }),
      ),
    ],
    decode: (bytes) => {
      const time = lamportTimeOf(bytes);
      if (time === 0) throw new WireError("malformed", "no time is to be read");
      return time;
    },
    errors: [WireError],
    costly: costlyBehind([2]),
  }),
];

/** Refuses, for the sake of counting, what is no meta of ours that tells the same again. */
function strict(bytes: Uint8Array, meta: Meta): Meta {
  const texts = [...meta.tags].flat();
  if (meta.runsGossipcheck && bytes.length < 400 && texts.every((text) => text.isWellFormed())) {
    return meta;
  }
  throw new WireError("malformed", "it is not ours");
}
