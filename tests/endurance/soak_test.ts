/** Memory and open files of a cluster that runs a batch every second. */
import { assert, assertLess, assertLessOrEqual } from "@std/assert";
import { print } from "../../scripts/print.ts";
import { withCluster } from "../support/cluster.ts";
import {
  clientOf,
  pause,
  percent,
  stampingChecks,
  sum,
  told,
  untilStamped,
} from "../support/soak_batches.ts";
import { missingForGauge, SoakGauge, type Span } from "../support/soak_gauge.ts";

const ignore = missingForGauge !== undefined;
const because = ignore ? ` (skipped, this machine lacks ${missingForGauge})` : "";

const NODES = 20;
const MINUTE_MS = 60_000;
const SOAK_MS = Number(Deno.env.get("SOAK_MINUTES") ?? "10") * MINUTE_MS;
/** Maximum difference of memory from that in the third minute. */
const GROWTH_MAX = 0.1;
/** Number of short connections that may be open in every sample of a minute. */
const FILES_SLACK = 2;

Deno.test({
  name: `${NODES} nodes, a batch a second for ${
    SOAK_MS / MINUTE_MS
  } minutes: memory and files${because}`,
  ignore,
}, () =>
  withCluster({ size: NODES }, async (cluster) => {
    const clients = cluster.nodes.map(clientOf);
    const checks = stampingChecks(cluster);
    using gauge = new SoakGauge({ pids: cluster.nodes.map(({ pid }) => pid), periodMs: 5_000 });
    const ids: string[] = [];
    const startMs = performance.now();
    for (let second = 0; second * 1_000 < SOAK_MS; second++) {
      await pause(startMs + second * 1_000 - performance.now());
      const client = clients[second % NODES];
      assert(client !== undefined);
      ids.push(await client.send({ checks, expiresInMs: 60 * MINUTE_MS }));
      if (second % 60 === 59) print(`    minute ${(second + 1) / 60}: ${told(gauge)}`);
    }
    gauge.sample();
    const [early, late] = [
      gauge.span({ fromMs: 2 * MINUTE_MS, toMs: 3 * MINUTE_MS }),
      gauge.span({ fromMs: SOAK_MS - MINUTE_MS, toMs: Infinity }),
    ];
    await untilStamped(cluster, ids);
    const processorShare = gauge.processorMs / (performance.now() - startMs);
    print(
      `    processor time of all nodes together: ${
        (100 * processorShare).toFixed(1)
      } % of one core`,
    );
    assertFlat(early, late);
  }));

/** Asserts that neither a node nor all nodes together take more at the end than in the third minute. */
function assertFlat(early: Span, late: Span): void {
  const growth = early.residentKib.map((before, index) => (late.residentKib[index] ?? 0) / before);
  const total = sum(late.residentKib) / sum(early.residentKib);
  const worst = Math.max(...growth);
  print(`    growth since the third minute: ${percent(total)} in all, ${percent(worst)} at worst`);
  const files = early.files.map((before, index) => (late.files[index] ?? 0) - before);
  print(`    open files since then: ${Math.min(...files)} to ${Math.max(...files)} more`);
  assertLess(Math.abs(total - 1), GROWTH_MAX, "resident memory of all nodes together");
  assertLess(worst - 1, GROWTH_MAX, "resident memory of one node");
  assertLessOrEqual(Math.max(...files), FILES_SLACK, "open files of one node");
}
