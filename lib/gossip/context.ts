/**
 * What the parts of the dissemination machine share.
 * @module
 */
import type { GossipMessage } from "./messages.ts";
import type { NodeReference } from "../address.ts";
import type { Batch } from "../batch/batch.ts";
import { backoffMs } from "../backoff.ts";
import type { Clock, Random } from "../runtime.ts";
import type { GossipEffects, PeerView, RestoredState } from "./types.ts";
import type { GossipSettings } from "./settings.ts";
import { encodeGossip } from "./codec.ts";
import type { DurableRecords } from "./durable_records.ts";
import type { Sends } from "./sends.ts";

/** What a `Dissemination` is made of. */
export interface DisseminationOptions {
  /** Timings and bounds. */
  readonly settings: GossipSettings;
  /** The membership. */
  readonly peers: PeerView;
  /** Does what the machine asks for. */
  readonly effects: GossipEffects;
  /** The clock. */
  readonly clock: Clock;
  /** Randomness. */
  readonly random: Random;
  /** What the journal kept over a restart; absent for a new node. */
  readonly restored?: RestoredState;
  /** Why a batch is refused: neither run nor forwarded; `undefined` accepts it. Default: all are accepted. */
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
  /** Batches whose results were evicted since the start. */
  readonly forgottenCollections: number;
  /** Reports that the origin has not confirmed. */
  readonly reports: number;
  /** Sends under way or waiting. */
  readonly sends: number;
}

/** What the parts of one machine share. */
export interface GossipContext {
  /** Timings and bounds. */
  readonly settings: GossipSettings;
  /** The membership. */
  readonly peers: PeerView;
  /** Does what the machine asks for. */
  readonly effects: GossipEffects;
  /** The clock. */
  readonly clock: Clock;
  /** Randomness. */
  readonly random: Random;
  /** Messages to be sent. */
  readonly sends: Sends;
  /** Records on their way to the journal. */
  readonly records: DurableRecords;
}

/** This node, as it names itself in messages. */
export function selfReference(peers: PeerView): NodeReference {
  return { name: peers.self.name, address: peers.self.address };
}

/** A node with its address by the membership or, if that does not know it, its own. */
export function currentReference(peers: PeerView, node: NodeReference): NodeReference {
  const peer = peers.peer(node.name);
  return peer === undefined ? node : { name: peer.name, address: peer.address };
}

/** How long to wait for an answer after the attempt of that number, from 0. */
export function retryDelayMs(context: GossipContext, attempt: number): number {
  const { settings: { confirmTimeoutMs: firstMs, retryMaxMs: maxMs }, random } = context;
  return backoffMs({ attempt, firstMs, maxMs, random });
}

/**
 * Sends a message to a node directly or, if `relay` is given, through that member. Returns false if
 * there is no room, or if a message with the same `key` still waits to go the same way.
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

/** Drops a message that was not expected. */
export function dropUnexpected(
  context: Pick<GossipContext, "effects">,
  options: { readonly from: string; readonly detail: string },
): void {
  context.effects.emit({ type: "dropped", reason: "unexpected", ...options });
}
