/**
 * Kills and restarts nodes at random while it sends batches to all of them.
 * @module
 */
import { nodeResults } from "../../lib/cli/node_results.ts";
import { UnreachableError } from "../../lib/errors.ts";
import type { CrashCluster } from "./crash_cluster.ts";
import { journalMembers, journalOutcomes } from "./crash_journal.ts";
import type { CrashNode } from "./crash_node.ts";
import { eventually } from "./process.ts";
import { SeededRandom } from "./world_time.ts";

/** Maximum time between a node's start and its next kill. */
const LIFE_MAX_MS = 800;
/** Maximum time between a node's kill and its next start. */
const DEATH_MAX_MS = 600;
/** Maximum time between two batches of one sender. */
const PAUSE_MAX_MS = 400;
/** Maximum duration of an action: longer than its start takes, shorter than a node's life. */
const ACTION_MAX_MS = 120;
/** More actions than a node runs at the same time, so that some have not started when it is killed. */
const ACTIONS_MAX = 12;
/** Number of batches whose results are requested each time. */
const LOOKS = 4;

/** A batch that its origin has accepted. */
interface StormBatch {
  readonly id: string;
  readonly origin: CrashNode;
}

/** How to make a storm. */
export interface CrashStormOptions {
  /** A started cluster. */
  readonly cluster: CrashCluster;
  /** Seed of every delay. The timing of the processes still differs between runs. */
  readonly seed: string;
  /** Number of kills, over all nodes. */
  readonly kills: number;
}

/** Kills nodes, sends batches and requests results concurrently until it has made all kills. */
export class CrashStorm {
  readonly #options: CrashStormOptions;
  readonly #up: Set<CrashNode>;
  #killsLeft: number;
  #running = true;
  /** The accepted batches, in order. */
  readonly batches: StormBatch[] = [];
  /** Number of requests that failed because the daemon was down. */
  unsent = 0;

  /** Makes a storm; `run` starts it. */
  constructor(options: CrashStormOptions) {
    this.#options = options;
    this.#up = new Set(options.cluster.nodes);
    this.#killsLeft = options.kills;
  }

  /** Number of kills so far. */
  get kills(): number {
    return this.#options.kills - this.#killsLeft;
  }

  /** Runs until all kills are made and every node is up again. */
  async run(): Promise<void> {
    const { nodes } = this.#options.cluster;
    await untilMembersStored(this.#options.cluster);
    const around = nodes.flatMap((node) => [this.#send(node), this.#look(node)]);
    try {
      await Promise.all(nodes.map((node) => this.#killAgainAndAgain(node)));
    } finally {
      this.#running = false;
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
      this.#recordAcknowledged(node);
      await pause(random.next() * DEATH_MAX_MS);
      await node.start();
      this.#up.add(node);
    }
  }

  /** Records the results that a dead node has marked as acknowledged: its origin must keep them. */
  #recordAcknowledged(node: CrashNode): void {
    for (const { batchId, settled, results } of journalOutcomes(node.stateDirectory)) {
      const done = { node: node.name, results };
      if (settled) this.#options.cluster.ledger.acknowledged(batchId, done);
    }
  }

  async #send(node: CrashNode): Promise<void> {
    const { ledger } = this.#options.cluster;
    const random = this.#random(`send ${node.name}`);
    while (this.#running) {
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

  /** Requests results from a node while the others crash. */
  async #look(node: CrashNode): Promise<void> {
    const { ledger } = this.#options.cluster;
    const random = this.#random(`look ${node.name}`);
    while (this.#running) {
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

/** Waits until the origin of every batch has the results of all nodes. Each node must still have its own. */
export async function untilSettled(storm: CrashStorm, cluster: CrashCluster): Promise<void> {
  await cluster.together();
  for (const { id, origin } of storm.batches) {
    await cluster.settled(id, { origin, names: cluster.names });
    for (const node of cluster.nodes) {
      const progress = (await node.client.results(id))?.get(node.name);
      const own = progress && nodeResults(progress);
      if (own?.state === "done") cluster.ledger.acknowledged(id, own);
      else cluster.ledger.violations.push(`${id}: ${node.name} itself has it as ${own?.state}`);
    }
  }
}

/** Kills every node and compares its journal with what the origins have reported. */
export async function killAndCompare(cluster: CrashCluster): Promise<void> {
  for (const node of cluster.nodes) {
    await eventually(() => {
      const owed = journalOutcomes(node.stateDirectory).filter(({ settled }) => !settled);
      if (owed.length > 0) {
        throw new Error(`${node.name} has ${owed.length} results that are not acknowledged`);
      }
    });
    await node.kill();
    for (const { batchId, results } of journalOutcomes(node.stateDirectory)) {
      cluster.ledger.acknowledged(batchId, { node: node.name, results });
    }
  }
}

/** Waits until every node has stored all others, so that it joins them after a restart without peers. */
export async function untilMembersStored(cluster: CrashCluster): Promise<void> {
  for (const { name, stateDirectory } of cluster.nodes) {
    await eventually(() => {
      const others = journalMembers(stateDirectory).length;
      if (others < cluster.nodes.length - 1) {
        throw new Error(`${name} has stored ${others} other members`);
      }
    });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
