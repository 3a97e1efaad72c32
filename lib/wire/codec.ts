/**
 * Messages to bytes and back, in memberlist's dialect of MessagePack: a type byte, then a map with
 * the names of Go's struct fields, sorted, as keys (`net.go`, structs `ping` to `userMsgHeader`).
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
import { MessageWriter } from "./writer.ts";

/** The messages whose body is one map: all but user messages and push/pulls. */
export type MapMessage = Exclude<WireMessage, User | PushPull>;

/** How one kind of message is written and read. */
interface Entry<M extends MapMessage> {
  write(writer: MessageWriter, message: M): void;
  read(fields: Fields): M;
}

/** What suspect and dead have in common. */
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

/** What a packet carries beside user messages, by wire number. */
const PACKET_ENTRIES: ReadonlyMap<number, "ping" | Exclude<PacketMessage, User>["type"]> = new Map(
  (["ping", "indirectPing", "ack", "nack", "suspect", "alive", "dead"] as const)
    .map((type) => [MESSAGE_TYPE[type], type]),
);

/**
 * Type byte and body of one message: a packet's part, or what a stream carries before compression
 * and encryption. Raises `AddressError` where an address in it is none.
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
 * The bytes of a user message on a stream, where its length goes in front (`sendUserMsg` in
 * memberlist's `net.go`); `encodeMessage` gives the form for packets.
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
 * One message of a packet, type byte included. The payload of a user message or an ack is a view
 * into `bytes`. What follows a message's body is ignored, as Go does. Raises `WireError`.
 */
export function decodePacketMessage(bytes: Uint8Array): PacketMessage {
  const number = bytes[0];
  if (number === undefined) throw new WireError("truncated", "a message without type byte arrived");
  if (number === MESSAGE_TYPE.user) return { type: "user", payload: bytes.subarray(1) };
  const type = PACKET_ENTRIES.get(number);
  if (type === undefined) {
    throw new WireError("unknown_type", `a message of type ${number} is not known in a packet`);
  }
  return decodeBody(type, { window: { bytes, start: 1, end: bytes.length } });
}

/** Where a message's body lies. */
export interface Body {
  /** From its first byte. */
  readonly window: ScanWindow;
  /** Its length, where a scanner has found it already. */
  readonly length?: number;
}

/** The message of that type whose body starts at the window's start. Raises `WireError`. */
export function decodeBody<T extends MapMessage["type"]>(
  type: T,
  body: Body,
): Extract<MapMessage, { type: T }> {
  const entry: Entry<Extract<MapMessage, { type: T }>> = ENTRIES[type];
  return entry.read(new Fields({ message: type, ...body }));
}

/** What a push/pull announces in front of its nodes (`pushPullHeader`). */
export interface PushPullHeader {
  /** Whether the sender is joining. */
  readonly join: boolean;
  /** How many nodes follow. */
  readonly nodes: number;
  /** How many bytes of user state follow them. */
  readonly userStateBytes: number;
}

/** Raises `WireError`, `too_large` where it announces more than is allowed. */
export function decodePushPullHeader(body: Body): PushPullHeader {
  const fields = new Fields({ message: "push/pull", ...body });
  const join = fields.bool("Join");
  return {
    join,
    nodes: announced(fields.uint("Nodes"), { most: PUSH_PULL_MAX_NODES, what: "nodes" }),
    userStateBytes: announced(fields.uint("UserStateLen"), {
      most: PUSH_PULL_MAX_BYTES,
      what: "bytes of user state",
    }),
  };
}

/** One node of a push/pull. Raises `WireError`. */
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

/** How long a user message on a stream is (`userMsgHeader`). Raises `WireError`. */
export function decodeUserHeader(body: Body): number {
  return new Fields({ message: "user", ...body }).uint("UserMsgLen");
}

/** What lies compressed in a message (`compress`): the algorithm is checked. Raises `WireError`. */
export function decodeCompressed(body: Body): Uint8Array {
  const fields = new Fields({ message: "compress", ...body });
  if (fields.uint("Algo") !== 0) {
    throw new WireError("bad_compression", "a message is compressed by an unknown algorithm");
  }
  return fields.bytes("Buf", PUSH_PULL_MAX_BYTES);
}

/** A message around what was compressed. */
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

/** All zero where a peer sends fewer than six, which memberlist takes for an invalid member. */
function readVersions(fields: Fields): Versions {
  const bytes = fields.bytes("Vsn", VERSIONS_MAX_BYTES);
  if (bytes.length < 6) return [0, 0, 0, 0, 0, 0];
  return [bytes[0]!, bytes[1]!, bytes[2]!, bytes[3]!, bytes[4]!, bytes[5]!];
}

/** memberlist sends six and takes more, of which it reads six. */
const VERSIONS_MAX_BYTES = 32;
const STATES: readonly NodeState[] = ["alive", "suspect", "dead", "left"];

function announced(count: number, bound: { most: number; what: string }): number {
  if (count <= bound.most) return count;
  throw new WireError(
    "too_large",
    `a push/pull announces ${count} ${bound.what}; at most ${bound.most} are allowed`,
  );
}

function writeMap<M extends MapMessage>(writer: MessageWriter, message: M): void {
  // The entry found by a message's own type takes that message, which the compiler cannot see.
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
