/**
 * A day of a cluster in virtual time: nodes crash, restart, leave and join, packets are lost, and a
 * batch is sent each minute, with checks of what must hold.
 * @module
 */
import type { BatchId } from "../../lib/batch/id.ts";
import type { GossipEvent } from "../../lib/gossip/types.ts";
import { type GossipNode, GossipWorld } from "../support/gossip_world.ts";
import { memoryInUseBytes } from "../support/heap.ts";
import { SeededRandom } from "../support/world_time.ts";

/** Options of `runDay`. */
export interface DayOptions {
  /** Determines everything random. */
  readonly seed: number;
  /** The number of nodes, approximately. */
  readonly nodes: number;
  /** Minutes in which batches are sent; after them the run goes on until all batches are checked. */
  readonly minutes: number;
  /** Minutes until a batch expires. */
  readonly expiresMinutes: number;
  /** Called at the end of each hour. */
  readonly hourEnded?: (hour: HourFigures) => void;
}

/** Figures of one hour. */
export interface HourFigures {
  /** Its number, from 1. */
  readonly hour: number;
  /** Batches sent since the start. */
  readonly batches: number;
  /** Runs on nodes since the start. */
  readonly runs: number;
  /** Memory in use at its end, without garbage. */
  readonly memoryBytes: number;
}

/** The result of a day. */
export interface DayFigures {
  /** What did not hold. */
  readonly violations: readonly string[];
  /** Batches sent. */
  readonly batches: number;
  /** Runs on nodes. */
  readonly runs: number;
  /** Results of nodes that stayed up from a batch's issue to its end; the origin has them all. */
  readonly stayed: number;
  /** Results that the origin has of other nodes. */
  readonly late: number;
  /** Crashes after which a node restarted with its disk. */
  readonly restarts: number;
  readonly leaves: number;
  readonly joins: number;
  /** Messages that a node sent per second. */
  readonly messagesPerNodeSecond: number;
  /** Bytes that a node sent per second. */
  readonly bytesPerNodeSecond: number;
  /** The most that any node held at the end of a minute. */
  readonly most: {
    ids: number;
    batches: number;
    collections: number;
    reports: number;
    sends: number;
  };
  /** The most memory in use at the end of a minute, garbage included. */
  readonly peakBytes: number;
  readonly hours: readonly HourFigures[];
}

/** Share of the nodes that crash, leave or join each minute. */
const CHURN_PER_MINUTE = 0.01;
/** Probability that a packet is lost; TCP is delayed instead. */
const LOSS = 0.05;
/** Of five such nodes three crash, one leaves and one is new. */
const FATES = ["crash", "crash", "crash", "leave", "join"] as const;
/** The longest time until the members notice a crash. */
const NOTICED_WITHIN_MS = 8_000;
/** The longest time until a node that crashed restarts. */
const DOWN_MAX_MS = 600_000;
/** Time until the members forget a node that left. */
const FORGOTTEN_AFTER_MS = 60_000;
/** Time that a node that leaves waits for the acknowledgement of its last results. */
const LEAVE_GRACE_MS = 3_000;
/** The longest run; half of the runs take less than a sixtieth of it. */
const RUN_MAX_MS = 480_000;
/** The longest time until a batch has run on a node, after its issue or the start of the node. */
const SETTLED_WITHIN_MS = 600_000;
/** Time until results are checked again if their origin is down or has just restarted. */
const LOOK_AGAIN_MS = 180_000;
const MINUTE_MS = 60_000;
/** Time until a result whose origin left is abandoned. */
const REPORT_KEEP_MS = 7_200_000;
/** Bounds of dissemination that are small enough to be reached in a day. */
const BOUNDS = { maxIds: 200, maxBatches: 100, maxCollections: 1, reportKeepMs: REPORT_KEEP_MS };

/** A node meets more sessions of others than this in a day, and then renews its own. */
const MAX_SESSIONS = 1_000;

/** The most sends of one node that are under way or queued. */
const SENDS_MAX = 100;
/** The most events to come per node. */
const PLANNED_MAX = 200;
/** Reasons for drops that are no faults: a message of a member that has just left, an expired batch. */
const HARMLESS: readonly string[] = ["unexpected", "timed_out"];

/** One batch, until all its checks are done. */
interface Sent {
  readonly id: BatchId;
  readonly origin: GossipNode;
  readonly issuedAtMs: number;
  /** Nodes that have been up since its issue. */
  readonly stayed: Set<GossipNode>;
  /** Names of the nodes that ran it. */
  readonly ran: Set<string>;
}

/** The command that repeats a run. */
export function dayCommand(options: DayOptions): string {
  const { seed, nodes, minutes, expiresMinutes } = options;
  return `deno task sim --day --seed ${seed} --nodes ${nodes} --minutes ${minutes} ` +
    `--expires ${expiresMinutes}`;
}

/** Runs a day. */
export async function runDay(options: DayOptions): Promise<DayFigures> {
  using day = new Day(options);
  return await day.run();
}

class Day implements Disposable {
  readonly #options: DayOptions;
  readonly #world: GossipWorld;
  readonly #violations: string[] = [];
  readonly #open = new Map<BatchId, Sent>();
  /** The time since when each running node is up. */
  readonly #upSinceMs = new Map<GossipNode, number>();
  /** Nodes that have issued a batch: operators use the same few nodes. */
  readonly #origins = new Set<GossipNode>();
  readonly #hours: HourFigures[] = [];
  readonly #most = { ids: 0, batches: 0, collections: 0, reports: 0, sends: 0 };
  readonly #counts = { batches: 0, runs: 0, stayed: 0, late: 0, restarts: 0, leaves: 0, joins: 0 };
  #nodeSeconds = 0;
  #peakBytes = 0;
  /** Number of evictions, without those of results that are abandoned. */
  #evictions = 0;
  /** The batch that is being issued. */
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
    for (const { id } of this.#open.values()) {
      this.#violate(`the results of batch ${id} were never checked`);
    }
    if (this.#evictions > 0) this.#violate(`${this.#evictions} evictions`);
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
    // Keeps the number of nodes about constant.
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
    // The origin runs it before its id is known here.
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
      // A result whose origin left has no destination any more.
      if (this.#open.has(event.batchId)) this.#violate(`${node.name} abandoned a result`);
      this.#evictions--;
    }
    if (event.type === "dropped" && event.reason === "too_many") this.#evictions++;
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

  /** Checks that every node that has been up for long has run a batch. */
  #checkRuns(id: BatchId): void {
    const { ran, issuedAtMs } = this.#open.get(id)!;
    const sinceMs = this.#nowMs - SETTLED_WITHIN_MS;
    for (const [node, upSinceMs] of this.#upSinceMs) {
      if (upSinceMs > Math.max(sinceMs, issuedAtMs) || ran.has(node.name)) continue;
      this.#violate(`${node.name}, up for long, has not run batch ${id}`);
    }
  }

  /** Checks that the origin, unless it left, has the results of all nodes that stayed up. */
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
    if (results === undefined) return this.#violate(`${origin.name} has no results of ${id}`);
    for (const node of stayed) {
      this.#counts.stayed++;
      const progress = results.get(node.name);
      if (progress?.state === "done" && progress.passed && ran.has(node.name)) continue;
      this.#violate(`the origin of ${id} has no result of ${node.name}: ${progress?.state}`);
    }
    const done = [...results.values()].filter(({ state }) => state === "done").length;
    this.#counts.late += done - stayed.size;
  }

  /** Checks that the tables of each node are within their bounds. */
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
    if (pending > PLANNED_MAX * this.#options.nodes) this.#violate(`${pending} events are planned`);
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
