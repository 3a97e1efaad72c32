/**
 * Broadcast queues: messages about members and of the application that piggyback on packets, each
 * transmitted a limited number of times, least transmitted first (SWIM section 4.1; memberlist's
 * `queue.go`).
 * @module
 */

/** One queued broadcast. */
interface Broadcast {
  readonly name: string;
  readonly message: Uint8Array;
  /** How often this node has transmitted it. */
  transmits: number;
  /** How often other nodes have sent it to this node. */
  received: number;
}

/** The space left in a packet. */
export interface Room {
  /** Bytes, the overhead of each part included. */
  readonly bytes: number;
  /** Number of parts. */
  readonly parts: number;
}

/** Broadcasts too large for the rest of a packet that are skipped before the packet counts as full. */
const SKIPPED_MAX = 32;

/**
 * A queue of broadcasts by name (memberlist's `TransmitLimitedQueue`); a newer broadcast replaces the
 * older one of the same name. The cost of an operation depends on what it returns, not on the length
 * of the queue.
 */
export class TransmitQueue {
  readonly #overheadBytes: number;
  readonly #byName = new Map<string, Broadcast>();
  /** Broadcasts by number of transmissions so far; each tier in order of arrival. */
  readonly #tiers: Map<string, Broadcast>[] = [];
  #bytes = 0;

  /** `overheadBytes` is what a packet needs for each part in addition to the part's own bytes. */
  constructor(options: { readonly overheadBytes: number }) {
    this.#overheadBytes = options.overheadBytes;
  }

  /** Number of queued broadcasts. */
  get size(): number {
    return this.#byName.size;
  }

  /** Bytes of all queued broadcasts, overhead included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a broadcast of this name is queued: it has transmissions left. */
  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** Queues `message` in place of any broadcast of the same name. */
  queue(name: string, message: Uint8Array): void {
    this.remove(name);
    const broadcast = { name, message, transmits: 0, received: 0 };
    this.#byName.set(name, broadcast);
    this.#tier(0).set(name, broadcast);
    this.#bytes += message.length + this.#overheadBytes;
  }

  /**
   * Counts that another node sent the queued broadcast of `name` to this node. That saves up to half
   * of the transmissions (the counter with feedback of Demers et al., 1987, section 1.4).
   */
  received(name: string): void {
    const broadcast = this.#byName.get(name);
    if (broadcast !== undefined) broadcast.received++;
  }

  /** Removes the broadcast of this name. */
  remove(name: string): void {
    const broadcast = this.#byName.get(name);
    if (broadcast === undefined) return;
    this.#byName.delete(name);
    this.#tier(broadcast.transmits).delete(name);
    this.#bytes -= broadcast.message.length + this.#overheadBytes;
  }

  /** Removes the oldest of the most transmitted broadcasts. */
  removeMostSent(): void {
    for (let transmits = this.#tiers.length - 1; transmits >= 0; transmits--) {
      for (const name of this.#tier(transmits).keys()) return this.remove(name);
    }
  }

  /** Bytes that the next message takes in a packet; `undefined` if the queue is empty. */
  nextBytes(): number | undefined {
    for (const tier of this.#tiers) {
      for (const { message } of tier.values()) return message.length + this.#overheadBytes;
    }
    return undefined;
  }

  /**
   * Returns messages for one packet, least transmitted first, and counts the transmission. After
   * `limit` transmissions a broadcast is removed.
   */
  take(room: Room, limit: number): Uint8Array[] {
    const taken: Broadcast[] = [];
    let bytes = room.bytes;
    let skipped = 0;
    for (const tier of this.#tiers) {
      for (const broadcast of tier.values()) {
        if (taken.length >= room.parts || skipped >= SKIPPED_MAX) break;
        const cost = broadcast.message.length + this.#overheadBytes;
        if (cost > bytes) {
          skipped++;
          continue;
        }
        bytes -= cost;
        taken.push(broadcast);
      }
    }
    for (const broadcast of taken) this.#transmitted(broadcast, limit);
    return taken.map(({ message }) => message);
  }

  #transmitted(broadcast: Broadcast, limit: number): void {
    const saved = Math.min(broadcast.received, Math.floor(limit / 2));
    if (broadcast.transmits + 1 + saved >= limit) return this.remove(broadcast.name);
    this.#tier(broadcast.transmits).delete(broadcast.name);
    broadcast.transmits++;
    this.#tier(broadcast.transmits).set(broadcast.name, broadcast);
  }

