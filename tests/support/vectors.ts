/**
 * Reads the test vectors of `tests/vectors/`: traffic of real memberlist nodes, recorded by
 * `tests/go/vectors`.
 * @module
 */
import { fromFileUrl } from "@std/path";
import { ipToBytes } from "../../lib/address.ts";
import type { Random } from "../../lib/runtime.ts";
import { Envelope, type EnvelopeOptions } from "../../lib/wire/envelope.ts";
import { Keyring } from "../../lib/wire/keyring.ts";
import { NODE_STATE, type WireMessage } from "../../lib/wire/messages.ts";

/** Label, keys and compression of a cluster. */
export interface Layers {
  readonly name: string;
  readonly label: string;
  /** Keys in hexadecimal, the primary key first. */
  readonly keys: readonly string[];
  readonly compress: boolean;
  readonly protocolVersion: number;
  readonly ipv6: boolean;
}

/** A packet, or the bytes that one end wrote to a stream. */
export interface Vector {
  /** Its source, its layers from the outside in, and its messages. */
  readonly name: string;
  readonly stream: boolean;
  readonly reply: boolean;
  readonly hex: string;
  readonly messages: readonly { readonly type: string; readonly fields: unknown }[];
}

/** The vectors of one cluster. */
export interface VectorFile {
  readonly madeBy: string;
  readonly layers: Layers;
  readonly vectors: readonly Vector[];
}

/** The names of the vector files, one per cluster. */
export const VECTOR_FILES = [
  "plain",
  "protocol5",
  "ipv6",
  "compressed",
  "labelled",
  "encrypted_v0",
  "encrypted_v1_128",
  "encrypted_v1_192",
  "encrypted_v1_256",
  "everything",
  "everything_v0",
] as const;

/** Reads a file of vectors. */
export function readVectors(name: string): VectorFile {
  return JSON.parse(readVectorText(name)) as VectorFile;
}

/** Reads the text of `tests/vectors/<name>.json`. */
export function readVectorText(name: string): string {
  return Deno.readTextFileSync(fromFileUrl(new URL(`../vectors/${name}.json`, import.meta.url)));
}

/** The envelope of a node of that cluster. */
export function envelopeOf(layers: Layers, options: Partial<EnvelopeOptions> = {}): Envelope {
  const keys = layers.keys.map((key) => Uint8Array.fromHex(key));
  return new Envelope({
    label: layers.label,
    keyring: keys.length === 0 ? undefined : new Keyring({ keys }),
    random: { next: () => 0.5, bytes: (length) => new Uint8Array(length).fill(0x5a) },
    compress: layers.compress,
    protocolVersion: layers.protocolVersion,
    ...options,
  });
}

/**
 * A source of randomness that returns the nonce of `vector`, so that sealing gives the same bytes.
 */
export function nonceOf(vector: Vector, layers: Layers): Random {
  const label = layers.label === "" || vector.reply ? 0 : 2 + layers.label.length;
  const at = label + (vector.stream ? 5 : 0) + 1;
  const bytes = Uint8Array.fromHex(vector.hex);
  return { next: () => 0.5, bytes: (length) => bytes.slice(at, at + length) };
}

/** Converts a decoded message to the names and notation of the vectors. */
export function asGoFields(message: WireMessage): { type: string; fields: unknown } {
  return { type: message.type, fields: goFields(message) };
}

function goFields(message: WireMessage): unknown {
  switch (message.type) {
    case "ping":
      return { SeqNo: message.sequence, Node: message.targetName, ...goSource(message) };
    case "indirectPing":
      return {
        SeqNo: message.sequence,
        Target: ipToBytes(message.target.host).toHex(),
        Port: message.target.port,
        Node: message.targetName,
        Nack: message.wantsNack,
        ...goSource(message),
      };
    case "ack":
      return { SeqNo: message.sequence, Payload: message.payload.toHex() };
    case "nack":
      return { SeqNo: message.sequence };
    case "suspect":
    case "dead":
      return { Incarnation: message.incarnation, Node: message.name, From: message.from };
    case "alive":
      return { Node: message.name, ...goMember(message) };
    case "user":
      return { Payload: message.payload.toHex() };
    case "error":
      return { Error: message.message };
    case "pushPull":
      return {
        Join: message.join,
        Nodes: message.nodes.map((node) => ({
          Name: node.name,
          State: NODE_STATE[node.state],
          ...goMember(node),
        })),
        UserState: message.userState.toHex(),
      };
  }
}

type Ping = Extract<WireMessage, { type: "ping" }>;
type Member = Omit<Extract<WireMessage, { type: "alive" }>, "type" | "name">;

function goSource({ source }: Pick<Ping, "source">): Record<string, unknown> {
  return {
    SourceAddr: source === undefined ? "" : ipToBytes(source.address.host).toHex(),
    SourcePort: source?.address.port ?? 0,
    SourceNode: source?.name ?? "",
  };
}

function goMember(member: Member): Record<string, unknown> {
  return {
    Incarnation: member.incarnation,
    Addr: ipToBytes(member.address.host).toHex(),
    Port: member.address.port,
    Meta: member.meta.toHex(),
    Vsn: new Uint8Array(member.versions).toHex(),
  };
}
