/**
 * One dissemination machine under a test's hands: what it wants done is recorded, and the test says
 * what happens.
 * @module
 */
import type { BatchMessage, GossipMessage } from "../../lib/gossip/messages.ts";
import type { NodeReference } from "../../lib/address.ts";
import type { Batch } from "../../lib/batch/batch.ts";
import { assertEquals } from "@std/assert";
import { decodeGossip, encodeGossip } from "../../lib/gossip/codec.ts";
import type { DisseminationOptions } from "../../lib/gossip/context.ts";
import { Dissemination } from "../../lib/gossip/dissemination.ts";
import { DEFAULT_GOSSIP_SETTINGS, type GossipSettings } from "../../lib/gossip/settings.ts";
import type {
  DurableRecord,
  GossipEvent,
  GossipTimer,
  Peer,
  SendRequest,
} from "../../lib/gossip/types.ts";
import { type BatchChanges, makeBatch, submissionOf } from "./batches.ts";
import { SeededRandom } from "./world_time.ts";

/** A send as a test reads it. */
export interface RecordedSend {
  readonly id: number;
  readonly to: string;
  readonly message: GossipMessage;
  readonly request: SendRequest;
}

/** Where the node of that name listens. */
export function referenceOf(name: string): NodeReference {
  const host = `10.0.0.${[...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 256}`;
  return { name, address: { host, port: 3505 } };
}

/** A member. */
export function peerOf(name: string, changes: Partial<Peer> = {}): Peer {
  return {
    ...referenceOf(name),
    state: "alive",
    runsGossipcheck: true,
    tags: new Map(),
    ...changes,
  };
}

/** A batch of `origin`; the number is the end of its id. */
export function batchOf(
  origin: string,
  { number = 1, ...changes }: BatchChanges & { readonly number?: number } = {},
): Batch {
  return makeBatch({
    id: `01ARZ3NDEKTSV4RRFFQ6900${`${number}`.padStart(3, "0")}`,
    origin: referenceOf(origin),
    ...changes,
  });
}

/** A push of one batch. */
export function pushOf(batch: Batch, from: string): BatchMessage {
  return { type: "batch", from: referenceOf(from), asked: false, copies: [{ batch, ageMs: 0 }] };
}

/** The machine of the node `self`, started. */
export class GossipRecorder {
  readonly machine: Dissemination;
  /** The members, but itself. */
  readonly peers = new Map<string, Peer>();
  nowMs = 0;
  /** Why the journal keeps nothing; `undefined` while it works. */
  failure: string | undefined;
  /** Whether the journal does not answer. */
  journalHangs = false;
  #sends: RecordedSend[] = [];
  #timers: { atMs: number; timer: GossipTimer }[] = [];
  #events: GossipEvent[] = [];
  #records: DurableRecord[] = [];
  #unanswered: number[] = [];

  constructor(
    options: {
      readonly peers: readonly string[];
      readonly settings?: Partial<GossipSettings>;
      readonly machine?: Partial<DisseminationOptions>;
      readonly seed?: number;
    },
  ) {
    for (const name of options.peers) this.peers.set(name, peerOf(name));
    const self = peerOf("self");
    this.machine = new Dissemination({
      settings: { ...DEFAULT_GOSSIP_SETTINGS, ...options.settings },
      peers: {
        self,
        peers: () => this.peers.values(),
        peer: (name) => name === "self" ? self : this.peers.get(name),
      },
      clock: { nowMs: () => this.nowMs, wallMs: () => 1_000_000 + this.nowMs },
      random: new SeededRandom(options.seed ?? 1),
      effects: {
        send: (request) => {
          const message = decodeGossip(request.message);
          this.#sends.push({ id: request.id, to: request.to.name, message, request });
        },
        setTimer: (delayMs, timer) => this.#timers.push({ atMs: this.nowMs + delayMs, timer }),
        persist: (record, token) => {
          if (this.failure === undefined) this.#records.push(record);
          if (token !== undefined) this.#unanswered.push(token);
        },
        emit: (event) => this.#events.push(event),
      },
      ...options.machine,
    });
    this.machine.start();
  }

  /** Hands it a message. */
  receive(message: GossipMessage): void {
    this.machine.receive(encodeGossip(message));
    this.answerJournal();
  }

  /** Issues a batch, and lets the journal answer. */
  submit(changes: Parameters<typeof submissionOf>[0] = {}): Batch {
    const batch = this.machine.submit(submissionOf(changes));
    this.answerJournal();
    return batch;
  }

  /** Lets the journal answer all that it was handed, unless it hangs. */
  answerJournal(): void {
    while (!this.journalHangs) {
      const token = this.#unanswered.shift();
      if (token === undefined) return;
      this.machine.persisted(token, this.failure);
    }
  }

  /** What the journal has kept since the last call. */
  takeRecords(): DurableRecord[] {
    return this.#records.splice(0);
  }

  /** The sends since the last call, of one type where it is given; they went well unless `ok` is false. */
  takeSends(options: { type?: GossipMessage["type"]; ok?: boolean } = {}): RecordedSend[] {
    this.answerJournal();
    const taken = this.#sends;
    this.#sends = [];
    for (const { id } of taken) this.machine.sent(id, options.ok ?? true);
    return taken.filter(({ message }) =>
      options.type === undefined || message.type === options.type
    );
  }

  /** The sends since the last call; how they went is not said yet. */
  holdSends(): RecordedSend[] {
    this.answerJournal();
    return this.#sends.splice(0);
  }

  /** The one timer of that type that was set last, with its delay from now. */
  lastTimer(type: GossipTimer["type"]): { delayMs: number; timer: GossipTimer } {
    const found = this.#timers.findLast(({ timer }) => timer.type === type);
    if (found === undefined) throw new Error(`no timer ${type} was set`);
    return { delayMs: found.atMs - this.nowMs, timer: found.timer };
  }

  /** All timers ever set. */
  timers(): GossipTimer[] {
    return this.#timers.map(({ timer }) => timer);
  }

  /** Lets the time until the last timer of that type pass, and fires it. */
  fireLast(type: GossipTimer["type"]): void {
    const { delayMs, timer } = this.lastTimer(type);
    this.nowMs += Math.max(0, delayMs);
    this.machine.fire(timer);
    this.answerJournal();
  }

  /** The events since the last call. */
  takeEvents(): GossipEvent[] {
    this.answerJournal();
    return this.#events.splice(0);
  }

  /** Asserts which types of event there were since the last call. */
  expectEvents(...types: GossipEvent["type"][]): GossipEvent[] {
    const events = this.takeEvents();
    assertEquals(events.map(({ type }) => type), types);
    return events;
  }
}
