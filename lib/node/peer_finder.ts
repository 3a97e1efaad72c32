/**
 * From the peers that the operator named to addresses to join through.
 * @module
 */
import { formatAddress, type HostPort } from "../address.ts";
import { AddressError } from "../errors.ts";
import type { Address, Log, Network, Random, Timers } from "../runtime.ts";
import { TimerSet } from "../timer_set.ts";

/** The pause after the first failure; it doubles from there. */
const FIRST_PAUSE_MS = 1_000;
/** The longest pause. */
const LONGEST_PAUSE_MS = 60_000;

/** What a `PeerFinder` is made of. */
export interface PeerFinderOptions {
  /** Resolves names. */
  readonly network: Network;
  /** Tries again. */
  readonly timers: Timers;
  /** Jitter. */
  readonly random: Random;
  /** Says which names are not found. */
  readonly log: Log;
  /** Takes a peer's addresses: all of them, however many. */
  readonly join: (addresses: readonly Address[]) => void;
}

/** Resolves peers in the background, and again with back-off and jitter where that fails. */
export class PeerFinder {
  readonly #options: PeerFinderOptions;
  readonly #timers: TimerSet;

  /** Resolves nothing yet. */
  constructor(options: PeerFinderOptions) {
    this.#options = options;
    this.#timers = new TimerSet(options.timers);
  }

  /** Begins with one peer. */
  find(peer: HostPort): void {
    void this.#find(peer, FIRST_PAUSE_MS);
  }

  /** Gives up on those that are not found yet. */
  close(): void {
    this.#timers.close();
  }

  async #find(peer: HostPort, pauseMs: number): Promise<void> {
    const { random, log, join } = this.#options;
    const addresses = await this.#resolve(peer);
    if (this.#timers.closed) return;
    if (typeof addresses !== "string") return join(addresses);
    const delayMs = pauseMs * (0.5 + random.next() / 2);
    log.write("warn", "peer_unresolved", `peer ${formatAddress(peer)}: ${addresses}`, {
      retryMs: Math.round(delayMs),
    });
    this.#timers.after(
      delayMs,
      () => void this.#find(peer, Math.min(2 * pauseMs, LONGEST_PAUSE_MS)),
    );
  }

  async #resolve({ hostname, port }: HostPort): Promise<Address[] | string> {
    try {
      const hosts = await this.#options.network.resolve(hostname);
      if (hosts.length === 0) return "the name has no address";
      return hosts.map((host) => ({ host, port }));
    } catch (error) {
      if (error instanceof AddressError) return error.message;
      throw error;
    }
  }
}
