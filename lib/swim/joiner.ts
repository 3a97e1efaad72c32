/**
 * Joins and rejoins the cluster: join attempts with back-off, reconnecting to failed members (Serf's
 * `reconnect`), and rejoining once all other members have failed or left.
 * @module
 */
import type { Address } from "../runtime.ts";
import { formatAddress, sameAddress } from "../address.ts";
import { backoffMs } from "../backoff.ts";
import { BoundedMap } from "../bounded_map.ts";
import type { LocalNode } from "./local_node.ts";
import { below } from "./members.ts";
import type { ExchangePurpose } from "./types.ts";

/** Options of `Joiner`. */
export interface JoinerOptions {
  readonly node: LocalNode;
  /** Opens a push/pull. */
  readonly exchange: (purpose: ExchangePurpose, to: Address) => void;
}

/** Maximum number of addresses that are kept to rejoin through; the oldest is evicted. */
const PEERS_MAX = 1_024;
/** Up to this many addresses are all contacted; of more a few at random, as a name may resolve to hundreds. */
const JOIN_ALL_MAX = 8;
/** Number of addresses that are contacted at once if there are more than `JOIN_ALL_MAX`. */
const JOIN_AT_ONCE = 4;

/** Back-off after the first join attempt. */
const JOIN_RETRY_MS = 1_000;

/** An address to join through. */
interface Peer {
  readonly address: Address;
  /** Whether `join` was asked to reach it and has not yet. */
  wanted: boolean;
}

/** Joins the cluster and keeps this node in it. */
export class Joiner {
  readonly #node: LocalNode;
  readonly #options: JoinerOptions;
  readonly #peers = new BoundedMap<string, Peer>({ max: PEERS_MAX });
  #generation = 0;
  #attempt = 0;
  #waiting = false;

  /** Begins with no addresses. */
  constructor(options: JoinerOptions) {
    this.#node = options.node;
    this.#options = options;
  }

  /** Contacts these addresses now, and again with back-off until each was reached once. */
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
   * Contacts a few of these addresses at random now, and again with back-off until there is another
   * member. Not each of them has to be reached.
   */
  rejoin(addresses: readonly Address[]): void {
    const peers = addresses.flatMap((address) => this.#remember(address) ?? []);
    for (const peer of this.#choose(peers)) this.#options.exchange("join", peer.address);
    this.allMembersLost();
  }

  /** Notes that a push/pull with `address` succeeded. */
  reached(address: Address): void {
    const peer = this.#peers.get(formatAddress(address));
    if (peer !== undefined) peer.wanted = false;
    this.#attempt = 0;
  }

  /** Begins to rejoin: no other member is alive or suspect. */
  allMembersLost(): void {
    this.#attempt = 0;
    if (!this.#waiting) this.#arm();
  }

  /** Contacts addresses again, if needed: the back-off timer fired. */
  retry(generation: number): void {
    if (generation !== this.#generation || this.#node.leaving) return;
    this.#waiting = false;
    this.#attempt++;
    const peers = this.#candidates();
    for (const peer of this.#choose(peers)) this.#options.exchange("join", peer.address);
    if (peers.length > 0) this.#arm();
  }

  /**
   * Contacts one failed member, or one address that is not a member's, with a probability of their
   * number divided by the cluster size: each side of a partition makes about one attempt per
   * interval, whatever its size (Serf's `reconnect`). Contacting known addresses also joins clusters
   * that have never heard of each other.
   */
  reconnect(): void {
    const { table, clusterSize, options } = this.#node;
    const others = [...this.#peers.values()].filter((peer) => this.#isOutside(peer));
    const lost = table.failedCount + others.length;
    if (lost === 0 || options.random.next() > lost / clusterSize) return;
    const pick = below(options.random, lost);
    const address = others[pick]?.address ?? table.selectFailed()?.member.address;
    if (address !== undefined) this.#options.exchange("reconnect", address);
  }

  /** Whether the address is not that of a member (alive, suspect or failed) and no join is pending. */
  #isOutside({ address, wanted }: Peer): boolean {
    if (wanted) return false;
    const state = this.#node.table.at(address)?.member.state;
    return state === undefined || state === "left";
  }

  #candidates(): Peer[] {
    const { table } = this.#node;
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
      chosen.push(...rest.splice(below(this.#node.options.random, rest.length), 1));
    }
    return chosen;
  }

  #remember(address: Address): Peer | undefined {
    if (sameAddress(address, this.#node.self.member.address)) return undefined;
    const key = formatAddress(address);
    const known = this.#peers.get(key);
    if (known !== undefined) return known;
    const peer = { address, wanted: false };
    this.#peers.set(key, peer);
    return peer;
  }

  #arm(): void {
    this.#waiting = true;
    const { options, settings } = this.#node;
    const delayMs = backoffMs({
      attempt: this.#attempt,
      firstMs: JOIN_RETRY_MS,
      maxMs: settings.joinRetryMaxMs,
      random: options.random,
    });
    options.effects.setTimer(delayMs, { type: "rejoin", generation: ++this.#generation });
  }
}
