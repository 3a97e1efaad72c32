/**
 * Generates malformed input: mutations of captures and samples (flipped bits, truncation, wrong
 * lengths), nested compounds, compression bombs and huge push/pulls. A node with the given envelope
 * drops each input, for a known reason.
 * @module
 */
import { concat } from "@std/bytes";
import { type DropReason, WireError } from "../../lib/errors.ts";
import { encodeGossip } from "../../lib/gossip/codec.ts";
import { decodeFragment, decodeFragmentAck, encodeFragment } from "../../lib/link/fragments.ts";
import { decodeLinkHeader, withLinkHeader } from "../../lib/link/header.ts";
import { DECOMPRESSED_MAX_BYTES } from "../../lib/limits.ts";
import { encodeCompressed, encodeMessage, encodeStreamUser } from "../../lib/wire/codec.ts";
import type { Envelope } from "../../lib/wire/envelope.ts";
import { StreamReader } from "../../lib/wire/stream_reader.ts";
import { compressLzw } from "../../lib/wire/lzw.ts";
import { MESSAGE_TYPE, type PushPullNode } from "../../lib/wire/messages.ts";
import { msgpackMutations } from "../fuzz/msgpack_mutations.ts";
import { BLIND, type Mutation, noise } from "../fuzz/mutations.ts";
import { GOSSIP_SAMPLES } from "./gossip_samples.ts";
import { sealStreamBytes } from "./sealed_stream.ts";
import { readVectors, VECTOR_FILES } from "./vectors.ts";
import { SAMPLES } from "./wire_samples.ts";
import type { SeededRandom } from "./world_time.ts";

/** How an input is sent. */
export type Carrier = "packet" | "stream";

/** A malformed input. */
export interface Mutant {
  /** The bytes to send. */
  readonly bytes: Uint8Array;
  /** The reason with which a node drops it. */
  readonly reason: DropReason;
}

/** Maximum size of a packet, below the 64 KiB of a datagram. */
const PACKET_MAX_BYTES = 60_000;
const SESSION = "0123456789abcdef";
const MESSAGES = Object.values(SAMPLES).flat().filter((message) =>
  encodeMessage(message).length < 1000
);
const HEADER = { toSession: SESSION, from: "stranger", fromSession: SESSION, sequence: 1 } as const;
const GOSSIP = Object.values(GOSSIP_SAMPLES).flat().map((message) => encodeGossip(message)).flatMap(
  (bytes) => [
    withLinkHeader({ ...HEADER, kind: "message" }, bytes),
    withLinkHeader(
      { ...HEADER, kind: "fragment" },
      encodeFragment({
        ...{ totalBytes: bytes.length, fragmentBytes: 1000, index: 0, ackNow: true },
        bytes,
      }),
    ),
  ],
);
const NODE: PushPullNode = {
  name: "stranger",
  address: { host: "127.0.0.1", port: 1 },
  meta: new Uint8Array(300),
  incarnation: 1,
  state: "alive",
  versions: [1, 5, 2, 2, 5, 4],
};

/** Generates malformed input; the same seed gives the same input. */
export class Mutants {
  readonly #carrier: Carrier;
  readonly #envelope: Envelope;
  readonly #random: SeededRandom;
  readonly #captures: readonly Uint8Array[];
  readonly #makers: readonly (() => Uint8Array)[];
  readonly #bomb: Uint8Array;

