/**
 * Runs clusters of our daemons as processes on the loopback interface, and reads the results of batches.
 * @module
 */
import { join } from "@std/path";
import type { ReportRecord, ResultRecord } from "../../lib/cli/json_records.ts";
import { GossipcheckNode, type GossipcheckNodeOptions } from "./gossipcheck_node.ts";
import { type CommandLine, type CommandResult, eventually } from "./process.ts";
import { PATIENCE_MS } from "./process_events.ts";

export { PATIENCE_MS };

/** Number of daemons that start at the same time: one for each core of a small machine. */
const STARTS_AT_ONCE = 2;

/** How to start a cluster. */
export interface ClusterOptions {
  readonly size: number;
  /** Additional flags of every daemon. */
  readonly flags?: readonly string[];
  /** Returns how to change every daemon's command line, given the cluster's folder. */
  readonly wrap?: (folder: string) => (line: CommandLine) => CommandLine;
}

/** A running cluster with its own folder for state and files. Disposing of it kills every daemon. */
export class TestCluster implements AsyncDisposable {
  readonly #flags: readonly string[];
  /** The daemons, sorted by name. */
  readonly nodes: GossipcheckNode[] = [];
  /** A folder for state and files; removed with the cluster. */
  readonly directory: string = Deno.makeTempDirSync({ prefix: "gossipcheck-cluster-" });

  /** Makes a cluster without daemons. */
  constructor(options: { flags?: readonly string[] } = {}) {
    this.#flags = options.flags ?? [];
  }

  /** The first daemon: the others join through it, and batches are sent to it. */
  get origin(): GossipcheckNode {
    return this.node(0);
  }

  get names(): string[] {
    return this.nodes.map(({ name }) => name).sort();
  }

  /** The daemon with this number, from 0. */
  node(index: number): GossipcheckNode {
    const node = this.nodes[index];
    if (node === undefined) throw new Error(`the cluster has no node ${index}`);
    return node;
  }

