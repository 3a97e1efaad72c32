/**
 * Gossip messages to bytes and back: one MessagePack array each, version and type number first.
 * Ids travel as 16 raw bytes, lists of them end to end in one byte string.
 * @module
 */
import { encode, type ValueType } from "@std/msgpack";
import { WireError } from "../errors.ts";
import { ipFromBytes, ipToBytes } from "../address.ts";
import {
  BATCH_BODY_MAX_BYTES,
  DIGEST_MAX_IDS,
  GOSSIP_MESSAGE_MAX_BYTES,
  META_MAX_BYTES,
  NAME_MAX_BYTES,
  REPORT_BODY_MAX_BYTES,
  SIGNATURE_MAX_BYTES,
  TARGET_MAX_CONDITIONS,
  TARGET_MAX_NODES,
} from "../limits.ts";
import { ID_BYTES, idFromBytes, idToBytes } from "../batch/id.ts";
import { decodeRow, type Row } from "./row.ts";
import type {
  Batch,
  BatchCopy,
  BatchId,
  BatchMessage,
  CancelMessage,
  ConfirmMessage,
  DigestMessage,
  GossipMessage,
  NodeReference,
  RelayedMessage,
  RelayMessage,
  ReportMessage,
  StartMessage,
  Target,
  WantMessage,
} from "./messages.ts";

/** Rises when an older node would misread a newer one; appended values do not count. */
const GOSSIP_PROTOCOL_VERSION = 1;
/** Says what a signature is over, so that it holds for nothing else. */
const SIGNED_CONTEXT = "gossipcheck batch 1";
/** Copies in one message. */
const MAX_COPIES = 1_000;
/** Bytes of an IPv6 address. */
const IP_MAX_BYTES = 16;
/** The largest port. */
const PORT_MAX = 65_535;
/** What a message's time may be at most: a year a hundred thousand hence. */
const TIME_MAX_MS = 2 ** 52;

/** How one type of message is written and read; `from` is dealt with for all. */
interface Entry<M extends GossipMessage> {
  readonly number: number;
  encode(message: M): ValueType[];
  decode(row: Row, from: NodeReference): M;
}

/** One entry a message. Numbers are append-only. */
const ENTRIES: {
  readonly [T in GossipMessage["type"]]: Entry<Extract<GossipMessage, { type: T }>>;
} = {
  batch: {
    number: 1,
    encode: (message: BatchMessage) => [
      message.asked,
      message.copies.map((copy) => [copy.ageMs, batchValues(copy.batch)]),
    ],
    decode: (row, from) => {
      const asked = row.flag();
      const copies = row.list(MAX_COPIES, (list) => takeCopy(list.row()));
      if (copies.length === 0) throw new WireError("malformed", "a batch message holds no batch");
      return { type: "batch", from, asked, copies };
    },
  },
  digest: {
    number: 2,
    encode: (message: DigestMessage) => [
      message.wantsReply,
      packIds(message.ids),
      packIds(message.cancelled),
    ],
    decode: (row, from) => ({
      type: "digest",
      from,
      wantsReply: row.flag(),
      ids: takeIds(row),
      cancelled: takeIds(row),
    }),
  },
  want: {
    number: 3,
    encode: (message: WantMessage) => [packIds(message.ids)],
    decode: (row, from) => ({ type: "want", from, ids: takeIds(row) }),
  },
  report: {
    number: 4,
    encode: ({ report }: ReportMessage) => [
      idToBytes(report.batchId),
      report.node,
      report.state === "done",
      report.passed,
      report.body,
    ],
    decode: (row, from) => ({
      type: "report",
      from,
      report: {
        batchId: takeId(row),
        node: row.text(NAME_MAX_BYTES),
        state: row.flag() ? "done" : "running",
        passed: row.flag(),
        body: row.bytes(REPORT_BODY_MAX_BYTES),
      },
    }),
  },
  confirm: {
    number: 5,
    encode: (message: ConfirmMessage) => [
      idToBytes(message.batchId),
      message.node,
      message.state === "done",
    ],
    decode: (row, from) => ({
      type: "confirm",
      from,
      batchId: takeId(row),
      node: row.text(NAME_MAX_BYTES),
      state: row.flag() ? "done" : "running",
    }),
  },
  start: {
    number: 6,
    encode: (message: StartMessage) => [idToBytes(message.batchId)],
    decode: (row, from) => ({ type: "start", from, batchId: takeId(row) }),
  },
  relay: {
    number: 7,
    encode: (message: RelayMessage) => [referenceValues(message.to), message.message],
    decode: (row, from) => ({
      type: "relay",
      from,
      to: takeReference(row.row()),
      message: row.bytes(GOSSIP_MESSAGE_MAX_BYTES),
    }),
  },
  relayed: {
    number: 8,
    encode: (message: RelayedMessage) => [message.message],
    decode: (row, from) => ({
      type: "relayed",
      from,
      message: row.bytes(GOSSIP_MESSAGE_MAX_BYTES),
    }),
  },
  cancel: {
    number: 9,
    encode: (message: CancelMessage) => [idToBytes(message.batchId)],
    decode: (row, from) => ({ type: "cancel", from, batchId: takeId(row) }),
  },
};

/** Types by their numbers. */
const TYPES = new Map(
  Object.entries(ENTRIES).map(([type, entry]) => [entry.number, type as GossipMessage["type"]]),
);

/** One message, as the payload of a user message. Raises `WireError` on ids and addresses that are none. */
export function encodeGossip(message: GossipMessage): Uint8Array<ArrayBuffer> {
  const entry = ENTRIES[message.type] as Entry<GossipMessage>;
  return encode([
    GOSSIP_PROTOCOL_VERSION,
    entry.number,
    referenceValues(message.from),
    ...entry.encode(message),
  ]);
}

