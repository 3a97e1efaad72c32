/**
 * Messages that wait for the disk: no confirmation goes out before what it confirms is durable, and
 * many go out after one wait.
 * @module
 */
import { StoreError } from "../errors.ts";
import type { GossipEffects, GossipEvent, GossipTimer, SendRequest } from "../gossip/types.ts";
import type { Log, Timers } from "../runtime.ts";
import type { BatchStore } from "../journal/batch_store.ts";
import { TimerSet } from "../timer_set.ts";

/** What a `DurableSends` is made of. */
export interface DurableSendsOptions {
  /** Does what is asked. */
  readonly host: GossipEffects;
  /** Where what messages rely on is kept. */
  readonly store: Pick<BatchStore, "unsynced" | "sync">;
  /** Lets more gather before the disk is waited for. */
  readonly timers: Timers;
  /** Says where the disk fails. */
  readonly log: Log;
  /** Learns that a send came to nothing. */
  readonly failed: (sendId: number) => void;
}

/**
 * An origin may hear a thousand nodes at once. Waiting for the disk for each of them would stop the
 * node for seconds on a slow one; so all that came in one turn of the event loop is waited for once.
 */
export class DurableSends implements GossipEffects {
  readonly #options: DurableSendsOptions;
  readonly #timers: TimerSet;
  #waiting: SendRequest[] = [];

  /** Sends nothing yet. */
  constructor(options: DurableSendsOptions) {
    this.#options = options;
    this.#timers = new TimerSet(options.timers);
  }

  /** Sends at once where nothing is to be waited for, in order in any case. */
  send(request: SendRequest): void {
    const { host, store } = this.#options;
    if (this.#waiting.length === 0 && !store.unsynced) return host.send(request);
    this.#waiting.push(request);
    if (this.#waiting.length === 1) this.#timers.after(0, () => this.#flush());
  }

  /** Hands a timer on. */
  setTimer(delayMs: number, timer: GossipTimer): void {
    this.#options.host.setTimer(delayMs, timer);
  }

  /** Hands an event on. */
  emit(event: GossipEvent): void {
    this.#options.host.emit(event);
  }

  /** Nothing that waits is sent any more. */
  close(): void {
    this.#timers.close();
    this.#waiting = [];
  }

  /** Where the disk fails nothing was confirmed: whoever waits for it asks again. */
  #flush(): void {
    const { host, store, log, failed } = this.#options;
    const requests = this.#waiting;
    this.#waiting = [];
    try {
      store.sync();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      log.write("error", "store_failed", error.message);
      for (const { id } of requests) failed(id);
      return;
    }
    for (const request of requests) host.send(request);
  }
}
