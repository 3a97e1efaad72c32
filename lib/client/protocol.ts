/**
 * What `gcheck` and its daemon say to each other: frames of a 4-byte big-endian length and that
 * many bytes of MessagePack. One connection carries one request and the replies to it.
 * @module
 */
import type { Address } from "../runtime.ts";
import type { Check, CheckResult } from "../checks/check.ts";
import type { Target } from "../gossip/types.ts";
import type { NodeState } from "../wire/messages.ts";

/** Rises when an older end could misread a newer one. */
export const CLIENT_PROTOCOL_VERSION = 1;

/** What `gcheck` asks. */
export type Request =
  /** Sends a batch. Replies: `accepted`, then (unless `wait` is false) `progress`… and `settled`. */
  | {
    readonly type: "check";
    readonly checks: readonly Check[];
    readonly target: Target;
    /** 0 for never. */
    readonly expiresInMs: number;
    readonly wait: boolean;
  }
  /** Replies: `members`. */
  | { readonly type: "members" }
  /** Replies: `batches`. */
  | { readonly type: "batches" }
  /** One batch as it stands. Replies: `accepted`, `progress`…, `settled`; or `error`. */
  | { readonly type: "results"; readonly batchId: string }
  /** Replies: `done`. */
  | { readonly type: "cancel"; readonly batchId: string };

/** One line of `list-members`. */
export interface MemberLine {
  readonly name: string;
  readonly address: Address;
  readonly state: "alive" | "suspect" | "left" | "failed";
  readonly tags: Readonly<Record<string, string>>;
  readonly runsGossipcheck: boolean;
  readonly degraded?: "udp" | "tcp";
  /** Whether it is the daemon that answers. */
  readonly self: boolean;
}

/** One line of `results`. */
export interface BatchLine {
  readonly batchId: string;
  readonly issuedAtMs: number;
  readonly origin: string;
  readonly checks: readonly string[];
  /** Members targeted, answered, unreached; only the origin knows, others give absent. */
  readonly counts?: {
    readonly targeted: number;
    readonly answered: number;
    readonly unreached: number;
    readonly notPassing: number;
  };
}

/** One member's part of a batch as the origin knows it. */
export type NodeProgress =
  | { readonly node: string; readonly state: "pending" | "running" }
  | { readonly node: string; readonly state: "done"; readonly results: readonly CheckResult[] }
  | { readonly node: string; readonly state: "unreached"; readonly memberState: NodeState };

/** What the daemon answers. */
export type Reply =
  | { readonly type: "accepted"; readonly batchId: string; readonly nodes: readonly string[] }
  | { readonly type: "progress"; readonly progress: NodeProgress }
  | { readonly type: "settled" }
  | { readonly type: "members"; readonly members: readonly MemberLine[] }
  | { readonly type: "batches"; readonly batches: readonly BatchLine[] }
  | { readonly type: "done" }
  | { readonly type: "error"; readonly code: string; readonly message: string };
