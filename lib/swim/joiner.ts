/**
 * How a node finds its cluster and finds it again: joins with their retries, failed members tried
 * again (Serf's `reconnect`), and the way back for a node that lost everybody.
 * @module
 */
import type { Address } from "../runtime.ts";
import { formatAddress, sameAddress } from "../address.ts";
import { joinRetryMs, withJitter } from "./config.ts";
import type { Core } from "./core.ts";
import { below } from "./members.ts";
import type { ExchangePurpose } from "./types.ts";

/** What the joiner is made of. */
export interface JoinerOptions {
  /** Shared state. */
  readonly core: Core;
  /** Opens a push/pull. */
  readonly exchange: (purpose: ExchangePurpose, to: Address) => void;
}

/** Addresses remembered to go back to. */
const PEERS_MAX = 1_024;
/** So many addresses are all joined; of more, a few at random (a name may resolve to hundreds). */
const JOIN_ALL_MAX = 8;
/** How many are tried at once where there are more. */
const JOIN_AT_ONCE = 4;

/** One address to find the cluster at. */
interface Peer {
  readonly address: Address;
  /** Asked for, and not reached yet. */
  wanted: boolean;
}

/** Finds the cluster. */
export class Joiner {
  readonly #core: Core;
  readonly #options: JoinerOptions;
  readonly #peers = new Map<string, Peer>();
  #generation = 0;
  #attempt = 0;
  #waiting = false;

  /** Remembers the peers that the machine was given. */
  constructor(options: JoinerOptions) {
    this.#core = options.core;
    this.#options = options;
    for (const address of this.#core.options.peers ?? []) this.#remember(address);
  }

  /** Joins through these, now, and again with growing pauses until each was reached once. */
  join(addresses: readonly Address[]): void {
    const peers = new Set(addresses.flatMap((address) => this.#remember(address) ?? []));
    const chosen = this.#choose([...peers]);
    for (const peer of chosen) {
      peer.wanted = true;
      this.#options.exchange("join", peer.address);
    }
    this.#attempt = 0;
    if (chosen.length > 0) this.#arm();
  }

  /**
   * Goes back to a cluster that was left: tries a few of these at random, now and, with growing
   * pauses, for as long as there is nobody; the others then need not be reached.
   */
  rejoin(addresses: readonly Address[]): void {
    const peers = addresses.flatMap((address) => this.#remember(address) ?? []);
    for (const peer of this.#choose(peers)) this.#options.exchange("join", peer.address);
    this.alone();
  }

  /** A push/pull with `address` worked. */
  reached(address: Address): void {
    const peer = this.#peers.get(formatAddress(address));
    if (peer !== undefined) peer.wanted = false;
    this.#attempt = 0;
  }

  /** The last other member is gone: begin anew. */
  alone(): void {
    this.#attempt = 0;
    if (!this.#waiting) this.#arm();
  }

  /** Time to try again. */
  retry(generation: number): void {
    if (generation !== this.#generation || this.#core.leaving) return;
    this.#waiting = false;
    this.#attempt++;
    const peers = this.#candidates();
    for (const peer of this.#choose(peers)) this.#options.exchange("join", peer.address);
    if (peers.length > 0) this.#arm();
  }

  /**
   * Tries one failed member, or one peer that is no member, as often as there are many of them
   * among few: so each side of a partition makes about one try an interval, however large it is
   * (Serf's `reconnect`). Trying peers joins islands that grew apart and never heard of each other.
   */
  reconnect(): void {
    const { table, clusterSize, options } = this.#core;
    const strangers = [...this.#peers.values()].filter((peer) => this.#isStranger(peer));
    const lost = table.failedCount + strangers.length;
    if (lost === 0 || options.random.next() > lost / clusterSize) return;
    const pick = below(options.random, lost);
    const address = strangers[pick]?.address ?? table.drawFailed()?.member.address;
    if (address !== undefined) this.#options.exchange("reconnect", address);
  }

  /** Whether a peer is no member, be it a failed one, and nobody is after it already. */
  #isStranger({ address, wanted }: Peer): boolean {
    if (wanted) return false;
    const state = this.#core.table.at(address)?.member.state;
    return state === undefined || state === "left";
  }

  #candidates(): Peer[] {
    const { table } = this.#core;
    const lost = table.activeCount === 0;
    const candidates: Peer[] = [];
    for (const peer of this.#peers.values()) {
      const record = table.at(peer.address);
      if (record !== undefined && record.index >= 0) peer.wanted = false;
      if (lost || peer.wanted) candidates.push(peer);
    }
    return candidates;
  }

  #choose(peers: readonly Peer[]): Peer[] {
    if (peers.length <= JOIN_ALL_MAX) return [...peers];
    const rest = [...peers];
    const chosen: Peer[] = [];
    while (chosen.length < JOIN_AT_ONCE) {
      chosen.push(...rest.splice(below(this.#core.options.random, rest.length), 1));
    }
    return chosen;
  }

  #remember(address: Address): Peer | undefined {
    if (sameAddress(address, this.#core.self.member.address)) return undefined;
    const key = formatAddress(address);
    const known = this.#peers.get(key);
    if (known !== undefined) return known;
    const peer = { address, wanted: false };
    this.#peers.set(key, peer);
    if (this.#peers.size > PEERS_MAX) {
      for (const oldest of this.#peers.keys()) {
        this.#peers.delete(oldest);
        break;
      }
    }
    return peer;
  }

  #arm(): void {
    this.#waiting = true;
    const { options, settings } = this.#core;
    const delayMs = joinRetryMs(this.#attempt, settings.joinRetryMaxMs);
    options.effects.setTimer(withJitter(delayMs, options.random.next()), {
      type: "rejoin",
      generation: ++this.#generation,
    });
  }
}
