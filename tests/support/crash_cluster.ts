/**
 * Three nodes that die, and what must hold of every batch whatever has died meanwhile.
 * @module
 */
import { join } from "@std/path";
import { CrashLedger } from "./crash_ledger.ts";
import { CrashNode } from "./crash_node.ts";
import { eventually } from "./process.ts";

/** How long anything may take before a test gives up; nothing is asserted about it. */
const PATIENCE_MS = 60_000;
/** Lines of each node's log in a failure. */
const LOG_LINES = 25;

/** Nodes of short periods, so that what was missed comes soon after a restart. */
const FLAGS = ["-advertise-interval=1s"];

/** A cluster whose nodes are killed. Disposing of it kills all and removes its folder. */
export class CrashCluster implements AsyncDisposable {
  /** Its files. */
  readonly directory: string = Deno.makeTempDirSync({ prefix: "gossipcheck-crash-" });
  /** What its actions and origins have shown. */
  readonly ledger: CrashLedger = new CrashLedger({ directory: this.directory });
  /** Its nodes; `start` gives each a life. */
  readonly nodes: readonly CrashNode[];

  /** Starts nothing yet. */
  constructor(names: readonly string[]) {
    Deno.mkdirSync(join(this.directory, "state"));
    this.nodes = names.map((name) =>
      new CrashNode({ name, directory: this.directory, flags: FLAGS })
    );
  }

  /** Gives each node its first life and waits until all see all. */
  async start(): Promise<void> {
    for (const node of this.nodes) {
      await node.start({ peers: this.nodes.filter((o) => o !== node) });
    }
    await this.together();
  }

  /** The names of all nodes. */
  get names(): string[] {
    return this.nodes.map(({ name }) => name);
  }

  /** One node by its number. */
  node(index: number): CrashNode {
    const node = this.nodes[index];
    if (node === undefined) throw new RangeError(`the cluster has no node ${index}`);
    return node;
  }

  /** Waits until every node holds every node alive. */
  async together(): Promise<void> {
    for (const node of this.nodes) {
      await eventually(async () => {
        const members = await node.client.members();
        const alive = members.filter(({ state, runsGossipcheck }) =>
          state === "alive" && runsGossipcheck
        );
        if (alive.length !== this.nodes.length) {
          const seen = members.map(({ name, state }) => `${name} ${state}`).join(", ");
          throw new Error(`${node.name} holds ${seen}`);
        }
      }, { timeoutMs: PATIENCE_MS, intervalMs: 50 });
    }
  }

  /** Waits until `origin` shows the outcome of each of `names`, and compares it with what was done. */
  async settled(
    batchId: string,
    { origin, names }: { origin: CrashNode; names: readonly string[] },
  ): Promise<void> {
    const progress = await eventually(async () => {
      const shown = await origin.client.results(batchId);
      this.ledger.shows(batchId, shown);
      const lacking = names.filter((name) => shown?.get(name)?.state !== "done");
      if (shown !== undefined && lacking.length === 0) return shown;
      const states = lacking.map((name) => `${name} ${shown?.get(name)?.state}`).join(", ");
      throw new Error(`batch ${batchId} of ${origin.name} does not settle: ${states}`);
    }, { timeoutMs: PATIENCE_MS, intervalMs: 50 });
    for (const each of progress.values()) {
      if (each.state === "done") this.ledger.compare(batchId, each);
    }
  }

  /** Raises what the ledger found wrong. */
  assertSound(): void {
    this.ledger.compareAll(this.names);
    const { violations } = this.ledger;
    if (violations.length > 0) throw new Error(violations.slice(0, 20).join("\n"));
  }

  /** Runs `body`; where it fails, `what` it did and every node's log are in the error. */
  async telling(what: () => string, body: () => Promise<void>): Promise<void> {
    try {
      await body();
    } catch (error) {
      const logs = this.nodes.map((node) => `${node.name}:\n${node.log(LOG_LINES)}`);
      const message = error instanceof Error ? error.message : String(error);
      throw new Error([what(), message, ...logs].join("\n"), { cause: error });
    }
  }

  /** Kills every node and removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
    await Deno.remove(this.directory, { recursive: true });
  }
}
