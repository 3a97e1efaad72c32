/**
 * The client protocol between `gcheck` and its daemon: frames of a 4-byte big-endian length and that
 * many bytes of MessagePack. One connection carries one request and its replies:
 *
 *     gcheck                                daemon
 *     hello (version, nonce)          ->
 *                                     <-    hello (version, nonce, node's name; if it has a
 *                                           token, a proof and the path of its file)
 *     proof (if there is a token)    ->
 *                                     <-    welcome, or refused
 *     request                         ->
 *                                     <-    reply, reply, …
 *
 * A proof is an HMAC of both nonces and of the hello, with the token as its key: the token never crosses
 * the socket, and each end knows that the other has it. Every frame after `welcome` carries an HMAC
 * too (`channel.ts`): a relay can end a connection, and no more. If `gcheck` closes the connection,
 * the request ends. A batch's body and the reports on it travel as the bytes that their makers
 * encoded.
 * @module
 */
import type { Amount } from "../batch/amount.ts";
import type { BodySummary } from "../batch/body.ts";
import type { BatchId } from "../batch/id.ts";
import type { MemberProgress, RolloutOptions, RolloutStanding } from "../batch/progress.ts";
import type { Order } from "../batch/order.ts";
import type { Target } from "../batch/target.ts";
import type { Address } from "../runtime.ts";

/** Rises if an older end could misread a newer one. */
export const CLIENT_PROTOCOL_VERSION = 3;
/** Name of the protocol in `hello`, so that each end recognizes the other. */
export const CLIENT_PROTOCOL_NAME = "gossipcheck-client";
/** A daemon does not send a longer path of its token file. */
export const TOKEN_PATH_MAX_BYTES = 512;
/** Length of each end's nonce. */
export const NONCE_BYTES = 32;

/** The messages before a request, each at most `CLIENT_HANDSHAKE_MAX_BYTES` long. */
export type Handshake =
  /** First from `gcheck`, then from the daemon. */
  | {
    readonly type: "hello";
    /** `CLIENT_PROTOCOL_NAME`. */
    readonly protocol: string;
    /** The sender's `CLIENT_PROTOCOL_VERSION`. */
    readonly version: number;
    /** `NONCE_BYTES` random bytes. */
    readonly nonce: Uint8Array;
    /** Only from a daemon: its name in the cluster, at most `NAME_MAX_BYTES`. */
    readonly node?: string;
    /** Only from a daemon with a token: its proof, which also asks for the client's. */
    readonly proof?: Uint8Array;
    /** Only beside a proof: the path of the token's file, at most `TOKEN_PATH_MAX_BYTES`. */
    readonly tokenFile?: string;
  }
  /** From `gcheck`: go on. */
  | {
    readonly type: "proof";
    /** Present if the daemon asked for one. */
    readonly proof?: Uint8Array;
  }
  /** From the daemon: the request may come. */
  | {
    readonly type: "welcome";
  }
  /** From the daemon, in place of `hello` or `welcome`; it closes the connection after it. */
  | {
    readonly type: "refused";
    /** Which rule was broken. */
    readonly code: "version" | "unauthorised";
  };

/** What `gcheck` asks. */
export type Request =
  /**
   * Sends a batch. Replies: `accepted`, then (unless `wait` is false) `state`, `progress`… with
   * `state` again each time that it changed, and `settled`.
   */
  | {
    readonly type: "check";
    /** The batch. */
    readonly order: Order;
    /** A random sample of the target of this size; absent for all of it. */
    readonly limit?: Amount;
    /** In stages; absent if all start at once. */
    readonly rollout?: RolloutOptions;
    /** Whether to follow the batch until it is settled. */
    readonly wait: boolean;
  }
  /** Replies: `members`. */
  | {
    readonly type: "members";
  }
  /** Replies: `batches`. */
  | {
    readonly type: "batches";
  }
  /**
   * One batch as it stands. Replies: `accepted`, `state`, one `progress` a targeted member,
   * `settled`; or `error` with `unknown_batch`.
   */
  | {
    readonly type: "results";
    /** The whole id. */
    readonly batchId: BatchId;
  }
  /** Cancels a batch on every node, also for the second time. Replies: `done`; or `error` with `unknown_batch`. */
  | {
    readonly type: "cancel";
    /** The whole id. */
    readonly batchId: BatchId;
  };

