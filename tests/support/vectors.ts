/**
 * What real memberlist nodes sent, from `tests/vectors/`; `tests/go/vectors` made it.
 * @module
 */
import { fromFileUrl } from "@std/path";
import { ipToBytes } from "../../lib/address.ts";
import type { Random } from "../../lib/runtime.ts";
import { Envelope, type EnvelopeOptions } from "../../lib/wire/envelope.ts";
import { Keyring } from "../../lib/wire/keyring.ts";
import { NODE_STATE, type WireMessage } from "../../lib/wire/messages.ts";

/** What was wrapped around the messages of a cluster. */
export interface Layers {
  readonly name: string;
  readonly label: string;
  /** In hexadecimal, the sealing one first. */
  readonly keys: readonly string[];
  readonly compress: boolean;
  readonly protocolVersion: number;
  readonly ipv6: boolean;
}

/** One packet, or what one end wrote to a stream. */
export interface Vector {
  /** Where it was seen, its layers from the outside in, its messages. */
  readonly name: string;
  readonly stream: boolean;
  readonly reply: boolean;
  readonly hex: string;
  readonly messages: readonly { readonly type: string; readonly fields: unknown }[];
}

/** All vectors of one cluster. */
export interface VectorFile {
  readonly madeBy: string;
  readonly layers: Layers;
  readonly vectors: readonly Vector[];
}

/** Clusters whose vectors there are. */
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

/** Reads one file of vectors. */
export function readVectors(name: string): VectorFile {
  return JSON.parse(readVectorText(name)) as VectorFile;
}

/** The text of `tests/vectors/<name>.json`. */
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

/** Chance that hands out the nonce of `vector`, so that sealing again gives the same bytes. */
export function nonceOf(vector: Vector, layers: Layers): Random {
  const label = layers.label === "" || vector.reply ? 0 : 2 + layers.label.length;
  const at = label + (vector.stream ? 5 : 0) + 1;
  const bytes = Uint8Array.fromHex(vector.hex);
  return { next: () => 0.5, bytes: (length) => bytes.slice(at, at + length) };
}

/** A message of ours with the names and the notation that the vectors have. */
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
