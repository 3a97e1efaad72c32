/**
 * Runs a cluster whose nodes crash, and checks what must hold for every batch in spite of the crashes.
 * @module
 */
import { join } from "@std/path";
import { CrashLedger } from "./crash_ledger.ts";
import { CrashNode } from "./crash_node.ts";
import { eventually } from "./process.ts";

/** Number of log lines of each node in an error. */
const LOG_LINES = 25;

/** A short interval, so that a restarted node soon gets what it missed. */
const FLAGS = ["-advertise-interval=1s"];

/** A cluster whose nodes are killed. Disposing of it kills all nodes and removes the folder. */
export class CrashCluster implements AsyncDisposable {
  /** The folder of its state and files. */
  readonly directory: string = Deno.makeTempDirSync({ prefix: "gossipcheck-crash-" });
  /** Records what its actions did and its origins reported. */
  readonly ledger: CrashLedger = new CrashLedger({ directory: this.directory });
  /** Its nodes; `start` starts them. */
  readonly nodes: readonly CrashNode[];

  /** Makes the nodes without starting them. */
  constructor(names: readonly string[]) {
    Deno.mkdirSync(join(this.directory, "state"));
    this.nodes = names.map((name) =>
      new CrashNode({ name, directory: this.directory, flags: FLAGS })
    );
  }

  /** Starts every node and waits until each sees all others. */
  async start(): Promise<void> {
    for (const node of this.nodes) {
      await node.start({ peers: this.nodes.filter((o) => o !== node) });
    }
    await this.together();
  }

  get names(): string[] {
    return this.nodes.map(({ name }) => name);
  }

  /** The node with this number, from 0. */
  node(index: number): CrashNode {
    const node = this.nodes[index];
    if (node === undefined) throw new RangeError(`the cluster has no node ${index}`);
    return node;
  }

  /** Waits until every node lists all nodes as alive. */
  async together(): Promise<void> {
    for (const node of this.nodes) {
      await eventually(async () => {
        const members = await node.client.members();
        const alive = members.filter(({ state, runsGossipcheck }) =>
          state === "alive" && runsGossipcheck
        );
        if (alive.length !== this.nodes.length) {
          const seen = members.map(({ name, state }) => `${name} ${state}`).join(", ");
          throw new Error(`${node.name} lists ${seen}`);
        }
      }, { intervalMs: 50 });
    }
  }

  /** Waits until `origin` has the results of all `names`, and compares them with what the actions did. */
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
    }, { intervalMs: 50 });
    for (const each of progress.values()) {
      if (each.state === "done") this.ledger.compare(batchId, each);
    }
  }

  /** Raises `Error` with the violations that the ledger has found. */
  assertSound(): void {
    this.ledger.compareAll(this.names);
    const { violations } = this.ledger;
    if (violations.length > 0) throw new Error(violations.slice(0, 20).join("\n"));
  }

  /** Runs `body`. If it fails, the error contains `what` it did and the log of every node. */
  async describing(what: () => string, body: () => Promise<void>): Promise<void> {
    try {
      await body();
    } catch (error) {
      const logs = this.nodes.map((node) => `${node.name}:\n${node.log(LOG_LINES)}`);
      const message = error instanceof Error ? error.message : String(error);
      throw new Error([what(), message, ...logs].join("\n"), { cause: error });
    }
  }

  /** Kills all nodes and removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
    await Deno.remove(this.directory, { recursive: true });
  }
}