/**
 * Reads one message; whole and valid, or not at all. Byte strings in it are views of `bytes`.
 * Raises `WireError`.
 */
export function decodeGossip(bytes: Uint8Array): GossipMessage {
  if (bytes.length > GOSSIP_MESSAGE_MAX_BYTES) {
    throw new WireError("too_large", `a gossip message is over ${GOSSIP_MESSAGE_MAX_BYTES} bytes`);
  }
  const row = decodeRow(bytes, "gossip message");
  const version = row.count(255);
  if (version !== GOSSIP_PROTOCOL_VERSION) {
    throw new WireError(
      "bad_version",
      `a gossip message of version ${version} came; this node speaks ${GOSSIP_PROTOCOL_VERSION}`,
    );
  }
  const number = row.count(255);
  const type = TYPES.get(number);
  if (type === undefined) {
    throw new WireError("unknown_type", `a gossip message of the unknown type ${number} came`);
  }
  return ENTRIES[type].decode(row, takeReference(row.row()));
}

/**
 * What a batch's signature is over: all but the origin's address (it may change with a restart) and
 * the signature itself, in an encoding that has one form.
 */
export function signedBytes(
  batch: Omit<Batch, "signature" | "origin"> & { readonly origin: Pick<NodeReference, "name"> },
): Uint8Array<ArrayBuffer> {
  return encode([
    SIGNED_CONTEXT,
    idToBytes(batch.id),
    batch.origin.name,
    batch.issuedAtMs,
    batch.expiresAtMs,
    ...targetValues(batch.target),
    batch.held,
    batch.body,
  ]);
}

/** A batch alone, for a journal. */
export function encodeBatch(batch: Batch): Uint8Array<ArrayBuffer> {
  return encode(batchValues(batch));
}

/** What `encodeBatch` wrote. Raises `WireError`. */
export function decodeBatch(bytes: Uint8Array): Batch {
  return takeBatch(decodeRow(bytes, "batch"));
}

function batchValues(batch: Batch): ValueType[] {
  return [
    idToBytes(batch.id),
    referenceValues(batch.origin),
    batch.issuedAtMs,
    batch.expiresAtMs,
    ...targetValues(batch.target),
    batch.held,
    batch.body,
    batch.signature,
  ];
}

function targetValues(target: Target): [ValueType, ValueType] {
  return [
    (target.tags ?? []).map((tag) => [tag.key, tag.equal, tag.value]),
    [...target.nodes ?? []],
  ];
}

function referenceValues(node: NodeReference): ValueType[] {
  return [node.name, ipToBytes(node.address.host), node.address.port];
}

function takeCopy(row: Row): BatchCopy {
  const ageMs = row.count(TIME_MAX_MS);
  return { ageMs, batch: takeBatch(row.row()) };
}

function takeBatch(row: Row): Batch {
  const id = takeId(row);
  const origin = takeReference(row.row());
  const issuedAtMs = row.count(TIME_MAX_MS);
  const expiresAtMs = row.count(TIME_MAX_MS);
  if (expiresAtMs !== 0 && expiresAtMs <= issuedAtMs) {
    throw new WireError("malformed", `batch ${id} expires before it is issued`);
  }
  return {
    id,
    origin,
    issuedAtMs,
    expiresAtMs,
    target: takeTarget(row),
    held: row.flag(),
    body: row.bytes(BATCH_BODY_MAX_BYTES),
    signature: row.bytes(SIGNATURE_MAX_BYTES),
  };
}

function takeTarget(row: Row): Target {
  const tags = row.list(TARGET_MAX_CONDITIONS, (list) => {
    const tag = list.row();
    return {
      key: tag.text(META_MAX_BYTES),
      equal: tag.flag(),
      value: tag.emptyOrText(META_MAX_BYTES),
    };
  });
  const nodes = row.list(TARGET_MAX_NODES, (list) => list.text(NAME_MAX_BYTES));
  return {
    ...(tags.length > 0 ? { tags } : {}),
    ...(nodes.length > 0 ? { nodes } : {}),
  };
}

function takeReference(row: Row): NodeReference {
  const name = row.text(NAME_MAX_BYTES);
  const host = ipFromBytes(row.bytes(IP_MAX_BYTES));
  const port = row.count(PORT_MAX);
  if (port === 0) throw new WireError("bad_address", `node "${name}" gives port 0`);
  return { name, address: { host, port } };
}

function packIds(ids: readonly BatchId[]): Uint8Array {
  const bytes = new Uint8Array(ids.length * ID_BYTES);
  ids.forEach((id, index) => idToBytes(id, { into: bytes, offset: index * ID_BYTES }));
  return bytes;
}

function takeId(row: Row): BatchId {
  const bytes = row.bytes(ID_BYTES);
  if (bytes.length !== ID_BYTES) {
    throw new WireError(
      "malformed",
      `a batch id of ${bytes.length} bytes came; ids have ${ID_BYTES}`,
    );
  }
  return idFromBytes(bytes);
}

function takeIds(row: Row): BatchId[] {
  const bytes = row.bytes(DIGEST_MAX_IDS * ID_BYTES);
  if (bytes.length % ID_BYTES !== 0) {
    throw new WireError(
      "malformed",
      `a list of ids has ${bytes.length} bytes; each has ${ID_BYTES}`,
    );
  }
  return Array.from(
    { length: bytes.length / ID_BYTES },
    (_, index) => idFromBytes(bytes, index * ID_BYTES),
  );
}
