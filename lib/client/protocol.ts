/**
 * What `gcheck` and its daemon say to each other: frames of a 4-byte big-endian length and that
 * many bytes of MessagePack. One connection carries one request and the replies to it:
 *
 *     gcheck                                daemon
 *     hello (version, nonce)          ->
 *                                     <-    hello (version, nonce, node's name; where it has a
 *                                           token, a proof and where its file is)
 *     proof (where it has a token)    ->
 *                                     <-    welcome, or refused
 *     request                         ->
 *                                     <-    reply, reply, …
 *
 * A proof is an HMAC of both nonces and of what the hello says under the token, so that the token
 * never crosses the socket and each end knows that the other has it. Every frame after `welcome`
 * then carries an HMAC too (`channel.ts`): whoever relays a connection can end it, and no more.
 * `gcheck` closing the connection ends the request.
 * @module
 */
import type { Address } from "../runtime.ts";
import type { Check, CheckResult } from "../checks/check.ts";
import type { RolloutStanding } from "../gossip/stages.ts";
import type { Amount, RolloutOptions, SkipReason, Submission, Target } from "../gossip/types.ts";
import type { KeyOperation } from "../batch/key_operation.ts";
import type { NodeState } from "../wire/messages.ts";

/** Rises when an older end could misread a newer one. */
export const CLIENT_PROTOCOL_VERSION = 2;
/** What both ends call themselves in `hello`, so that each knows that it talks to its like. */
export const CLIENT_PROTOCOL_NAME = "gossipcheck-client";
/** Where a longer path would have to be told, none is. */
export const TOKEN_PATH_MAX_BYTES = 512;
/** Random bytes that each end contributes to the proofs. */
export const NONCE_BYTES = 32;

/** What precedes a request; each message at most `CLIENT_HANDSHAKE_MAX_BYTES`. */
export type Handshake =
  /** First from `gcheck`, then from the daemon. */
  | {
    /** Tells the variants apart. */
    readonly type: "hello";
    /** `CLIENT_PROTOCOL_NAME`. */
    readonly protocol: string;
    /** The sender's `CLIENT_PROTOCOL_VERSION`. */
    readonly version: number;
    /** `NONCE_BYTES` random bytes. */
    readonly nonce: Uint8Array;
    /** Only from a daemon: its name in the cluster, at most `NAME_MAX_BYTES`. */
    readonly node?: string;
    /** Only from a daemon with a token: its proof, which is also its asking for one. */
    readonly proof?: Uint8Array;
    /** Only beside a proof: the path of the token's file, at most `TOKEN_PATH_MAX_BYTES`. */
    readonly tokenFile?: string;
  }
  /** From `gcheck`: go on. */
  | {
    /** Tells the variants apart. */
    readonly type: "proof";
    /** Present where the daemon asked for one. */
    readonly proof?: Uint8Array;
  }
  /** From the daemon: the request may come. */
  | {
    /** Tells the variants apart. */
    readonly type: "welcome";
  }
  /** From the daemon, in place of `hello` or `welcome`; it closes the connection after it. */
  | {
    /** Tells the variants apart. */
    readonly type: "refused";
    /** Which rule was broken. */
    readonly code: "version" | "unauthorised";
  };

/** What the operator's signature adds to a batch. */
export type SignedPart = NonNullable<Submission["signed"]>;

/** What `gcheck` asks. */
export type Request =
  /**
   * Sends a batch. Replies: `accepted`, then (unless `wait` is false) `state`, `progress`… with
   * `state` again each time that it changed, and `settled`.
   */
  | {
    /** Tells the variants apart. */
    readonly type: "check";
    /** What every targeted node is to run, at least one. */
    readonly checks: readonly Check[];
    /** Which members are to run it. */
    readonly target: Target;
    /** A random sample of the target of this size; absent for all of it. */
    readonly limit?: Amount;
    /** In stages; absent where all start at once. */
    readonly rollout?: RolloutOptions;
    /** How long from now others may still take it up, in milliseconds; 0 for ever. */
    readonly expiresInMs: number;
    /** Where the operator signed it: what was fixed by that. */
    readonly signed?: SignedPart;
    /** Whether to follow the batch until it is settled. */
    readonly wait: boolean;
  }
  /** Has every member change its keys, or name them. Replies: as to `check` with `wait`. */
  | {
    /** Tells the variants apart. */
    readonly type: "keys";
    /** What they are to do. */
    readonly operation: KeyOperation;
    /** Where the operator signed it: what was fixed by that. */
    readonly signed?: SignedPart;
  }
  /** Replies: `members`. */
  | {
    /** Tells the variants apart. */
    readonly type: "members";
  }
  /** Replies: `batches`. */
  | {
    /** Tells the variants apart. */
    readonly type: "batches";
  }
  /**
   * One batch as it stands. Replies: `accepted`, `state`, one `progress` a targeted member,
   * `settled`; or `error` with `unknown_batch`.
   */
  | {
    /** Tells the variants apart. */
    readonly type: "results";
    /** The whole id. */
    readonly batchId: string;
  }
  /** Cancels a batch on every node, also for the second time. Replies: `done`; or `error` with `unknown_batch`. */
  | {
    /** Tells the variants apart. */
    readonly type: "cancel";
    /** The whole id. */
    readonly batchId: string;
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
  /** Whom it is for. */
  readonly target: Target;
  /** When it expires, by its origin's wall clock, in Unix milliseconds; 0 for never. Absent once it has. */
  readonly expiresAtMs?: number;
  /** Whether it was cancelled. */
  readonly cancelled: boolean;
  /** Who signed it, by the name that the daemon asked trusts them under; absent where it trusts all. */
  readonly signer?: string;
  /** How far it has rolled out; absent where all start at once, and where the origin alone knows. */
  readonly rollout?: RolloutStanding;
}

