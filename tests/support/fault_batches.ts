/**
 * Sends batches whose actions record on the disk which node ran them, and follows them with `gcheck`.
 * @module
 */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { ReportRecord } from "../../lib/cli/json_records.ts";
import type { GossipcheckNode } from "./gossipcheck_node.ts";
import { eventually } from "./process.ts";

/** A batch that was sent. */
export interface SentBatch {
  /** The daemon that it was sent to. */
  readonly origin: GossipcheckNode;
  readonly id: string;
  /** When it was sent, on the monotonic clock of this process. */
  readonly sentAtMs: number;
}

/** Sends batches, waits for their results and reads which node ran which batch. */
export class FaultBatches {
  readonly #directory: string;

  /** Writes its files into `directory`. */
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

  /** Sends a batch; resolves once the daemon has accepted it. */
  async send(origin: GossipcheckNode, flags: readonly string[] = []): Promise<SentBatch> {
    const sentAtMs = performance.now();
    const args = [`-file=${this.#file}`, "-no-wait", "-output=json", ...flags, "check"];
    const { code, stdout, stderr } = await origin.gcheck(args);
    const { batch } = code === 0 ? JSON.parse(stdout) as ReportRecord : {};
    if (batch === undefined) throw new Error(`no batch was sent: ${stderr}`);
    return { origin, id: batch, sentAtMs };
  }

  /** Waits until `gcheck results` at the origin shows both results of every node. Returns the milliseconds since it was sent. */
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

  /** Asserts that the expected nodes ran each batch once, and no other node ran anything. */
  assertRanOnce(expected: ReadonlyMap<SentBatch, readonly string[]>): void {
    const runs = Array.from(expected, ([{ id }, names]) => names.map((name) => `${id} ${name}`));
    assertEquals(this.runs(), runs.flat().sort());
  }

  /** The runs so far, sorted, each as batch id and node name. */
  runs(): string[] {
    try {
      return Deno.readTextFileSync(this.#runs).split("\n").slice(0, -1).sort();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }
}
