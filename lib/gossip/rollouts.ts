/**
 * Roll-outs at the origin: sends `start` to the members of a held batch, stage by stage, and again
 * until each answers.
 * @module
 */
import type { BatchId } from "../batch/id.ts";
import type { StartMessage } from "./messages.ts";
import { encodeGossip } from "./codec.ts";
import {
  currentReference,
  type GossipContext,
  retryDelayMs,
  selfReference,
  sendVia,
} from "./context.ts";
import { choosePeers } from "./burst.ts";
import type { CollectedBatch, Results } from "./results.ts";
import { ALL_AT_ONCE, rolloutState } from "./stages.ts";

/** The members of one batch that were told to start. */
interface Telling {
  /** Their names. */
  readonly told: Set<string>;
  /** Whether the roll-out was stopped. */
  stopped: boolean;
  /** How often `start` was sent to this stage. */
  attempt: number;
  /** Token of the timer that is not stale. */
  token: number;
}

/** What a `Rollouts` is made of. */
export interface RolloutsOptions {
  /** What the parts of the machine share. */

  readonly context: GossipContext;
  /** The progress of the batches. */
  readonly results: Results;
  /** Starts the batch on this node. */
  readonly startHere: (batchId: BatchId) => void;
}

/** The held batches that this node issued. */
export class Rollouts {
  readonly #context: GossipContext;
  readonly #results: Results;
  readonly #startHere: (batchId: BatchId) => void;
  readonly #tellings = new Map<BatchId, Telling>();
  #lastToken = 0;

  /** Has started nothing. */
  constructor(options: RolloutsOptions) {
    this.#context = options.context;
    this.#results = options.results;
    this.#startHere = options.startHere;
  }

  /** Starts the members whose stage has come. To be called after each change of the batch's progress. */
  advance(collected: CollectedBatch): void {
    const { batchId } = collected;
    const telling = this.#tellings.get(batchId) ??
      { told: new Set(), stopped: false, attempt: 0, token: 0 };
    this.#tellings.set(batchId, telling);
    const state = rolloutState(collected.members, collected.rollout ?? ALL_AT_ONCE);
    if (state.stopped && !telling.stopped) {
      telling.stopped = true;
      this.#context.effects.emit({ type: "rollout_stopped", batchId, failures: state.failures });
      this.#results.skip(collected, { nodes: state.waiting, reason: "rollout_stopped" });
    }
    if (collected.unsettled === 0) {
      this.#tellings.delete(batchId);
      return;
    }
    const fresh = state.open.filter((name) => !telling.told.has(name));
    if (fresh.length === 0) return;
    fresh.forEach((name) => telling.told.add(name));
    telling.attempt = 0;
    this.#tell(collected, { names: fresh, telling });
  }

  /** Skips all members that have not started. */
  cancel(collected: CollectedBatch): void {
    const { waiting } = rolloutState(collected.members, collected.rollout ?? ALL_AT_ONCE);
    this.#results.skip(collected, { nodes: waiting, reason: "cancelled" });
  }

  /** Sends `start` again to the members that have not answered. */
  fire(timer: { readonly batchId: BatchId; readonly token: number }): void {
    const telling = this.#tellings.get(timer.batchId);
    if (telling?.token !== timer.token) return;
    const collected = this.#results.get(timer.batchId);
    if (collected === undefined) {
      this.#tellings.delete(timer.batchId);
      return;
    }
    const names = [...telling.told]
      .filter((name) => collected.members.get(name)?.state === "pending");
    if (names.length > 0) this.#tell(collected, { names, telling });
  }

  #tell(
    collected: CollectedBatch,
    options: { readonly names: readonly string[]; readonly telling: Telling },
  ): void {
    const context = this.#context;
    const { telling, names } = options;
    const { batchId } = collected;
    const attempt = telling.attempt++;
    telling.token = ++this.#lastToken;
    context.effects.setTimer(
      retryDelayMs(context, attempt),
      { type: "start_retry", batchId, token: telling.token },
    );
    const start: StartMessage = { type: "start", from: selfReference(context.peers), batchId };
    const message = encodeGossip(start);
    for (const name of names) {
      const peer = context.peers.peer(name);
      if (name === context.peers.self.name || peer === undefined) continue;
      const [relay] = attempt % 2 === 1
        ? choosePeers(context, { count: 1, exclude: new Set([name]) })
        : [];
      sendVia(context, { to: currentReference(context.peers, peer), message, relay });
    }
    // Last, because a run that is refused at once may start the next stage.
    if (names.includes(context.peers.self.name)) this.#startHere(batchId);
  }
}