  #tier(transmits: number): Map<string, Broadcast> {
    while (this.#tiers.length <= transmits) this.#tiers.push(new Map());
    return this.#tiers[transmits]!;
  }
}

/** Options of `Broadcasts`. */
export interface BroadcastsOptions {
  /** What a packet needs for each part in addition to the part's own bytes. */
  readonly overheadBytes: number;
  /** Share of each packet that is reserved for application messages, 0 to 1. */
  readonly applicationShare: number;
  /** Space in an empty packet: the maximum of an application message and of the saved share. */
  readonly packetRoomBytes: number;
}

/** Maximum number of queued application messages; the most transmitted is evicted. */
const APPLICATION_QUEUE_MAX = 1_024;

/**
 * The broadcasts of one node. Messages about members take precedence, but the application's share of
 * a packet is saved for it if it does not use it, so that many changes of members do not starve it
 * (hashicorp/memberlist issue 299).
 */
export class Broadcasts {
  readonly #options: BroadcastsOptions;
  /** Messages about members, by name of the member. */
  readonly membership: TransmitQueue;
  readonly #application: TransmitQueue;
  #creditBytes = 0;

  /** Begins with empty queues. */
  constructor(options: BroadcastsOptions) {
    this.#options = options;
    this.membership = new TransmitQueue(options);
    this.#application = new TransmitQueue(options);
  }

  /** Whether both queues are empty. */
  get idle(): boolean {
    return this.membership.size === 0 && this.#application.size === 0;
  }

  /**
   * Queues an encoded application message in place of any of the same name. Returns false if it is
   * too large for a packet.
   */
  queueApplication(name: string, message: Uint8Array): boolean {
    if (message.length + this.#options.overheadBytes > this.#options.packetRoomBytes) return false;
    this.#application.queue(name, message);
    if (this.#application.size > APPLICATION_QUEUE_MAX) this.#application.removeMostSent();
    return true;
  }

  /** Whether an application message of this name is queued: it has transmissions left. */
  hasApplication(name: string): boolean {
    return this.#application.has(name);
  }

  /** Returns messages for one packet, like `TransmitQueue.take`. */
  take(room: Room, limit: number): Uint8Array[] {
    if (this.#application.size === 0) {
      this.#creditBytes = 0;
      return this.membership.take(room, limit);
    }
    const { applicationShare, packetRoomBytes } = this.#options;
    const credit = this.#creditBytes + room.bytes * applicationShare;
    this.#creditBytes = Math.min(credit, packetRoomBytes);
    const reserved = this.#reserved(room);
    const aboutMembers = this.membership.take({
      bytes: room.bytes - reserved,
      parts: reserved > 0 ? Math.ceil(room.parts * (1 - applicationShare)) : room.parts,
    }, limit);
    const left = this.#left(room, aboutMembers);
    const taken = this.#application.take(left, limit);
    const cost = left.bytes - this.#left(left, taken).bytes;
    this.#creditBytes = Math.max(this.#creditBytes - cost, 0);
    return [...taken, ...aboutMembers];
  }

  /** Bytes to reserve for the application: its saved share, once its next message fits into that. */
  #reserved(room: Room): number {
    const next = this.#application.nextBytes() ?? Infinity;
    const bytes = Math.min(this.#creditBytes, this.#application.bytes, room.bytes);
    return next <= bytes ? bytes : 0;
  }

  #left(room: Room, taken: readonly Uint8Array[]): Room {
    let bytes = room.bytes;
    for (const message of taken) bytes -= message.length + this.#options.overheadBytes;
    return { bytes, parts: room.parts - taken.length };
  }
}