/** One line of `results`. */
export interface BatchLine extends BatchState {
  /** The batch's id. */
  readonly batchId: string;
  /** When it was issued, by its origin's wall clock, in Unix milliseconds. */
  readonly issuedAtMs: number;
  /** The name of the node that collects its results. */
  readonly origin: string;
  /** The names of its checks. */
  readonly checks: readonly string[];
  /** How far it is; only the origin knows, others leave it out. */
  readonly counts?: {
    /** Members that it is for. */
    readonly targeted: number;
    /** Members whose outcomes are in. */
    readonly answered: number;
    /** Members that failed or left before they answered. */
    readonly unreached: number;
    /** Members that are not to run it (any more). */
    readonly skipped: number;
    /** Members of which some outcome is not `pass`. */
    readonly notPassing: number;
  };
}

/** One member's part of a batch as the origin knows it. A later one replaces an earlier one. */
export type NodeProgress =
  /** It has not said that it has the batch, or it is at it. */
  | {
    /** The member's name. */
    readonly node: string;
    /** How far it is. */
    readonly state: "pending" | "running";
  }
  /** Its outcomes are in. */
  | {
    /** The member's name. */
    readonly node: string;
    /** How far it is. */
    readonly state: "done";
    /** One a check, in the order of the batch. */
    readonly results: readonly CheckResult[];
  }
  /** It failed or left before it answered; where it answers late, `done` replaces this. */
  | {
    /** The member's name. */
    readonly node: string;
    /** How far it is. */
    readonly state: "unreached";
    /** What membership says of it. */
    readonly memberState: NodeState;
  }
  /** It is not to run it (any more); where it answers all the same, `done` replaces this. */
  | {
    /** The member's name. */
    readonly node: string;
    /** How far it is. */
    readonly state: "skipped";
    /** Why. */
    readonly reason: SkipReason;
  };

/** Why a daemon cannot do what it was asked; stable, for programs. */
export const REPLY_ERROR_CODES = [
  /** No batch of that id is remembered there. */
  "unknown_batch",
  /** The request is not one that this daemon understands, or breaks one of its rules. */
  "bad_request",
  /** The daemon has too much to do to take it. */
  "busy",
  /** A rule of the operator's forbids it. */
  "refused",
  /** The answer is longer than `CLIENT_FRAME_MAX_BYTES`. */
  "too_large",
  /** The daemon is at fault; its log says more. */
  "internal",
] as const;

/** One of `REPLY_ERROR_CODES`. */
export type ReplyErrorCode = typeof REPLY_ERROR_CODES[number];

/** What the daemon answers. */
export type Reply =
  /** The batch is known here; for `check`, it is on its way. */
  | {
    /** Tells the variants apart. */
    readonly type: "accepted";
    /** The batch's id. */
    readonly batchId: string;
    /** The members that it is for so far, by name; those that `progress` adds joined later. */
    readonly nodes: readonly string[];
  }
  /** A member's part of the batch, as it is now. */
  | {
    /** Tells the variants apart. */
    readonly type: "progress";
    /** Whose, and how far. */
    readonly progress: NodeProgress;
  }
  /** The batch as a whole, as it is now. */
  | {
    /** Tells the variants apart. */
    readonly type: "state";
    /** It replaces what came before. */
    readonly state: BatchState;
  }
  /** Nothing more will come: all have answered or are unreached, or all that is known was told. */
  | {
    /** Tells the variants apart. */
    readonly type: "settled";
  }
  /** All members, the answering one included. */
  | {
    /** Tells the variants apart. */
    readonly type: "members";
    /** In no order. */
    readonly members: readonly MemberLine[];
  }
  /** The batches that are remembered. */
  | {
    /** Tells the variants apart. */
    readonly type: "batches";
    /** Newest first. */
    readonly batches: readonly BatchLine[];
  }
  /** It is done. */
  | {
    /** Tells the variants apart. */
    readonly type: "done";
  }
  /** It cannot be done; nothing more will come. */
  | {
    /** Tells the variants apart. */
    readonly type: "error";
    /** Which kind of trouble. */
    readonly code: ReplyErrorCode;
    /** One line for the operator. */
    readonly message: string;
  };
