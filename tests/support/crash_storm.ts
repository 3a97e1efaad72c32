/**
 * Nodes that die at random moments while batches are sent to all of them.
 * @module
 */
import { UnreachableError } from "../../lib/errors.ts";
import type { CrashCluster } from "./crash_cluster.ts";
import { journalMembers, journalOutcomes } from "./crash_journal.ts";
import type { CrashNode } from "./crash_node.ts";
import { eventually } from "./process.ts";
import { SeededRandom } from "./world_time.ts";

/** How long a node lives before it is killed, at most. */
const LIFE_MAX_MS = 800;
/** How long it stays dead, at most, beside what its start takes. */
const DEATH_MAX_MS = 600;
/** Between two batches of one sender, at most. */
const PAUSE_MAX_MS = 400;
/** Longer than an action takes to start, shorter than a life. */
const ACTION_MAX_MS = 120;
/** More checks than run at once on a small machine, so that some have not started at a death. */
const ACTIONS_MAX = 12;
/** Batches of which an origin is asked again each time that it is looked at. */
const LOOKS = 4;

/** A batch that its origin has accepted. */
interface StormBatch {
  readonly id: string;
  readonly origin: CrashNode;
}

/** What a storm is made of. */
export interface CrashStormOptions {
  /** Started. */
  readonly cluster: CrashCluster;
  /** Fixes every delay; what the processes make of them differs from run to run. */
  readonly seed: string;
  /** How often a node is killed, in all. */
  readonly kills: number;
}

/** Kills, sends and looks at once, until the kills are used up. */
export class CrashStorm {
  readonly #options: CrashStormOptions;
  readonly #up: Set<CrashNode>;
  #killsLeft: number;
  #raging = true;
  /** What was accepted, in order. */
  readonly batches: StormBatch[] = [];
  /** How often a batch was refused or its sender died. */
  unsent = 0;

  /** Nothing happens before `rage`. */
  constructor(options: CrashStormOptions) {
    this.#options = options;
    this.#up = new Set(options.cluster.nodes);
    this.#killsLeft = options.kills;
  }

  /** How many kills there were. */
  get kills(): number {
    return this.#options.kills - this.#killsLeft;
  }

  /** Rages until the kills are used up; every node lives afterwards. */
  async rage(): Promise<void> {
    const { nodes } = this.#options.cluster;
    await untilRememberOthers(this.#options.cluster);
    const around = nodes.flatMap((node) => [this.#send(node), this.#look(node)]);
    try {
      await Promise.all(nodes.map((node) => this.#killAgainAndAgain(node)));
    } finally {
      this.#raging = false;
    }
    await Promise.all(around);
  }

  async #killAgainAndAgain(node: CrashNode): Promise<void> {
    const random = this.#random(`kill ${node.name}`);
    while (this.#killsLeft > 0) {
      this.#killsLeft--;
      await pause(random.next() * LIFE_MAX_MS);
      this.#up.delete(node);
      await node.kill();
      this.#takeConfirmed(node);
      await pause(random.next() * DEATH_MAX_MS);
      await node.start();
      this.#up.add(node);
    }
  }

  /** What a dead node held for confirmed, its origin shows for ever. */
  #takeConfirmed(node: CrashNode): void {
    for (const { batchId, settled, results } of journalOutcomes(node.stateDirectory)) {
      const done = { node: node.name, results };
      if (settled) this.#options.cluster.ledger.confirmed(batchId, done);
    }
  }

  async #send(node: CrashNode): Promise<void> {
    const { ledger } = this.#options.cluster;
    const random = this.#random(`send ${node.name}`);
    while (this.#raging) {
      await pause(random.next() * PAUSE_MAX_MS);
      const many = random.next() < 0.1;
      const actions = many ? ACTIONS_MAX : 1 + Math.floor(random.next() * 3);
      const checks = ledger.checks({
        actions,
        actionMs: Math.floor(random.next() * ACTION_MAX_MS),
      });
      await this.#whileUp(node, async () => {
        const id = await node.client.send({ checks });
        ledger.accepted(id);
        this.batches.push({ id, origin: node });
      });
    }
  }

  /** What an origin shows while its cluster dies around it. */
  async #look(node: CrashNode): Promise<void> {
    const { ledger } = this.#options.cluster;
    const random = this.#random(`look ${node.name}`);
    while (this.#raging) {
      await pause(random.next() * PAUSE_MAX_MS);
      const own = this.batches.filter(({ origin }) => origin === node);
      for (let look = 0; look < LOOKS && own.length > 0; look++) {
        const latest = own.length - 1 - Math.floor(random.next() ** 4 * own.length);
        const { id } = own[latest] ?? own[0]!;
        await this.#whileUp(node, async () => ledger.shows(id, await node.client.results(id)));
      }
    }
  }

  async #whileUp(node: CrashNode, action: () => Promise<void>): Promise<void> {
    if (!this.#up.has(node)) return;
    try {
      await action();
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      this.unsent++;
    }
  }

  #random(what: string): SeededRandom {
    return new SeededRandom(`${this.#options.seed} ${what}`);
  }
}

/** Waits until every node's part of every batch is at its origin, and each node itself has it too. */
export async function calmDown(storm: CrashStorm, cluster: CrashCluster): Promise<void> {
  await cluster.together();
  for (const { id, origin } of storm.batches) {
    await cluster.settled(id, { origin, names: cluster.names });
    for (const node of cluster.nodes) {
      const own = (await node.client.results(id))?.get(node.name);
      if (own?.state === "done") cluster.ledger.confirmed(id, own);
      else cluster.ledger.violations.push(`${id}: ${node.name} itself holds it ${own?.state}`);
    }
  }
}

/** Kills every node and compares its journal with what the origins have shown. */
export async function bury(cluster: CrashCluster): Promise<void> {
  for (const node of cluster.nodes) {
    await eventually(() => {
      const owed = journalOutcomes(node.stateDirectory).filter(({ settled }) => !settled);
      if (owed.length > 0) throw new Error(`${node.name} still owes ${owed.length} results`);
    }, { timeoutMs: 30_000 });
    await node.kill();
    for (const { batchId, results } of journalOutcomes(node.stateDirectory)) {
      cluster.ledger.confirmed(batchId, { node: node.name, results });
    }
  }
}

/** From then on each node finds its cluster by itself. */
export async function untilRememberOthers(cluster: CrashCluster): Promise<void> {
  for (const { name, stateDirectory } of cluster.nodes) {
    await eventually(() => {
      const others = journalMembers(stateDirectory).length;
      if (others < cluster.nodes.length - 1) throw new Error(`${name} remembers ${others} others`);
    }, { timeoutMs: 30_000 });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
