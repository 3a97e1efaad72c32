/**
 * The dissemination side of a node: the dissemination machine and its host joined.
 * @module
 */
import type { Batch } from "../batch/batch.ts";
import { Dissemination } from "../gossip/dissemination.ts";
import type { GossipSettings } from "../gossip/settings.ts";
import type { RestoredState } from "../gossip/types.ts";
import { GossipHost, type GossipHostOptions, type UserMessage } from "./gossip_host.ts";

/** Options of a `Gossip`. */
export interface GossipOptions extends Omit<GossipHostOptions, "machine"> {
  /** Timings and bounds of dissemination. */
  readonly settings: GossipSettings;
  /** What the journal kept over a restart; absent for a new node. */
  readonly restored?: RestoredState;
  /** Why a batch is refused; `undefined` accepts it. */
  readonly admit: (batch: Batch) => string | undefined;
}

/**
 * Dissemination among the members that a `PeerView` shows. It does not know where that view comes
 * from: `Node` takes it from the membership, and the simulator from the test.
 */
export class Gossip {
  readonly #host: GossipHost;

  /** Issues, follows and cancels batches. */
  readonly dissemination: Dissemination;

  /** Sends nothing before `dissemination.start`. */
  constructor(options: GossipOptions) {
    const { settings, peers, clock, random, admit, restored } = options;
    this.#host = new GossipHost({
      ...options,
      machine: {
        fire: (timer) => this.dissemination.fire(timer),
        sent: (sendId, ok) => this.dissemination.sent(sendId, ok),
        persisted: (token, failure) => this.dissemination.persisted(token, failure),
        receive: (message, from) => this.dissemination.receive(message, from),
      },
    });
    this.dissemination = new Dissemination({
      ...{ settings, peers, clock, random, admit, effects: this.#host },
      ...(restored === undefined ? {} : { restored }),
    });
  }

  /**
   * Handles a user message from another node. Returns the sealed acknowledgement to write back if it
   * came on a stream and was accepted.
   */
  receiveUserMessage(message: UserMessage): Uint8Array | undefined {
    return this.#host.receiveUserMessage(message);
  }

  /** Ends all timers, and sends and calls back nothing more. */
  close(): void {
    this.#host.close();
  }
}
