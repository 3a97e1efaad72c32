/**
 * Clusters of our own daemons as real processes on the loopback, and what became of a batch there.
 * @module
 */
import { join } from "@std/path";
import type { ReportRecord, ResultRecord } from "../../lib/cli/records.ts";
import { GossipcheckNode, type GossipcheckNodeOptions } from "./gossipcheck_node.ts";
import { type CommandResult, eventually } from "./process.ts";

/**
 * How long anything may take before a test gives up. Nothing is asserted about it: it is far above
 * what a busy machine of two cores needs for fifty daemons.
 */
export const PATIENCE_MS = 240_000;
/** Daemons that start at the same time: one for each core of a small machine. */
const STARTS_AT_ONCE = 2;

/** What a cluster is made of. */
export interface ClusterOptions {
  /** Number of daemons. */
  readonly size: number;
  /** Further flags of every daemon. */
  readonly flags?: readonly string[];
}

/** A running cluster with a folder of its own, where its state is too. Disposing of it kills every daemon. */
export class TestCluster implements AsyncDisposable {
  readonly #flags: readonly string[];
  /** The daemons, in the order of their names. */
  readonly nodes: GossipcheckNode[] = [];
  /** A folder for the test's files; removed with the cluster. */
  readonly directory: string = Deno.makeTempDirSync({ prefix: "gossipcheck-cluster-" });

  /** Has no daemon yet. */
  constructor(options: { flags?: readonly string[] } = {}) {
    this.#flags = options.flags ?? [];
  }

  /** The daemon that the others joined through and that batches are sent to. */
  get origin(): GossipcheckNode {
    return this.node(0);
  }

  /** The names of all daemons, sorted. */
  get names(): string[] {
    return this.nodes.map(({ name }) => name).sort();
  }

  /** One daemon. */
  node(index: number): GossipcheckNode {
    const node = this.nodes[index];
    if (node === undefined) throw new Error(`the cluster has no node ${index}`);
    return node;
  }

  /** Starts one more daemon; it joins through the first one unless told otherwise. */
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

  /** Starts a daemon that has ended again, with its state and without being told a peer. */
  async restart(
    index: number,
    options: Partial<GossipcheckNodeOptions> = {},
  ): Promise<GossipcheckNode> {
    const node = await this.node(index).again({ join: [], ...options });
    this.nodes[index] = node;
    return node;
  }

  /**
   * Waits until the first daemon and every other have seen each other. News of the others' arrival
   * reaches everybody by gossip alone, and who misses it waits for a push/pull; no test needs it.
   */
  async together(): Promise<void> {
    const [first, ...others] = this.nodes;
    if (first === undefined) return;
    const meets = (node: GossipcheckNode, other: GossipcheckNode) =>
      node.waitFor("join", { name: other.name, timeoutMs: PATIENCE_MS });
    await Promise.all(others.flatMap((node) => [meets(node, first), meets(first, node)]));
  }

  /** A path in the cluster's folder. */
  path(name: string): string {
    return join(this.directory, name);
  }

  /** Writes a check file into the folder; its path. */
  writeChecks(name: string, checks: Readonly<Record<string, unknown>>): string {
    const path = this.path(name);
    Deno.writeTextFileSync(path, JSON.stringify(checks));
    return path;
  }

  /**
   * Writes a check file with one check that fails everywhere. Its action appends the node's name to
   * `runs`, after what `before` does.
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

  /** The names that stamps have written so far, sorted: one a run. */
  stamps(): string[] {
    try {
      return Deno.readTextFileSync(this.path("runs")).split("\n").slice(0, -1).sort();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  /** Sends a check file to the first daemon and waits for the answers. */
  async check(file: string, flags: readonly string[] = []): Promise<Answer> {
    const result = await this.origin.gcheck(
      [`-file=${file}`, `-timeout=${PATIENCE_MS}ms`, "-output=json", ...flags, "check"],
      { timeoutMs: 2 * PATIENCE_MS },
    );
    return answerOf(result);
  }

  /** What the first daemon knows of a batch, as soon as `complete` likes it. */
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

/** Starts a cluster and waits until it is together. */
export async function startCluster(options: ClusterOptions): Promise<TestCluster> {
  await using starting = new AsyncDisposableStack();
  const cluster = starting.use(new TestCluster(options));
  const names = Array.from({ length: options.size }, (_, index) => nodeName(index));
  await cluster.add(names.shift() ?? nodeName(0));
  const startSome = async () => {
    for (let name; (name = names.shift()) !== undefined;) await cluster.add(name);
  };
  await Promise.all(Array.from({ length: STARTS_AT_ONCE }, startSome));
  cluster.nodes.sort((a, b) => a.name < b.name ? -1 : 1);
  await cluster.together();
  starting.move();
  return cluster;
}

/** `n00`, `n01`, … */
export function nodeName(index: number): string {
  return `n${String(index).padStart(2, "0")}`;
}

/** How `gcheck` came out and the document that it printed. */
export interface Answer {
  /** Its exit status. */
  readonly code: number;
  /** What it said on stderr. */
  readonly stderr: string;
  /** What it printed. */
  readonly report: ReportRecord;
  /** The names of the nodes in each state, sorted. */
  readonly states: Readonly<Record<string, readonly string[]>>;
  /** One check's result on one node. */
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
 * Runs a test on a cluster. Where it fails, the last lines of every daemon's log are in the error.
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