/** One line of `list-members`. */
export interface MemberLine {
  /** The member's unique name. */
  readonly name: string;
  /** Where it listens for other nodes. */
  readonly address: Address;
  /** As the answering daemon sees it; memberlist's `dead` is `failed` here. */
  readonly state: "alive" | "suspect" | "left" | "failed";
  /** What it publishes about itself, without the reserved tag. */
  readonly tags: Readonly<Record<string, string>>;
  /** Whether it takes batches; other members of a memberlist cluster do not. */
  readonly runsGossipcheck: boolean;
  /** Set where only this transport reaches it. */
  readonly degraded?: "udp" | "tcp";
  /** Whether it is the daemon that answers. */
  readonly self: boolean;
}

/** What is known of a batch beside its members' parts. */
export interface BatchState {
  /** The members that it is for. */
  readonly target: Target;
  /** When it expires, by its origin's wall clock, in Unix milliseconds; 0 for never. Absent after that. */
  readonly expiresAtMs?: number;
  /** Whether it was cancelled. */
  readonly cancelled: boolean;
  /** The name of the trusted key that signed it, at the daemon that answers; absent if that one trusts all. */
  readonly signer?: string;
  /** How far it has rolled out; absent if all start at once, and if the daemon is not its origin. */
  readonly rollout?: RolloutStanding;
}

/** One line of `results`. */
export interface BatchLine extends BatchState {
  /** The batch's id. */
  readonly batchId: BatchId;
  /** When it was issued, by its origin's wall clock, in Unix milliseconds. */
  readonly issuedAtMs: number;
  /** The name of the node that collects its results. */
  readonly origin: string;
  /** What it holds. */
  readonly summary: BodySummary;
  /** How far it is; absent if the daemon is not its origin. */
  readonly counts?: {
    /** Members that it is for. */
    readonly targeted: number;
    /** Members whose report is in. */
    readonly answered: number;
    /** Members that failed or left before they answered. */
    readonly unreached: number;
    /** Members that do not run it (any more). */
    readonly skipped: number;
    /** Members with an outcome other than `pass`. */
    readonly notPassing: number;
  };
}

/** One member's part of a batch as the origin knows it; its report is encoded. A later one replaces an earlier one. */
export type NodeProgress = MemberProgress & {
  /** The member's name. */
  readonly node: string;
};

/** Why a daemon cannot answer a request; stable, for programs. */
export const REPLY_ERROR_CODES = [
  /** The daemon remembers no batch with that id. */
  "unknown_batch",
  /** The request is malformed, or breaks one of the daemon's rules. */
  "bad_request",
  /** Too much is under way at the daemon. */
  "busy",
  /** A rule of the node's operator forbids it. */
  "refused",
  /** The reply is longer than `CLIENT_FRAME_MAX_BYTES`. */
  "too_large",
  /** The daemon is at fault; its log says more. */
  "internal",
] as const;

/** One of `REPLY_ERROR_CODES`. */
export type ReplyErrorCode = typeof REPLY_ERROR_CODES[number];

/** A reply of the daemon. */
export type Reply =
  /** The batch is known to the daemon; in reply to `check`, it was issued. */
  | {
    readonly type: "accepted";
    /** The batch's id. */
    readonly batchId: BatchId;
    /** The members that it is for so far, by name; those that `progress` adds joined later. */
    readonly nodes: readonly string[];
  }
  /** A member's part of the batch, as it is now. */
  | {
    readonly type: "progress";
    /** The member and its progress. */
    readonly progress: NodeProgress;
  }
  /** The batch as a whole, as it is now. */
  | {
    readonly type: "state";
    /** It replaces what came before. */
    readonly state: BatchState;
  }
  /** The last reply: all members have answered or are unreached, or all that is known was sent. */
  | {
    readonly type: "settled";
  }
  /** All members, the answering one included. */
  | {
    readonly type: "members";
    /** In no order. */
    readonly members: readonly MemberLine[];
  }
  /** The batches that are remembered. */
  | {
    readonly type: "batches";
    /** Newest first. */
    readonly batches: readonly BatchLine[];
  }
  /** The request was carried out. */
  | {
    readonly type: "done";
  }
  /** The request cannot be carried out; the last reply. */
  | {
    readonly type: "error";
    /** The kind of error. */
    readonly code: ReplyErrorCode;
    /** One line for the operator. */
    readonly message: string;
  };
