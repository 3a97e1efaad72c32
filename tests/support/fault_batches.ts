/**
 * Batches whose actions note on the disk who ran them, followed by `gcheck` to the last result.
 * @module
 */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { ReportRecord } from "../../lib/cli/records.ts";
import type { GossipcheckNode } from "./gossipcheck_node.ts";
import { eventually } from "./process.ts";

/** One batch that was sent. */
export interface SentBatch {
  /** By whom. */
  readonly origin: GossipcheckNode;
  /** Its id. */
  readonly id: string;
  /** When, on this process' monotonic clock. */
  readonly sentAtMs: number;
}

/** Sends, follows and counts. */
export class FaultBatches {
  readonly #directory: string;

  /** Keeps its files in `directory`. */
  constructor(options: { readonly directory: string }) {
    this.#directory = options.directory;
    const action = `echo "$GOSSIPCHECK_BATCH $GOSSIPCHECK_NODE" >> '${this.#runs}'`;
    const path = join(options.directory, "never-there");
    Deno.writeTextFileSync(
      this.#file,
      JSON.stringify({
        stamp: { type: "file_exists", path, action },
        passes: { type: "file_exists", path: "/" },
      }),
    );
  }

  get #file(): string {
    return join(this.#directory, "checks.json");
  }

  get #runs(): string {
    return join(this.#directory, "runs");
  }

  /** Sends one and returns once its daemon has taken it. */
  async send(origin: GossipcheckNode, flags: readonly string[] = []): Promise<SentBatch> {
    const sentAtMs = performance.now();
    const args = [`-file=${this.#file}`, "-no-wait", "-output=json", ...flags, "check"];
    const { code, stdout, stderr } = await origin.gcheck(args);
    const { batch } = code === 0 ? JSON.parse(stdout) as ReportRecord : {};
    if (batch === undefined) throw new Error(`no batch was sent: ${stderr}`);
    return { origin, id: batch, sentAtMs };
  }

  /** Waits until the origin's `gcheck results` has both outcomes of every node; how long that took. */
  async untilHome(
    { origin, id, sentAtMs }: SentBatch,
    options: { readonly names: readonly string[]; readonly timeoutMs: number },
  ): Promise<number> {
    const names = options.names.toSorted();
    return await eventually(async () => {
      const { code, stdout, stderr } = await origin.gcheck(["-output=json", "results", id]);
      if (stdout === "") throw new Error(`gcheck results exited with ${code}: ${stderr}`);
      const { nodes, summary } = JSON.parse(stdout) as ReportRecord;
      const states = nodes.map(({ node, state }) => `${node} ${state}`).sort();
      assertEquals(states, names.map((name) => `${name} done`));
      for (const { node, results = [] } of nodes) {
        const told = results.map(({ check, status, action }) =>
          `${check} ${status} ${action?.end ?? "none"}`
        );
        assertEquals(told.sort(), ["passes pass none", "stamp fail exited"], node);
      }
      const count = names.length;
      const { nodes: shown, answered, passed, failed } = summary;
      assertEquals([shown, answered, passed, failed], [count, count, count, count]);
      assertEquals(code, 1, "gcheck's exit status where one check failed everywhere");
      return performance.now() - sentAtMs;
    }, { timeoutMs: options.timeoutMs, intervalMs: 2_000 });
  }

  /** Each node of each batch ran it once, and nobody else ran anything. */
  assertRanOnce(expected: ReadonlyMap<SentBatch, readonly string[]>): void {
    const runs = Array.from(expected, ([{ id }, names]) => names.map((name) => `${id} ${name}`));
    assertEquals(this.runs(), runs.flat().sort());
  }

  /** Who ran what so far, sorted. */
  runs(): string[] {
    try {
      return Deno.readTextFileSync(this.#runs).split("\n").slice(0, -1).sort();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }
}
