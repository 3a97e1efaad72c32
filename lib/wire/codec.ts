/**
 * Encodes and decodes messages in memberlist's form of MessagePack: a type byte, then a map whose
 * keys are the names of Go's struct fields, sorted (`net.go`, structs `ping` to `userMsgHeader`).
 * @module
 */
import { WireError } from "../errors.ts";
import { DATAGRAM_MAX_BYTES, PUSH_PULL_MAX_BYTES, PUSH_PULL_MAX_NODES } from "../limits.ts";
import { Fields } from "./fields.ts";
import {
  MESSAGE_TYPE,
  NODE_STATE,
  type NodeState,
  type PacketMessage,
  type PushPull,
  type PushPullNode,
  type Source,
  type Suspect,
  type User,
  type Versions,
  type WireMessage,
} from "./messages.ts";
import type { ScanWindow } from "../msgpack_scanner.ts";
import { MessageWriter } from "./msgpack_writer.ts";

/** The messages whose body is one MessagePack map: all but user messages and push/pulls. */
export type MapMessage = Exclude<WireMessage, User | PushPull>;

/** Encoder and decoder of one message type. */
interface Entry<M extends MapMessage> {
  write(writer: MessageWriter, message: M): void;
  read(fields: Fields): M;
}

/** The fields that suspect and dead messages share. */
type Accusation = Omit<Suspect, "type">;

const ENTRIES: { readonly [T in MapMessage["type"]]: Entry<Extract<MapMessage, { type: T }>> } = {
  ping: {
    write(writer, { sequence, targetName, source }) {
      writer.map(source === undefined ? 2 : 5);
      writer.key("Node").text(targetName);
      writer.key("SeqNo").uint(sequence);
      if (source !== undefined) writeSource(writer, source);
    },
    read: (fields) => ({
      type: "ping",
      sequence: fields.uint("SeqNo"),
      targetName: fields.optionalName("Node"),
      ...readSource(fields),
    }),
  },
  indirectPing: {
    write(writer, { sequence, target, targetName, wantsNack, source }) {
      writer.map(source === undefined ? 5 : 8);
      writer.key("Nack").bool(wantsNack);
      writer.key("Node").text(targetName);
      writer.key("Port").uint(target.port);
      writer.key("SeqNo").uint(sequence);
      if (source !== undefined) writeSource(writer, source);
      writer.key("Target").ip(target.host);
    },
    read: (fields) => ({
      type: "indirectPing",
      sequence: fields.uint("SeqNo"),
      target: fields.address("Target", "Port"),
      targetName: fields.optionalName("Node"),
      wantsNack: fields.bool("Nack"),
      ...readSource(fields),
    }),
  },
  ack: {
    write(writer, { sequence, payload }) {
      writer.map(2);
      writer.key("Payload").raw(payload);
      writer.key("SeqNo").uint(sequence);
    },
    read: (fields) => ({
      type: "ack",
      sequence: fields.uint("SeqNo"),
      payload: fields.bytes("Payload", DATAGRAM_MAX_BYTES),
    }),
  },
  nack: {
    write(writer, { sequence }) {
      writer.map(1);
      writer.key("SeqNo").uint(sequence);
    },
    read: (fields) => ({ type: "nack", sequence: fields.uint("SeqNo") }),
  },
  suspect: {
    write: writeAccusation,
    read: (fields) => ({ type: "suspect", ...readAccusation(fields) }),
  },
  alive: {
    write(writer, { incarnation, name, address, meta, versions }) {
      writer.map(6);
      writer.key("Addr").ip(address.host);
      writer.key("Incarnation").uint(incarnation);
      writer.key("Meta").raw(meta);
      writer.key("Node").text(name);
      writer.key("Port").uint(address.port);
      writer.key("Vsn").bytes(versions);
    },
    read: (fields) => ({
      type: "alive",
      incarnation: fields.uint("Incarnation"),
      name: fields.name("Node"),
      address: fields.address("Addr", "Port"),
      meta: fields.meta("Meta"),
      versions: readVersions(fields),
    }),
  },
  dead: {
    write: writeAccusation,
    read: (fields) => ({ type: "dead", ...readAccusation(fields) }),
  },
  error: {
    write(writer, { message }) {
      writer.map(1);
      writer.key("Error").text(message);
    },
    read: (fields) => ({ type: "error", message: fields.text("Error", DATAGRAM_MAX_BYTES) }),
  },
};

