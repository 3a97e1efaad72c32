/**
 * A day in the life of a cluster, in virtual time: nodes crash, restart, leave and join, packets are
 * lost, a batch is sent each minute, and what must hold is checked as the hours go by.
 * @module
 */
import type { BatchId } from "../../lib/batch/id.ts";
import type { GossipEvent } from "../../lib/gossip/types.ts";
import { type GossipNode, GossipWorld } from "../support/gossip_world.ts";
import { memoryInUseBytes } from "../support/heap.ts";
import { SeededRandom } from "../support/world_time.ts";

/** What a day is made of. */
export interface DayOptions {
  /** Fixes everything that happens. */
  readonly seed: number;
  /** Nodes that it is to have, about. */
  readonly nodes: number;
  /** Minutes in which batches are sent; then what is open comes to its end. */
  readonly minutes: number;
  /** Minutes that a batch lives. */
  readonly expiresMinutes: number;
  /** Called at the end of each hour. */
  readonly hourEnded?: (hour: HourFigures) => void;
}

/** One hour of it. */
export interface HourFigures {
  /** Which, from 1. */
  readonly hour: number;
  /** Batches sent so far. */
  readonly batches: number;
  /** Runs so far. */
  readonly runs: number;
  /** Memory in use at its end, once all rubbish is gone. */
  readonly memoryBytes: number;
}

/** How it went. */
export interface DayFigures {
  /** What did not hold; empty where all was well. */
  readonly violations: readonly string[];
  /** Batches sent. */
  readonly batches: number;
  /** Runs on nodes. */
  readonly runs: number;
  /** Runs on nodes that stayed up all of a batch's life: each had one, and its result came home. */
  readonly stayed: number;
  /** Results at home of nodes that were down for a part of it. */
  readonly late: number;
  /** Times that a node crashed and came back with what its journal held. */
  readonly restarts: number;
  /** Nodes that left and nodes that were new. */
  readonly leaves: number;
  /** Nodes that joined. */
  readonly joins: number;
  /** Messages that a node sent a second. */
  readonly messagesPerNodeSecond: number;
  /** Bytes that a node sent a second. */
  readonly bytesPerNodeSecond: number;
  /** The most that any node held at the end of a minute. */
  readonly most: {
    ids: number;
    batches: number;
    collections: number;
    reports: number;
    sends: number;
  };
  /** The most memory that the process had at the end of a minute, rubbish included. */
  readonly peakBytes: number;
  /** Each hour. */
  readonly hours: readonly HourFigures[];
}

/** Share of the nodes to which something happens each minute. */
const CHURN_PER_MINUTE = 0.01;
/** Probability that a packet is lost; a stream takes longer instead. */
const LOSS = 0.05;
/** Of five nodes to which something happens: three crash, one leaves, one is new. */
const FATES = ["crash", "crash", "crash", "leave", "join"] as const;
/** A crash is known to the members after this at most, as SWIM finds it out. */
const NOTICED_WITHIN_MS = 8_000;
/** A node that crashed is back after this at most. */
const DOWN_MAX_MS = 600_000;
/** The members forget who left after this. */
const FORGOTTEN_AFTER_MS = 60_000;
/** A node that leaves waits this long for its last results to be confirmed. */
const LEAVE_GRACE_MS = 3_000;
/** A run takes this at most, and half of them a sixtieth of it. */
const RUN_MAX_MS = 480_000;
/** So long after its issue a batch has run on all nodes that are up, and so long after a node's start. */
const SETTLED_WITHIN_MS = 600_000;
/** Results are looked for again after this where their origin is down, or came back just now. */
const LOOK_AGAIN_MS = 180_000;
const MINUTE_MS = 60_000;
/** A result whose origin left is given up after this. */
const REPORT_KEEP_MS = 7_200_000;
/** Bounds of the machine, small enough that a day reaches them all. */
const BOUNDS = { maxIds: 200, maxBatches: 100, maxCollections: 1, reportKeepMs: REPORT_KEEP_MS };