  /** Starts another daemon, which joins through the first one by default. */
  async add(
    name: string,
    options: Omit<GossipcheckNodeOptions, "name"> = {},
  ): Promise<GossipcheckNode> {
    const first = this.nodes[0];
    const node = await GossipcheckNode.start({
      ...(first === undefined ? {} : { join: [first.address] }),
      stateDirectory: this.path("state"),
      ...options,
      name,
      flags: ["-log-level=info", ...this.#flags, ...options.flags ?? []],
    });
    this.nodes.push(node);
    return node;
  }

  /** Starts a daemon that has ended again, with its state and without peers. */
  async restart(
    index: number,
    options: Partial<GossipcheckNodeOptions> = {},
  ): Promise<GossipcheckNode> {
    const node = await this.node(index).again({ join: [], ...options });
    this.nodes[index] = node;
    return node;
  }

  /**
   * Waits until the first daemon and every other one have seen each other. The others may still miss
   * each other until the next push/pull.
   */
  async together(): Promise<void> {
    const [first, ...others] = this.nodes;
    if (first === undefined) return;
    const meets = (node: GossipcheckNode, other: GossipcheckNode) =>
      node.waitFor("join", { name: other.name, timeoutMs: PATIENCE_MS });
    await Promise.all(others.flatMap((node) => [meets(node, first), meets(first, node)]));
  }

  /** The path of a file in the cluster's folder. */
  path(name: string): string {
    return join(this.directory, name);
  }

  /** Writes a check file into the folder and returns its path. */
  writeChecks(name: string, checks: Readonly<Record<string, unknown>>): string {
    const path = this.path(name);
    Deno.writeTextFileSync(path, JSON.stringify(checks));
    return path;
  }

  /**
   * Writes a check file with one check that fails on every node. Its action first runs `before`, then
   * appends the node's name to the file `runs`.
   */
  writeStampCheck(options: { before?: string } = {}): string {
    return this.writeChecks("stamp.json", {
      stamp: {
        type: "file_exists",
        path: this.path("never-there"),
        action: `${options.before ?? ":"}\necho "$GOSSIPCHECK_NODE" >> '${this.path("runs")}'`,
      },
    });
  }

  /** The sorted names of the nodes that have run the action of `writeStampCheck`, one name for each run. */
  stamps(): string[] {
    try {
      return Deno.readTextFileSync(this.path("runs")).split("\n").slice(0, -1).sort();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  /** Sends a check file to the first daemon and waits for the results. */
  async check(file: string, flags: readonly string[] = []): Promise<Answer> {
    const result = await this.origin.gcheck(
      [`-file=${file}`, `-timeout=${PATIENCE_MS}ms`, "-output=json", ...flags, "check"],
      { timeoutMs: 2 * PATIENCE_MS },
    );
    return answerOf(result);
  }

  /** Asks the first daemon for the results of a batch until `complete` does not throw. */
  async results(batch: string, complete: (answer: Answer) => void): Promise<Answer> {
    return await eventually(async () => {
      const answer = answerOf(await this.origin.gcheck(["-output=json", "results", batch]));
      complete(answer);
      return answer;
    }, { timeoutMs: PATIENCE_MS });
  }

  /** Kills every daemon and removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
    await Deno.remove(this.directory, { recursive: true });
  }
}

/** Starts a cluster and waits until its daemons have seen each other. */
export async function startCluster(options: ClusterOptions): Promise<TestCluster> {
  await using starting = new AsyncDisposableStack();
  const cluster = starting.use(new TestCluster(options));
  const names = Array.from({ length: options.size }, (_, index) => nodeName(index));
  const settings = options.wrap === undefined ? {} : { wrap: options.wrap(cluster.directory) };
  await cluster.add(names.shift() ?? nodeName(0), settings);
  const startSome = async () => {
    for (let name; (name = names.shift()) !== undefined;) await cluster.add(name, settings);
  };
  await Promise.all(Array.from({ length: STARTS_AT_ONCE }, startSome));
  cluster.nodes.sort((a, b) => a.name < b.name ? -1 : 1);
  await cluster.together();
  starting.move();
  return cluster;
}

/** A node name by its number: `n00`, `n01`, … */
export function nodeName(index: number): string {
  return `n${String(index).padStart(2, "0")}`;
}

/** Exit status of `gcheck` and the document that it printed. */
export interface Answer {
  readonly code: number;
  /** Its stderr. */
  readonly stderr: string;
  /** The document. */
  readonly report: ReportRecord;
  /** The sorted names of the nodes in each state. */
  readonly states: Readonly<Record<string, readonly string[]>>;
  /** The result of a check on a node. */
  result(node: string, check: string): Omit<ResultRecord, "batch" | "node"> | undefined;
}

function answerOf({ code, stdout, stderr }: CommandResult): Answer {
  if (stdout === "") throw new Error(`gcheck printed nothing and exited with ${code}: ${stderr}`);
  const report = JSON.parse(stdout) as ReportRecord;
  const states: Record<string, string[]> = {};
  for (const { node, state } of report.nodes) (states[state] ??= []).push(node);
  return {
    code,
    stderr,
    report,
    states,
    result: (node, check) =>
      report.nodes.find((each) => each.node === node)?.results
        ?.find((each) => each.check === check),
  };
}

/**
 * Runs a test on a cluster. If it fails, the error contains the last log lines of every daemon.
 */
export async function withCluster(
  options: ClusterOptions,
  test: (cluster: TestCluster) => Promise<void>,
): Promise<void> {
  await using cluster = await startCluster(options);
  try {
    await test(cluster);
  } catch (error) {
    const logs = cluster.nodes.map((node) => {
      const lines = node.events.all.slice(-8).map(({ fields }) => JSON.stringify(fields));
      return `${node.name}:\n  ${lines.join("\n  ")}`;
    });
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${message}\n${logs.join("\n")}`, { cause: error });
  }
}