/** The message types of packets by type byte, without user messages, which have no map. */
const PACKET_ENTRIES: ReadonlyMap<number, "ping" | Exclude<PacketMessage, User>["type"]> = new Map(
  (["ping", "indirectPing", "ack", "nack", "suspect", "alive", "dead"] as const)
    .map((type) => [MESSAGE_TYPE[type], type]),
);

/**
 * Encodes one message, type byte included: a part of a packet, or the plaintext of a stream. Raises
 * `AddressError` if an address in it is not an IP address.
 */
export function encodeMessage(message: WireMessage): Uint8Array<ArrayBuffer> {
  switch (message.type) {
    case "user":
      return encodeUser(message);
    case "pushPull":
      return encodePushPull(message);
    default: {
      const writer = new MessageWriter({ capacityBytes: 192, type: MESSAGE_TYPE[message.type] });
      writeMap(writer, message);
      return writer.finish();
    }
  }
}

/**
 * Encodes a user message for a stream, where a header with the length precedes the payload
 * (`sendUserMsg` in memberlist's `net.go`); `encodeMessage` encodes it for packets.
 */
export function encodeStreamUser(message: User): Uint8Array<ArrayBuffer> {
  const { payload } = message;
  const writer = new MessageWriter({
    capacityBytes: payload.length + 24,
    type: MESSAGE_TYPE.user,
  });
  writer.map(1);
  writer.key("UserMsgLen").int(payload.length);
  writer.verbatim(payload);
  return writer.finish();
}

/**
 * Decodes one message of a packet, type byte included. The payload of a user message or an ack is a
 * view into `bytes`. Bytes after the body are ignored, as in memberlist. Raises `WireError`.
 */
export function decodePacketMessage(bytes: Uint8Array): PacketMessage {
  const number = bytes[0];
  if (number === undefined) throw new WireError("truncated", "empty message: expected a type byte");
  if (number === MESSAGE_TYPE.user) return { type: "user", payload: bytes.subarray(1) };
  const type = PACKET_ENTRIES.get(number);
  if (type === undefined) {
    throw new WireError("unknown_type", `unknown message type ${number} in a packet`);
  }
  return decodeBody(type, { window: { bytes, start: 1, end: bytes.length } });
}

/** The position of a message's body in a byte array. */
export interface Body {
  /** The body starts at the window's start. */
  readonly window: ScanWindow;
  /** The body's length in bytes; absent if it has not been scanned yet. */
  readonly length?: number;
}

/** Decodes the body of a message of the given type. Raises `WireError`. */
export function decodeBody<T extends MapMessage["type"]>(
  type: T,
  body: Body,
): Extract<MapMessage, { type: T }> {
  const entry: Entry<Extract<MapMessage, { type: T }>> = ENTRIES[type];
  return entry.read(new Fields({ message: type, ...body }));
}

/** The header of a push/pull (`pushPullHeader`). */
export interface PushPullHeader {
  /** Whether the sender joins. */
  readonly join: boolean;
  /** Number of nodes that follow. */
  readonly nodes: number;
  /** Bytes of user state that follow the nodes. */
  readonly userStateBytes: number;
}

/**
 * Decodes the header of a push/pull. Raises `WireError`, with reason `too_large` if it declares more
 * than `PUSH_PULL_MAX_NODES` nodes or `PUSH_PULL_MAX_BYTES` bytes of user state.
 */
export function decodePushPullHeader(body: Body): PushPullHeader {
  const fields = new Fields({ message: "push/pull", ...body });
  const join = fields.bool("Join");
  return {
    join,
    nodes: checkDeclared(fields.uint("Nodes"), { most: PUSH_PULL_MAX_NODES, what: "nodes" }),
    userStateBytes: checkDeclared(fields.uint("UserStateLen"), {
      most: PUSH_PULL_MAX_BYTES,
      what: "bytes of user state",
    }),
  };
}

/** Decodes one node of a push/pull. Raises `WireError`. */
export function decodePushPullNode(body: Body): PushPullNode {
  const fields = new Fields({ message: "push/pull node", ...body });
  return {
    name: fields.name("Name"),
    address: fields.address("Addr", "Port"),
    meta: fields.meta("Meta"),
    incarnation: fields.uint("Incarnation"),
    state: STATES[fields.uint("State", STATES.length - 1)]!,
    versions: readVersions(fields),
  };
}

