/**
 * What the parts of the machine share.
 * @module
 */
import type { Clock, Random } from "../runtime.ts";
import type {
  Batch,
  GossipEffects,
  GossipMessage,
  NodeReference,
  PeerView,
  RestoredState,
} from "./types.ts";
import type { GossipSettings } from "./settings.ts";
import { encodeGossip } from "./codec.ts";
import type { Sends } from "./sends.ts";

/** What the machine is made of. */
export interface DisseminationOptions {
  /** Timings and bounds. */
  readonly settings: GossipSettings;
  /** The membership. */
  readonly peers: PeerView;
  /** The world. */
  readonly effects: GossipEffects;
  /** The time. */
  readonly clock: Clock;
  /** Chance. */
  readonly random: Random;
  /** What survived a restart; absent for a node that starts from nothing. */
  readonly restored?: RestoredState;
  /** Why a batch is not let in: neither run nor forwarded; `undefined` lets it in. Default: all are. */
  readonly admit?: (batch: Batch) => string | undefined;
}

/** How much the machine holds, for metrics and for tests of its bounds. */
export interface DisseminationStatus {
  /** Ids that are remembered. */
  readonly ids: number;
  /** Batches that are remembered whole. */
  readonly batches: number;
  /** The bytes that they take. */
  readonly batchBytes: number;
  /** Batches whose results are held as origin. */
  readonly collections: number;
  /** Batches whose results made room for newer ones since the start. */
  readonly forgottenCollections: number;
  /** Reports that the origin has not confirmed. */
  readonly reports: number;
  /** Sends under way or waiting. */
  readonly sends: number;
}

/** One machine's surroundings. */
export interface GossipContext {
  /** Timings and bounds. */
  readonly settings: GossipSettings;
  /** The membership. */
  readonly peers: PeerView;
  /** The world. */
  readonly effects: GossipEffects;
  /** The time. */
  readonly clock: Clock;
  /** Chance. */
  readonly random: Random;
  /** Messages on their way out. */
  readonly sends: Sends;
}

/** This node, as it names itself in messages. */
export function selfReference(peers: PeerView): NodeReference {
  return { name: peers.self.name, address: peers.self.address };
}

/** Where a node is now as far as the membership knows, else where it says it is. */
export function currentReference(peers: PeerView, node: NodeReference): NodeReference {
  const peer = peers.peer(node.name);
  return peer === undefined ? node : { name: peer.name, address: peer.address };
}

/** `delayMs`, a quarter more or less by chance, so that nodes do not act in step. */
export function jittered(delayMs: number, random: { next(): number }): number {
  return delayMs * (0.75 + random.next() / 2);
}

/** How long the try after the `attempt`-th (from 0) waits: doubled each time up to the most, jittered. */
export function retryDelayMs(context: GossipContext, attempt: number): number {
  const { confirmTimeoutMs, retryMaxMs } = context.settings;
  return jittered(
    Math.min(retryMaxMs, confirmTimeoutMs * 2 ** Math.min(attempt, 30)),
    context.random,
  );
}

/**
 * Sends to a node straight, or wrapped for a random other member to carry there. Gives false where
 * there is no such member, no room, or where one of the same `key` still waits to go the same way.
 */
export function sendVia(
  context: GossipContext,
  options: {
    readonly to: NodeReference;
    readonly message: Uint8Array;
    readonly relay: NodeReference | undefined;
    readonly done?: (ok: boolean) => void;
    readonly key?: string;
  },
): boolean {
  const { relay, to, message, done, key } = options;
  const wrapped: GossipMessage = { type: "relay", from: selfReference(context.peers), to, message };
  return context.sends.send({
    to: relay ?? to,
    message: relay === undefined ? message : encodeGossip(wrapped),
    ...(done === undefined ? {} : { done }),
    ...(key === undefined ? {} : { key: `${key} ${relay === undefined ? "straight" : "relayed"}` }),
  });
}

/** Tells that a message was dropped since nothing like it was to come. */
export function dropUnexpected(
  context: Pick<GossipContext, "effects">,
  options: { readonly from: string; readonly detail: string },
): void {
  context.effects.emit({ type: "dropped", reason: "unexpected", ...options });
}
