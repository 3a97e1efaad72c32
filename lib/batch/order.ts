/**
 * An order: what an operator asks a node to issue as a batch.
 * @module
 */
import {
  BATCH_BODY_MAX_BYTES,
  BATCH_CONTENT_MAX_BYTES,
  BATCH_EXPIRES_MAX_MS,
  SIGNATURE_MAX_BYTES,
} from "../limits.ts";
import { bytes, type Codec, count, tagged } from "../msgpack_codec.ts";
import { TARGET, type Target } from "./target.ts";

/**
 * What the nodes are to do and for whom. `unsigned`: to be issued by the node that receives the
 * order. `signed`: issued by the operator who signed it, so that nobody can change anything of it.
 */
export type Order =
  | {
    readonly type: "unsigned";
    /** The batch's body, as `encodeBody` wrote it. */
    readonly body: Uint8Array;
    /** The members that are to run it. */
    readonly target: Target;
    /** How long the batch lives; 0 for ever. */
    readonly expiresInMs: number;
  }
  | {
    readonly type: "signed";
    /** The batch's content, as `encodeBatchContent` wrote it. */
    readonly content: Uint8Array;
    /** The signer and their signature over `content`. */
    readonly signature: Uint8Array;
  };

/** An order as it travels in a request. */
export const ORDER: Codec<Order> = tagged<Order, "type">("type", {
  unsigned: {
    body: bytes({ max: BATCH_BODY_MAX_BYTES }),
    target: TARGET,
    expiresInMs: count(BATCH_EXPIRES_MAX_MS),
  },
  signed: {
    content: bytes({ max: BATCH_CONTENT_MAX_BYTES }),
    signature: bytes({ max: SIGNATURE_MAX_BYTES }),
  },
});