/** A node hears of more lives of others in a day, and then takes a new session. */
const MAX_SESSIONS = 1_000;

/** Sends of one node that are under way or wait, as much as ever may be needed here. */
const SENDS_MAX = 100;
/** Things planned in the world for each node. */
const PLANNED_MAX = 200;
/** What may be dropped: word of a member that has just left, and a batch that expired on its way. */
const HARMLESS: readonly string[] = ["unexpected", "timed_out"];

/** One batch from its issue until everything about it was checked. */
interface Sent {
  readonly id: BatchId;
  readonly origin: GossipNode;
  readonly issuedAtMs: number;
  /** Nodes that were up at its issue, and have been ever since. */
  readonly stayed: Set<GossipNode>;
  /** Names of all nodes that ran it. */
  readonly ran: Set<string>;
}

/** How to run it again. */
export function dayCommand(options: DayOptions): string {
  const { seed, nodes, minutes, expiresMinutes } = options;
  return `deno task sim --day --seed ${seed} --nodes ${nodes} --minutes ${minutes} ` +
    `--expires ${expiresMinutes}`;
}

/** Runs one. */
export async function runDay(options: DayOptions): Promise<DayFigures> {
  using day = new Day(options);
  return await day.run();
}

class Day implements Disposable {
  readonly #options: DayOptions;
  readonly #world: GossipWorld;
  readonly #violations: string[] = [];
  readonly #open = new Map<BatchId, Sent>();
  /** Since when each node is up; those that are not up are not there. */
  readonly #upSinceMs = new Map<GossipNode, number>();
  /** Who sent batches before, as operators always use the same few nodes. */
  readonly #origins = new Set<GossipNode>();
  readonly #hours: HourFigures[] = [];
  readonly #most = { ids: 0, batches: 0, collections: 0, reports: 0, sends: 0 };
  readonly #counts = { batches: 0, runs: 0, stayed: 0, late: 0, restarts: 0, leaves: 0, joins: 0 };
  #nodeSeconds = 0;
  #peakBytes = 0;
  /** Times that there was no room for something, other than for a result that is given up. */
  #crowded = 0;
  /** The batch that is just being sent. */
  #sending: Sent | undefined;

