/**
 * Gossip messages as bytes: a MessagePack array of protocol version, sender, and the message's type
 * with its fields.
 * @module
 */
import type { NodeReference } from "../address.ts";
import { BATCH, type BatchCopy, NODE_REFERENCE } from "../batch/batch.ts";
import { BATCH_ID, batchIds } from "../batch/id.ts";
import { WireError } from "../errors.ts";
import {
  DIGEST_MAX_IDS,
  GOSSIP_MESSAGE_MAX_BYTES,
  NAME_MAX_BYTES,
  REPORT_BODY_MAX_BYTES,
} from "../limits.ts";
import {
  boolean,
  bytes,
  checked,
  type Codec,
  count,
  decodeMessage,
  encodeMessage,
  list,
  malformed,
  mapped,
  oneOf,
  row,
  taggedRow,
  text,
} from "../msgpack_codec.ts";
import type { GossipMessage, NodeReport } from "./messages.ts";

/** Rises if an older node would misread a newer one; appended values do not count. */
const GOSSIP_PROTOCOL_VERSION = 2;
/** Copies in one message. */
const MAX_COPIES = 1_000;
/** The oldest age of a copy: a hundred thousand years. */
const AGE_MAX_MS = 2 ** 52;

/** Each message without its sender, which all have. */
type Payload = GossipMessage extends infer M ? M extends unknown ? Omit<M, "from"> : never : never;

const nodeName = text({ min: 1, max: NAME_MAX_BYTES });
const reportState = oneOf(["running", "done"]);
const carried = bytes({ max: GOSSIP_MESSAGE_MAX_BYTES });

const copies: Codec<readonly BatchCopy[]> = checked(
  list(row<BatchCopy>({ batch: BATCH, ageMs: count(AGE_MAX_MS) }), MAX_COPIES),
  (found, at) => {
    if (found.length === 0) throw malformed(at, "at least one batch");
    return found;
  },
);

const PAYLOAD: Codec<Payload> = taggedRow<Payload, "type">("type", {
  batch: { asked: boolean, copies },
  digest: {
    wantsReply: boolean,
    ids: batchIds(DIGEST_MAX_IDS),
    cancelled: batchIds(DIGEST_MAX_IDS),
  },
  want: { ids: batchIds(DIGEST_MAX_IDS) },
  report: {
    report: row<NodeReport>({
      batchId: BATCH_ID,
      node: nodeName,
      state: reportState,
      passed: boolean,
      report: bytes({ max: REPORT_BODY_MAX_BYTES }),
    }),
  },
  confirm: { batchId: BATCH_ID, node: nodeName, state: reportState },
  start: { batchId: BATCH_ID },
  relay: { to: NODE_REFERENCE, message: carried },
  relayed: { message: carried },
  cancel: { batchId: BATCH_ID },
});

const MESSAGE: Codec<GossipMessage> = mapped(
  row<{ version: number; from: NodeReference; payload: Payload }>({
    version: checked(count(), (version) => {
      if (version === GOSSIP_PROTOCOL_VERSION) return version;
      throw new WireError(
        "bad_version",
        `unsupported gossip protocol version ${version} (this node speaks ${GOSSIP_PROTOCOL_VERSION})`,
      );
    }),
    from: NODE_REFERENCE,
    payload: PAYLOAD,
  }),
  {
    write: ({ from, ...payload }) => ({ version: GOSSIP_PROTOCOL_VERSION, from, payload }),
    read: ({ from, payload }) => ({ ...payload, from }),
  },
);

/** One message, as the payload of a link message. Raises `WireError` on bad ids and addresses. */
export function encodeGossip(message: GossipMessage): Uint8Array<ArrayBuffer> {
  return encodeMessage(MESSAGE, message);
}

/**
 * Reads one message, whole and valid or not at all. Byte strings in it are views of `bytes`. Raises
 * `WireError`.
 */
export function decodeGossip(bytes: Uint8Array): GossipMessage {
  return decodeMessage(bytes, {
    codec: MESSAGE,
    what: "a gossip message",
    maxBytes: GOSSIP_MESSAGE_MAX_BYTES,
  });
}
