/**
 * What dissemination asks for, done on the network and the clock.
 * @module
 */
import { GossipcheckError } from "../errors.ts";
import type { GossipEffects, GossipEvent, GossipTimer, SendRequest } from "../gossip/types.ts";
import type { Network, Timers } from "../runtime.ts";
import type { Envelope } from "../wire/envelope.ts";
import { readToEnd, withStream } from "./stream_io.ts";
import { TimerSet } from "./timer_set.ts";

/** What of the dissemination machine its host calls back. */
export interface GossipInput {
  /** Takes a timer that is due. */
  fire(timer: GossipTimer): void;
  /** Takes how a send went. */
  sent(sendId: number, ok: boolean): void;
}

/** What a `GossipHost` is made of. */
export interface GossipHostOptions {
  /** Where sends leave. */
  readonly network: Network;
  /** Wakes the machine and ends what takes too long. */
  readonly timers: Timers;
  /** Seals what is sent. */
  readonly envelope: Envelope;
  /** The machine; called back only once it has asked for something. */
  readonly machine: GossipInput;
  /** Takes the machine's events. */
  readonly onEvent: (event: GossipEvent) => void;
  /** Learns whether TCP reaches a member. */
  readonly onReachable: (name: string, reachable: boolean) => void;
}

/**
 * The dissemination machine's hands. Every send has its own connection and deadline, so a peer that
 * does not read delays nobody else. After `close` nothing is sent and nothing is called back.
 */
export class GossipHost implements GossipEffects {
  readonly #options: GossipHostOptions;
  readonly #timers: TimerSet;
  #sealed: SealedMessage | undefined;

  /** Does nothing until the machine asks. */
  constructor(options: GossipHostOptions) {
    this.#options = options;
    this.#timers = new TimerSet(options.timers);
  }

  /** Sends one encoded message as a memberlist user message over TCP. */
  send(request: SendRequest): void {
    void this.#send(request, this.#seal(request.message));
  }

  /** Hands `timer` to the machine after `delayMs`. */
  setTimer(delayMs: number, timer: GossipTimer): void {
    this.#timers.after(delayMs, () => this.#options.machine.fire(timer));
  }

  /** Passes an event on. */
  emit(event: GossipEvent): void {
    this.#options.onEvent(event);
  }

  /** Stops all timers, sends and callbacks. */
  close(): void {
    this.#timers.close();
  }

  async #send(request: SendRequest, sealed: Uint8Array): Promise<void> {
    const ok = await this.#deliver(request, sealed);
    if (this.#timers.closed) return;
    this.#options.onReachable(request.to.name, ok);
    this.#options.machine.sent(request.id, ok);
  }

  /**
   * Whether the peer took the message: it closes the connection when it has read it (memberlist's
   * `handleConn` does so, and so do we), so the end of the stream is its receipt.
   */
  async #deliver({ to, timeoutMs }: SendRequest, sealed: Uint8Array): Promise<boolean> {
    const { network, timers } = this.#options;
    try {
      await withStream({ network, timers, to: to.address, timeoutMs }, async (stream) => {
        await stream.write(sealed);
        await readToEnd(stream);
      });
      return true;
    } catch (error) {
      if (error instanceof GossipcheckError) return false;
      throw error;
    }
  }

  /** One message goes to several members in a row: it is sealed once, as long as the key is the same. */
  #seal(message: Uint8Array): Uint8Array {
    const { envelope } = this.#options;
    const key = envelope.options.keyring?.primary();
    if (this.#sealed?.message !== message || this.#sealed.key !== key) {
      // Only ours take these, and they are spared the cost of compression.
      const bytes = envelope.sealStream({ type: "user", payload: message }, { compress: false });
      this.#sealed = { message, key, bytes };
    }
    return this.#sealed.bytes;
  }
}

interface SealedMessage {
  readonly message: Uint8Array;
  readonly key: Uint8Array | undefined;
  readonly bytes: Uint8Array;
}