/** Decodes the header of a user message on a stream: its length in bytes (`userMsgHeader`). Raises `WireError`. */
export function decodeUserHeader(body: Body): number {
  return new Fields({ message: "user", ...body }).uint("UserMsgLen");
}

/**
 * Decodes a compressed message (`compress`) and returns the compressed bytes. Raises `WireError`,
 * with reason `bad_compression` if the algorithm is not LZW.
 */
export function decodeCompressed(body: Body): Uint8Array {
  const fields = new Fields({ message: "compress", ...body });
  const algorithm = fields.uint("Algo");
  if (algorithm !== 0) {
    throw new WireError(
      "bad_compression",
      `unknown compression algorithm ${algorithm}: expected 0 (LZW)`,
    );
  }
  return fields.bytes("Buf", PUSH_PULL_MAX_BYTES);
}

/** Encodes compressed bytes as a message, type byte included (`compress`). */
export function encodeCompressed(compressed: Uint8Array): Uint8Array<ArrayBuffer> {
  const writer = new MessageWriter({
    capacityBytes: compressed.length + 24,
    type: MESSAGE_TYPE.compress,
  });
  writer.map(2);
  writer.key("Algo").uint(0);
  writer.key("Buf").raw(compressed);
  return writer.finish();
}

function writeSource(writer: MessageWriter, source: Source): void {
  writer.key("SourceAddr").ip(source.address.host);
  writer.key("SourceNode").text(source.name);
  writer.key("SourcePort").uint(source.address.port);
}

function readSource(fields: Fields): { source?: Source } {
  const address = fields.optionalAddress("SourceAddr", "SourcePort");
  const name = fields.optionalName("SourceNode");
  return address === undefined ? {} : { source: { address, name } };
}

function writeAccusation(writer: MessageWriter, { incarnation, name, from }: Accusation): void {
  writer.map(3);
  writer.key("From").text(from);
  writer.key("Incarnation").uint(incarnation);
  writer.key("Node").text(name);
}

function readAccusation(fields: Fields): Accusation {
  return {
    incarnation: fields.uint("Incarnation"),
    name: fields.name("Node"),
    from: fields.optionalName("From"),
  };
}

/** Reads `Vsn`: all zero if the peer sends fewer than six bytes, which memberlist treats as invalid. */
function readVersions(fields: Fields): Versions {
  const bytes = fields.bytes("Vsn", VERSIONS_MAX_BYTES);
  if (bytes.length < 6) return [0, 0, 0, 0, 0, 0];
  return [bytes[0]!, bytes[1]!, bytes[2]!, bytes[3]!, bytes[4]!, bytes[5]!];
}

/** memberlist sends six bytes; it accepts more and ignores those after the sixth. */
const VERSIONS_MAX_BYTES = 32;
const STATES: readonly NodeState[] = ["alive", "suspect", "dead", "left"];

function checkDeclared(count: number, bound: { most: number; what: string }): number {
  if (count <= bound.most) return count;
  throw new WireError(
    "too_large",
    `a push/pull declares ${count} ${bound.what}; maximum ${bound.most}`,
  );
}

function writeMap<M extends MapMessage>(writer: MessageWriter, message: M): void {
  // The compiler cannot tell that the entry of a message's type accepts that message.
  const entry = ENTRIES[message.type] as unknown as Entry<M>;
  entry.write(writer, message);
}

function encodeUser(message: User): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(1 + message.payload.length);
  bytes[0] = MESSAGE_TYPE.user;
  bytes.set(message.payload, 1);
  return bytes;
}

function encodePushPull(message: PushPull): Uint8Array<ArrayBuffer> {
  const { join, nodes, userState } = message;
  const writer = new MessageWriter({
    capacityBytes: 64 + 128 * nodes.length + userState.length,
    type: MESSAGE_TYPE.pushPull,
  });
  writer.map(3);
  writer.key("Join").bool(join);
  writer.key("Nodes").int(nodes.length);
  writer.key("UserStateLen").int(userState.length);
  for (const node of nodes) {
    writer.map(7);
    writer.key("Addr").ip(node.address.host);
    writer.key("Incarnation").uint(node.incarnation);
    writer.key("Meta").raw(node.meta);
    writer.key("Name").text(node.name);
    writer.key("Port").uint(node.address.port);
    writer.key("State").int(NODE_STATE[node.state]);
    writer.key("Vsn").bytes(node.versions);
  }
  writer.verbatim(userState);
  return writer.finish();
}
