/**
 * Queues of messages to be sent. The sends under way are bounded in all and for each peer, so that a
 * peer that accepts nothing does not delay the others; further messages wait in order, within bounds.
 * @module
 */
import type { NodeReference } from "../address.ts";
import type { GossipEffects } from "./types.ts";
import type { GossipSettings } from "./settings.ts";

/** One message to send. */
export interface OutgoingMessage {
  /** Whom to. */
  readonly to: NodeReference;
  /** Encoded. */
  readonly message: Uint8Array;
  /** Called with the result of the send; not called if `send` returned false. */
  readonly done?: (ok: boolean) => void;
  /** While a message with this key waits, another one is not queued: it would say the same. */
  readonly key?: string;
}

/** What a `Sends` is made of. */
export interface SendsOptions {
  /** The bounds. */
  readonly settings: GossipSettings;
  /** Does the sends. */
  readonly effects: GossipEffects;
}

/** The messages to one peer. */
interface Lane {
  underWay: number;
  bytesUnderWay: number;
  readonly waiting: OutgoingMessage[];
}

/** The sends of one node. */
export class Sends {
  readonly #settings: GossipSettings;
  readonly #effects: GossipEffects;
  readonly #underWay = new Map<number, OutgoingMessage>();
  readonly #lanes = new Map<string, Lane>();
  /** Names of peers with waiting messages; the one served last comes last. */
  readonly #turns = new Set<string>();
  /** The keys of the messages that wait. */
  readonly #keys = new Set<string>();
  #bytesUnderWay = 0;
  #waiting = 0;
  #waitingBytes = 0;
  #lastId = 0;

  /** Nothing is under way yet. */
  constructor(options: SendsOptions) {
    this.#settings = options.settings;
    this.#effects = options.effects;
  }

  /** How many are under way or wait. */
  get pending(): number {
    return this.#underWay.size + this.#waiting;
  }

  /** Whether more than half of the room for waiting messages is taken. */
  get busy(): boolean {
    return this.#waiting * 2 > this.#settings.maxQueuedSends ||
      this.#waitingBytes * 2 > this.#settings.maxQueuedBytes;
  }

  /**
   * Sends a message now or in its turn. Returns false if a message with its key waits already, or if
   * there is no room for it: it is then dropped.
   */
  send(outgoing: OutgoingMessage): boolean {
    const { key } = outgoing;
    if (key !== undefined && this.#keys.has(key)) return false;
    const lane = this.#lanes.get(outgoing.to.name) ??
      { underWay: 0, bytesUnderWay: 0, waiting: [] };
    if (lane.waiting.length === 0 && this.#free(lane, outgoing.message.length)) {
      this.#begin(outgoing, lane);
      return true;
    }
    const bytes = this.#waitingBytes + outgoing.message.length;
    if (
      this.#waiting >= this.#settings.maxQueuedSends || bytes > this.#settings.maxQueuedBytes
    ) {
      this.#effects.emit({
        type: "dropped",
        reason: "too_many",
        from: outgoing.to.name,
        detail: `${this.#waiting} messages wait to be sent, the limit`,
      });
      return false;
    }
    lane.waiting.push(outgoing);
    if (key !== undefined) this.#keys.add(key);
    this.#lanes.set(outgoing.to.name, lane);
    this.#turns.add(outgoing.to.name);
    this.#waiting++;
    this.#waitingBytes = bytes;
    return true;
  }

  /** Takes the result of a send. Ids that are not under way are ignored. */
  sent(id: number, ok: boolean): void {
    const outgoing = this.#underWay.get(id);
    if (outgoing === undefined) return;
    this.#underWay.delete(id);
    const name = outgoing.to.name;
    const bytes = outgoing.message.length;
    this.#bytesUnderWay -= bytes;
    const lane = this.#lanes.get(name);
    if (lane !== undefined) {
      lane.bytesUnderWay -= bytes;
      if (--lane.underWay === 0 && lane.waiting.length === 0) this.#lanes.delete(name);
    }
    this.#serve();
    outgoing.done?.(ok);
  }

  #serve(): void {
    for (const name of this.#turns) {
      if (this.#underWay.size >= this.#settings.maxSends) return;
      const lane = this.#lanes.get(name);
      const outgoing = lane?.waiting[0];
      if (lane === undefined || outgoing === undefined) {
        this.#turns.delete(name);
        continue;
      }
      if (!this.#free(lane, outgoing.message.length)) continue;
      this.#turns.delete(name);
      lane.waiting.shift();
      if (outgoing.key !== undefined) this.#keys.delete(outgoing.key);
      this.#waiting--;
      this.#waitingBytes -= outgoing.message.length;
      // Deleted and added again it is the last, and this loop reaches it again for its next message.
      if (lane.waiting.length > 0) this.#turns.add(name);
      this.#begin(outgoing, lane);
    }
  }

  #begin(outgoing: OutgoingMessage, lane: Lane): void {
    const id = ++this.#lastId;
    lane.underWay++;
    lane.bytesUnderWay += outgoing.message.length;
    this.#bytesUnderWay += outgoing.message.length;
    this.#lanes.set(outgoing.to.name, lane);
    this.#underWay.set(id, outgoing);
    this.#effects.send({
      id,
      to: outgoing.to,
      message: outgoing.message,
      timeoutMs: this.#settings.sendTimeoutMs,
    });
  }

  /** Whether one more message of that size may be sent; a first one may be of any size. */
  #free(lane: Lane, bytes: number): boolean {
    const { maxSends, maxSendsPerPeer, maxSendBytes, maxSendBytesPerPeer } = this.#settings;
    if (lane.underWay >= maxSendsPerPeer || this.#underWay.size >= maxSends) return false;
    return (lane.underWay === 0 || lane.bytesUnderWay + bytes <= maxSendBytesPerPeer) &&
      (this.#underWay.size === 0 || this.#bytesUnderWay + bytes <= maxSendBytes);
  }
}
