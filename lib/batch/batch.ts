/**
 * A batch: what an operator sent, as it travels between nodes and stands in the journal.
 *
 * Its issuer encodes a batch once. These bytes, its content, are what is signed; every node hands
 * them on and keeps them as they came, also if a later version has put more into them than this one
 * reads. Beside them travel the origin's address, which may change with a restart, and the
 * signature.
 * @module
 */
import { ipFromBytes, ipToBytes, type NodeReference } from "../address.ts";
import { WireError } from "../errors.ts";
import {
  BATCH_BODY_MAX_BYTES,
  BATCH_CONTENT_MAX_BYTES,
  NAME_MAX_BYTES,
  SIGNATURE_MAX_BYTES,
} from "../limits.ts";
import {
  boolean,
  bytes,
  checked,
  type Codec,
  count,
  decodeMessage,
  encodeMessage,
  mapped,
  oneOf,
  row,
  text,
} from "../msgpack_codec.ts";
import type { Address } from "../runtime.ts";
import { BATCH_ID, type BatchId } from "./id.ts";
import { TARGET, type Target } from "./target.ts";

/** What the issuer fixes, and what a signature is over. */
export interface BatchContent {
  /** Unique, made at issue. */
  readonly id: BatchId;
  /** The name of the node that collects the results: nobody else can send the batch as theirs. */
  readonly originName: string;
  /** When it was issued, by the issuer's wall clock, in Unix milliseconds. */
  readonly issuedAtMs: number;
  /**
   * When it expires; 0 for never. Nodes go by how long it lives (`expiresAtMs - issuedAtMs`) and by
   * the age that travels with each copy, so that a clock that is off neither ends nor extends it.
   */
  readonly expiresAtMs: number;
  /** The members that it is for. */
  readonly target: Target;
  /** Whether a targeted node waits for the origin's `start`: samples and staged roll-outs. */
  readonly held: boolean;
  /** What the nodes are to do, encoded (`body.ts`). */
  readonly body: Uint8Array;
}

/** A batch. Immutable from the moment of issue, but for the origin's address. */
export interface Batch extends Omit<BatchContent, "originName"> {
  /** The node that issued it and collects its results. */
  readonly origin: NodeReference;
  /** All of the above but the origin's address, as the issuer encoded it. */
  readonly content: Uint8Array;
  /** The signer and their signature over `content`; empty if unsigned. */
  readonly signature: Uint8Array;
}

/** A batch on its way. */
export interface BatchCopy {
  /** The batch. */
  readonly batch: Batch;
  /** Milliseconds since its issue, as the sender knows them. */
  readonly ageMs: number;
}

/** States what a signature is over, so that it holds for nothing else. */
const CONTEXT = "gossipcheck batch 2";
/** The latest time that a message may state: a year a hundred thousand years from now. */
const TIME_MAX_MS = 2 ** 52;
const PORT_MAX = 65_535;
const IP_MAX_BYTES = 16;

/** An IP address and a port from 1 to 65535. */
export const ADDRESS: Codec<Address> = mapped(
  row<{ ip: Uint8Array; port: number }>({
    ip: bytes({ max: IP_MAX_BYTES }),
    port: count(PORT_MAX),
  }),
  {
    write: ({ host, port }) => ({ ip: ipToBytes(host), port }),
    read: ({ ip, port }, at) => {
      if (port === 0) throw new WireError("bad_address", `${at} has port 0`);
      return { host: ipFromBytes(ip), port };
    },
  },
);

/** A node's name and address. */
export const NODE_REFERENCE: Codec<NodeReference> = row<NodeReference>({
  name: text({ min: 1, max: NAME_MAX_BYTES }),
  address: ADDRESS,
});

const CONTENT: Codec<BatchContent & { readonly context: typeof CONTEXT }> = checked(
  row<BatchContent & { readonly context: typeof CONTEXT }>({
    context: oneOf([CONTEXT]),
    id: BATCH_ID,
    originName: text({ min: 1, max: NAME_MAX_BYTES }),
    issuedAtMs: count(TIME_MAX_MS),
    expiresAtMs: count(TIME_MAX_MS),
    target: TARGET,
    held: boolean,
    body: bytes({ max: BATCH_BODY_MAX_BYTES }),
  }),
  (content, at) => {
    const { id, issuedAtMs, expiresAtMs } = content;
    if (expiresAtMs === 0 || expiresAtMs > issuedAtMs) return content;
    throw new WireError("malformed", `${at}: batch ${id} expires before it is issued`);
  },
);

/** Encodes a batch's content; the issuer alone does, once. Raises `WireError` on a bad id. */
export function encodeBatchContent(content: BatchContent): Uint8Array<ArrayBuffer> {
  return encodeMessage(CONTENT, { ...content, context: CONTEXT });
}

/** Reads what `encodeBatchContent` wrote; `body` is a view of it. Raises `WireError`. */
export function decodeBatchContent(content: Uint8Array): BatchContent {
  const { context: _, ...fields } = decodeMessage(content, {
    codec: CONTENT,
    what: "a batch",
    maxBytes: BATCH_CONTENT_MAX_BYTES,
  });
  return fields;
}

/** The batch of these parts. Raises `WireError`. */
export function batchOf(parts: {
  readonly content: Uint8Array;
  readonly address: Address;
  readonly signature: Uint8Array;
}): Batch {
  const { content, address, signature } = parts;
  const { originName, ...fields } = decodeBatchContent(content);
  return { ...fields, origin: { name: originName, address }, content, signature };
}

/** A batch as it travels and stands in the journal. */
export const BATCH: Codec<Batch> = mapped(
  row<Parameters<typeof batchOf>[0]>({
    content: bytes({ max: BATCH_CONTENT_MAX_BYTES }),
    address: ADDRESS,
    signature: bytes({ max: SIGNATURE_MAX_BYTES }),
  }),
  {
    write: ({ content, origin: { address }, signature }) => ({ content, address, signature }),
    read: (parts) => batchOf(parts),
  },
);

/** How long a batch lives from its issue; infinite if it never expires. */
export function lifetimeMs({ issuedAtMs, expiresAtMs }: Batch): number {
  return expiresAtMs === 0 ? Infinity : expiresAtMs - issuedAtMs;
}