  constructor(options: DayOptions) {
    this.#options = options;
    const random = new SeededRandom(`runs ${options.seed}`);
    const onEvent = (node: GossipNode, event: GossipEvent) => this.#take(node, event);
    this.#world = new GossipWorld({
      seed: options.seed,
      nodes: 0,
      settings: BOUNDS,
      maxSessions: MAX_SESSIONS,
      runMs: () => RUN_MAX_MS * random.next() ** 6,
      onEvent,
    });
    this.#world.network.quality = { loss: LOSS, delayMs: 2, jitterMs: 10, duplicate: 0 };
    for (let index = 0; index < options.nodes; index++) this.#add();
  }

  [Symbol.dispose](): void {
    this.#world[Symbol.dispose]();
  }

  async run(): Promise<DayFigures> {
    const { minutes } = this.#options;
    const lastMs = this.#expiresInMs + SETTLED_WITHIN_MS + DOWN_MAX_MS + 2 * LOOK_AGAIN_MS;
    for (let minute = 0; minute < minutes; minute++) {
      await this.#send();
      await this.#passMinute();
      if ((minute + 1) % 60 === 0) this.#endHour();
    }
    for (let passedMs = 0; passedMs < lastMs; passedMs += MINUTE_MS) await this.#passMinute();
    for (const { id } of this.#open.values()) this.#violate(`batch ${id} never came to its end`);
    if (this.#crowded > 0) this.#violate(`${this.#crowded} times there was no room`);
    const { streams, streamBytes, packets, packetBytes } = this.#world.network.traffic;
    return {
      ...this.#counts,
      violations: this.#violations,
      messagesPerNodeSecond: (streams + packets) / this.#nodeSeconds,
      bytesPerNodeSecond: (streamBytes + packetBytes) / this.#nodeSeconds,
      most: this.#most,
      peakBytes: this.#peakBytes,
      hours: this.#hours,
    };
  }

  get #expiresInMs(): number {
    return this.#options.expiresMinutes * MINUTE_MS;
  }

  get #nowMs(): number {
    return this.#world.network.schedule.nowMs;
  }

  #later(ms: number, act: () => void): void {
    this.#world.network.schedule.after(ms, act);
  }

  #violate(what: string): void {
    this.#violations.push(`minute ${Math.floor(this.#nowMs / MINUTE_MS)}: ${what}`);
  }

  async #passMinute(): Promise<void> {
    const { random } = this.#world;
    const count = Math.max(1, Math.round(this.#options.nodes * CHURN_PER_MINUTE));
    for (let index = 0; index < count; index++) {
      this.#later(random.next() * MINUTE_MS, () => this.#disturb());
    }
    this.#nodeSeconds += this.#upSinceMs.size * MINUTE_MS / 1_000;
    await this.#world.pass(MINUTE_MS);
    this.#checkBounds();
  }

  #disturb(): void {
    const { random } = this.#world;
    const fate = random.pick(FATES);
    const node = random.pick([...this.#upSinceMs.keys()]);
    if (fate === "crash") this.#crash(node);
    // As many join as leave, so that there are always about as many.
    else if (this.#upSinceMs.size > this.#options.nodes) this.#leave(node);
    else if (this.#upSinceMs.size < this.#options.nodes * 0.95 || fate === "join") this.#join();
    else this.#leave(node);
  }

  #add(): void {
    this.#upSinceMs.set(this.#world.add(), this.#nowMs);
  }

  #join(): void {
    this.#counts.joins++;
    this.#add();
  }

  #crash(node: GossipNode): void {
    const { random } = this.#world;
    this.#goesDown(node);
    node.kill();
    let down = true;
    this.#later(
      NOTICED_WITHIN_MS * random.next(),
      () => down && this.#world.setState(node, "dead"),
    );
    this.#later(1_000 + (DOWN_MAX_MS - 1_000) * random.next() ** 2, () => {
      down = false;
      this.#counts.restarts++;
      node.start();
      this.#upSinceMs.set(node, this.#nowMs);
      this.#world.setState(node, "alive");
    });
  }

  #leave(node: GossipNode): void {
    this.#counts.leaves++;
    this.#goesDown(node);
    this.#origins.delete(node);
    this.#world.setState(node, "left");
    this.#later(LEAVE_GRACE_MS, () => node.kill());
    this.#later(FORGOTTEN_AFTER_MS, () => this.#world.forget(node));
  }

  #goesDown(node: GossipNode): void {
    this.#upSinceMs.delete(node);
    for (const { stayed } of this.#open.values()) stayed.delete(node);
  }

  async #send(): Promise<void> {
    const waiting = new Set([...this.#open.values()].map(({ origin }) => origin));
    const free = (nodes: Iterable<GossipNode>) =>
      [...nodes].filter((node) => this.#upSinceMs.has(node) && !waiting.has(node));
    const used = free(this.#origins);
    const origin = this.#world.random.pick(used.length > 0 ? used : free(this.#upSinceMs.keys()));
    this.#origins.add(origin);
    const ran = new Set<string>();
    const stayed = new Set(this.#upSinceMs.keys());
    const sent: Sent = { id: "", origin, issuedAtMs: this.#nowMs, stayed, ran };
    // It runs on its origin before its id is known here.
    this.#sending = sent;
    const { id } = await origin.submit({ expiresInMs: this.#expiresInMs });
    this.#sending = undefined;
    this.#open.set(id, { ...sent, id });
    this.#counts.batches++;
    this.#later(SETTLED_WITHIN_MS, () => this.#checkRuns(id));
    this.#later(this.#expiresInMs, () => this.#checkRuns(id));
    this.#later(this.#expiresInMs + SETTLED_WITHIN_MS, () => this.#checkResults(id));
  }

  #take(node: GossipNode, event: GossipEvent): void {
    if (event.type === "report_abandoned") {
      // It has no home any more where its origin left for ever.
      if (this.#open.has(event.batchId)) this.#violate(`${node.name} gave up on a result`);
      this.#crowded--;
    }
    if (event.type === "dropped" && event.reason === "too_many") this.#crowded++;
    else if (event.type === "dropped" && !HARMLESS.includes(event.reason)) {
      this.#violate(`${node.name} dropped ${event.reason}: ${event.detail}`);
    }
    if (event.type !== "batch_accepted" || !event.targeted) return;
    this.#counts.runs++;
    const { id } = event.batch;
    const sent = this.#open.get(id) ?? this.#sending;
    if (sent === undefined) return this.#violate(`${node.name} ran the old batch ${id}`);
    if (sent.ran.has(node.name)) this.#violate(`${node.name} ran batch ${id} a second time`);
    sent.ran.add(node.name);
    node.runs.delete(id);
  }

  /** Everybody who was up long enough has run it. */
  #checkRuns(id: BatchId): void {
    const { ran, issuedAtMs } = this.#open.get(id)!;
    const sinceMs = this.#nowMs - SETTLED_WITHIN_MS;
    for (const [node, upSinceMs] of this.#upSinceMs) {
      if (upSinceMs > Math.max(sinceMs, issuedAtMs) || ran.has(node.name)) continue;
      this.#violate(`${node.name}, up for long, did not run batch ${id}`);
    }
  }

  /** The results of all who stayed up are home, where they have a home. */
  #checkResults(id: BatchId): void {
    const sent = this.#open.get(id)!;
    const { origin, stayed, ran } = sent;
    if (!this.#world.nodes.has(origin.name) || origin.state === "left") {
      this.#open.delete(id);
      return;
    }
    const upSinceMs = this.#upSinceMs.get(origin);
    if (upSinceMs === undefined || this.#nowMs - upSinceMs < LOOK_AGAIN_MS) {
      this.#later(LOOK_AGAIN_MS, () => this.#checkResults(id));
      return;
    }
    this.#open.delete(id);
    const results = origin.machine!.progress(id);
    if (results === undefined) return this.#violate(`${origin.name} holds no results of ${id}`);
    for (const node of stayed) {
      this.#counts.stayed++;
      const progress = results.get(node.name);
      if (progress?.state === "done" && progress.passed && ran.has(node.name)) continue;
      this.#violate(`the result of ${node.name} on ${id} is not home: ${progress?.state}`);
    }
    const done = [...results.values()].filter(({ state }) => state === "done").length;
    this.#counts.late += done - stayed.size;
  }

  /** What each node holds stays within its bounds, and what it owes within what is open. */
  #checkBounds(): void {
    const bounds = {
      ids: BOUNDS.maxIds,
      batches: Math.min(BOUNDS.maxBatches, this.#open.size),
      collections: BOUNDS.maxCollections,
      reports: this.#open.size + REPORT_KEEP_MS / MINUTE_MS,
      sends: SENDS_MAX,
    };
    for (const { name, machine } of this.#world.nodes.values()) {
      if (machine === undefined) continue;
      const status = machine.status();
      for (const what of Object.keys(bounds) as (keyof typeof bounds)[]) {
        this.#most[what] = Math.max(this.#most[what], status[what]);
        if (status[what] > bounds[what]) this.#violate(`${name} holds ${status[what]} ${what}`);
      }
    }
    const { pending } = this.#world.network.schedule;
    if (pending > PLANNED_MAX * this.#options.nodes) this.#violate(`${pending} things are planned`);
    const { heapUsed, external } = Deno.memoryUsage();
    this.#peakBytes = Math.max(this.#peakBytes, heapUsed + external);
  }

  #endHour(): void {
    const { batches, runs } = this.#counts;
    const hour = { hour: this.#hours.length + 1, batches, runs, memoryBytes: memoryInUseBytes() };
    this.#hours.push(hour);
    this.#options.hourEnded?.(hour);
  }
}