  /** `envelope`: label, key and compression of the input that is well-formed on the outside. */
  constructor(options: { carrier: Carrier; envelope: Envelope; random: SeededRandom }) {
    this.#carrier = options.carrier;
    this.#envelope = options.envelope;
    this.#random = options.random;
    this.#captures = VECTOR_FILES.flatMap((file) => readVectors(file).vectors)
      .filter(({ stream }) => stream === (this.#carrier === "stream"))
      .map(({ hex }) => Uint8Array.fromHex(hex));
    const zeros = this.#carrier === "stream" ? DECOMPRESSED_MAX_BYTES + 1 : 200_000;
    this.#bomb = encodeCompressed(compressLzw(new Uint8Array(zeros)));
    const common = [() => this.#capture(), () => this.#message(), () => this.#gossip()];
    this.#makers = this.#carrier === "stream"
      ? [...repeated(common, 60), () => this.#hugePushPull(), () => this.#sealed(this.#bomb)]
      : [
        ...repeated(common, 4),
        () => this.#compound(),
        () => this.#sealed(this.#bomb),
        () => noise(this.#random),
      ];
  }

  /** Generates the next input. Skips mutations that are still valid. */
  next(): Mutant {
    for (;;) {
      const bytes = this.#random.pick(this.#makers)();
      if (this.#carrier === "packet" && bytes.length > PACKET_MAX_BYTES) continue;
      // A stream needs at least one byte; a datagram may be empty.
      if (this.#carrier === "stream" && bytes.length === 0) continue;
      const reason = this.#carrier === "packet" ? this.#packet(bytes) : this.#stream(bytes);
      if (reason !== undefined) return { bytes, reason };
    }
  }

  #capture(): Uint8Array {
    const capture = this.#random.pick(this.#captures);
    // Unchanged, it is valid only for another label or key.
    return this.#random.chance(0.05) ? capture : this.#mutated(capture, BLIND);
  }

  #message(): Uint8Array {
    const message = this.#random.pick(MESSAGES);
    const plain = this.#carrier === "packet" || message.type !== "user"
      ? encodeMessage(message)
      : encodeStreamUser(message);
    return this.#wrapped(this.#mutated(plain, msgpackMutations(1)));
  }

  #gossip(): Uint8Array {
    const gossip = this.#random.pick(GOSSIP);
    // Some are well-formed, but from a node that is not a member.
    const payload = this.#random.chance(0.2) ? gossip : this.#mutated(gossip, BLIND);
    const message = { type: "user", payload } as const;
    return this.#wrapped(
      this.#carrier === "packet" ? encodeMessage(message) : encodeStreamUser(message),
    );
  }

  /** Nested compound messages, deeper than allowed, some with wrong counts and lengths. */
  #compound(): Uint8Array {
    let bytes: Uint8Array = encodeMessage(this.#random.pick(SAMPLES.ping));
    for (let depth = this.#random.below(12); depth >= 0; depth--) {
      const count = 1 + this.#random.below(3);
      const length = this.#random.chance(0.9) ? bytes.length : this.#random.below(0x10000);
      const lengths = new Array(count).fill([length >> 8, length & 0xff]).flat();
      const head = [MESSAGE_TYPE.compound, this.#random.chance(0.9) ? count : 255, ...lengths];
      bytes = concat([Uint8Array.from(head), ...new Array<Uint8Array>(count).fill(bytes)]);
      if (bytes.length > 10_000) break;
    }
    return this.#sealed(bytes);
  }

  /** A push/pull with up to 10,000 nodes that is cut or has an invalid byte near its end. */
  #hugePushPull(): Uint8Array {
    const count = this.#random.pick([10, 1000, 10_000]);
    const nodes = new Array<PushPullNode>(count).fill(NODE);
    const userState = new Uint8Array(0);
    const plain = encodeMessage({ type: "pushPull", join: false, nodes, userState });
    return this.#sealed(this.#random.chance(0.5) ? plain.subarray(0, 200) : withByte(plain, 0xc1));
  }

  #mutated(bytes: Uint8Array, mutations: readonly Mutation[]): Uint8Array {
    let mutated = bytes;
    for (let round = this.#random.below(3); round >= 0; round--) {
      mutated = this.#random.pick(mutations)(mutated, this.#random);
    }
    return mutated;
  }

  /** Seals, compresses, or mutates a message after sealing, at random. */
  #wrapped(plain: Uint8Array): Uint8Array {
    const packed = this.#random.chance(0.2) ? encodeCompressed(compressLzw(plain)) : plain;
    const sealed = this.#random.chance(0.8) ? this.#sealed(packed) : packed;
    return this.#random.chance(0.1) ? this.#mutated(sealed, BLIND) : sealed;
  }

  #sealed(plain: Uint8Array): Uint8Array {
    if (this.#carrier === "packet") return this.#envelope.sealPacket([plain]);
    return sealStreamBytes(plain, this.#envelope);
  }

  /** The drop reason of gossip from a non-member. Raises `WireError` if it cannot be decoded. */
  #refusal(payload: Uint8Array): DropReason {
    const { header: { kind }, body } = decodeLinkHeader(payload);
    if (this.#carrier === "stream") return kind === "message" ? "wrong_session" : "unexpected";
    if (kind === "fragment") decodeFragment(body);
    else if (kind === "fragment_ack") decodeFragmentAck(body);
    else return "unexpected";
    return "wrong_session";
  }

  #packet(bytes: Uint8Array): DropReason | undefined {
    try {
      const messages = this.#envelope.openPacket(bytes);
      const [message] = messages;
      if (messages.length !== 1 || message?.type !== "user") return undefined;
      return this.#refusal(message.payload);
    } catch (error) {
      if (error instanceof WireError) return error.reason;
      throw error;
    }
  }

  #stream(bytes: Uint8Array): DropReason | undefined {
    try {
      const reader = new StreamReader({ envelope: this.#envelope });
      reader.push(bytes);
      const message = reader.take();
      if (message === undefined) return "truncated";
      return message.type === "user" ? this.#refusal(message.payload) : undefined;
    } catch (error) {
      if (error instanceof WireError) return error.reason;
      throw error;
    }
  }
}

function repeated<T>(items: readonly T[], times: number): T[] {
  return new Array<readonly T[]>(times).fill(items).flat();
}

/** A copy of `bytes` with `byte` at the hundredth place from the end. */
function withByte(bytes: Uint8Array, byte: number): Uint8Array {
  const changed = bytes.slice();
  changed[Math.max(1, changed.length - 100)] = byte;
  return changed;
}
