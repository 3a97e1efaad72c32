/**
 * Resolves the peers that the operator named to addresses to join through.
 * @module
 */
import { formatAddress, type HostPort } from "../address.ts";
import { backoffMs } from "../backoff.ts";
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
  /** For retries. */
  readonly timers: Timers;
  /** For jitter. */
  readonly random: Random;
  /** Logs names that cannot be resolved. */
  readonly log: Log;
  /** Called with all addresses of a peer. */
  readonly join: (addresses: readonly Address[]) => void;
}

/** Resolves peers in the background, with back-off and jitter if that fails. */
export class PeerFinder {
  readonly #options: PeerFinderOptions;
  readonly #timers: TimerSet;

  /** Resolves nothing yet. */
  constructor(options: PeerFinderOptions) {
    this.#options = options;
    this.#timers = new TimerSet(options.timers);
  }

  /** Begins to resolve one peer. */
  find(peer: HostPort): void {
    void this.#find(peer, 0);
  }

  /** Stops resolving. */
  close(): void {
    this.#timers.close();
  }

  async #find(peer: HostPort, attempt: number): Promise<void> {
    const { random, log, join } = this.#options;
    const addresses = await this.#resolve(peer);
    if (this.#timers.closed) return;
    if (typeof addresses !== "string") return join(addresses);
    const delayMs = backoffMs({
      attempt,
      firstMs: FIRST_PAUSE_MS,
      maxMs: LONGEST_PAUSE_MS,
      random,
    });
    log.write("warn", "peer_unresolved", `peer ${formatAddress(peer)}: ${addresses}`, {
      retryMs: Math.round(delayMs),
    });
    this.#timers.after(delayMs, () => void this.#find(peer, attempt + 1));
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
