/**
 * What rides on packets: membership news and the application's payloads, each sent a limited number
 * of times, least sent first (SWIM section 4.1; memberlist's `queue.go`).
 * @module
 */

/** One piece of news on its way. */
interface Broadcast {
  readonly name: string;
  readonly message: Uint8Array;
  transmits: number;
  heard: number;
}

/** How much may be taken for one packet. */
export interface Room {
  /** Bytes, the overhead of each part included. */
  readonly bytes: number;
  /** Parts. */
  readonly parts: number;
}

/** How many items that do not fit are passed over before a packet is called full. */
const MISFITS_MAX = 32;

/**
 * News by name; newer news of a name replaces the older. Every operation costs what it hands out,
 * not what is queued.
 */
export class TransmitQueue {
  readonly #overheadBytes: number;
  readonly #byName = new Map<string, Broadcast>();
  /** By transmits so far; each tier in order of arrival. */
  readonly #tiers: Map<string, Broadcast>[] = [];
  #bytes = 0;

  /** `overheadBytes` is what each part costs in a packet beside its own bytes. */
  constructor(options: { readonly overheadBytes: number }) {
    this.#overheadBytes = options.overheadBytes;
  }

  /** Pieces of news queued. */
  get size(): number {
    return this.#byName.size;
  }

  /** Bytes queued, overhead included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether news of `name` still has transmissions to go. */
  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** Queues `message` as the only news of `name`. */
  queue(name: string, message: Uint8Array): void {
    this.remove(name);
    const broadcast = { name, message, transmits: 0, heard: 0 };
    this.#byName.set(name, broadcast);
    this.#tier(0).set(name, broadcast);
    this.#bytes += message.length + this.#overheadBytes;
  }

  /**
   * Another node told us the news of `name` that we are spreading: up to half of our transmissions
   * are saved that way (the counter with feedback of Demers et al., 1987, section 1.4).
   */
  heard(name: string): void {
    const broadcast = this.#byName.get(name);
    if (broadcast !== undefined) broadcast.heard++;
  }

  /** Forgets the news of `name`. */
  remove(name: string): void {
    const broadcast = this.#byName.get(name);
    if (broadcast === undefined) return;
    this.#byName.delete(name);
    this.#tier(broadcast.transmits).delete(name);
    this.#bytes -= broadcast.message.length + this.#overheadBytes;
  }

  /** Forgets the oldest of the most sent. */
  removeMostSent(): void {
    for (let transmits = this.#tiers.length - 1; transmits >= 0; transmits--) {
      for (const name of this.#tier(transmits).keys()) return this.remove(name);
    }
  }

  /** Bytes that the next message in line takes; `undefined` where none waits. */
  nextBytes(): number | undefined {
    for (const tier of this.#tiers) {
      for (const { message } of tier.values()) return message.length + this.#overheadBytes;
    }
    return undefined;
  }

  /** Messages for one packet, least sent first. `limit` is how often each is sent in all. */
  take(room: Room, limit: number): Uint8Array[] {
    const taken: Broadcast[] = [];
    let bytes = room.bytes;
    let misfits = 0;
    for (const tier of this.#tiers) {
      for (const broadcast of tier.values()) {
        if (taken.length >= room.parts || misfits >= MISFITS_MAX) break;
        const cost = broadcast.message.length + this.#overheadBytes;
        if (cost > bytes) {
          misfits++;
          continue;
        }
        bytes -= cost;
        taken.push(broadcast);
      }
    }
    for (const broadcast of taken) this.#sent(broadcast, limit);
    return taken.map(({ message }) => message);
  }

  #sent(broadcast: Broadcast, limit: number): void {
    const saved = Math.min(broadcast.heard, Math.floor(limit / 2));
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

/** What `Broadcasts` is made of. */
export interface BroadcastsOptions {
  /** What each part costs in a packet beside its own bytes. */
  readonly overheadBytes: number;
  /** Part of each packet that the application is sure of, 0 to 1. */
  readonly applicationShare: number;
  /** Most that a packet can give: bounds an application payload and what its share may add up to. */
  readonly packetRoomBytes: number;
}

/** Application payloads that wait at most; the most sent is dropped first. */
const APPLICATION_QUEUE_MAX = 1_024;

/**
 * Both kinds of news. Membership goes first, but the application's share of every packet that it
 * did not use is saved up for it, so that no flood of membership news starves it
 * (hashicorp/memberlist issue 299).
 */
export class Broadcasts {
  readonly #options: BroadcastsOptions;
  /** News about members, by member. */
  readonly membership: TransmitQueue;
  readonly #application: TransmitQueue;
  #creditBytes = 0;

  /** Begins empty. */
  constructor(options: BroadcastsOptions) {
    this.#options = options;
    this.membership = new TransmitQueue(options);
    this.#application = new TransmitQueue(options);
  }

  /** Whether nothing waits. */
  get idle(): boolean {
    return this.membership.size === 0 && this.#application.size === 0;
  }

  /**
   * Queues an encoded application message under a name that a later one replaces; false where it
   * is too large for any packet.
   */
  queueApplication(name: string, message: Uint8Array): boolean {
    if (message.length + this.#options.overheadBytes > this.#options.packetRoomBytes) return false;
    this.#application.queue(name, message);
    if (this.#application.size > APPLICATION_QUEUE_MAX) this.#application.removeMostSent();
    return true;
  }

  /** Whether an application message of this name still has transmissions to go. */
  hasApplication(name: string): boolean {
    return this.#application.has(name);
  }

  /** Messages for one packet. `limit` is how often each is sent in all. */
  take(room: Room, limit: number): Uint8Array[] {
    if (this.#application.size === 0) {
      this.#creditBytes = 0;
      return this.membership.take(room, limit);
    }
    const { applicationShare, packetRoomBytes } = this.#options;
    const credit = this.#creditBytes + room.bytes * applicationShare;
    this.#creditBytes = Math.min(credit, packetRoomBytes);
    const reserved = this.#reserved(room);
    const news = this.membership.take({
      bytes: room.bytes - reserved,
      parts: reserved > 0 ? Math.ceil(room.parts * (1 - applicationShare)) : room.parts,
    }, limit);
    const left = this.#left(room, news);
    const taken = this.#application.take(left, limit);
    const cost = left.bytes - this.#left(left, taken).bytes;
    this.#creditBytes = Math.max(this.#creditBytes - cost, 0);
    return [...taken, ...news];
  }

  /** Bytes to keep for the application: what it has saved up, once its next message fits in. */
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
