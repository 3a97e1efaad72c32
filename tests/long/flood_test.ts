import { assertLess } from "@std/assert";
import type { Check } from "../../lib/checks/check.ts";
import { print } from "../../scripts/print.ts";
import { withCluster } from "../support/cluster.ts";
import { type FaultClient, RefusedError } from "../support/fault_client.ts";
import {
  clientOf,
  pause,
  percent,
  stampingChecks,
  sum,
  told,
  untilStamped,
} from "../support/soak_batches.ts";
import { missingForGauge, SoakGauge } from "../support/soak_gauge.ts";

const ignore = missingForGauge !== undefined;
const because = ignore ? ` (skipped, this machine lacks ${missingForGauge})` : "";

/** Batches that one client sends, and over how many connections. */
const FLOOD = 10_000;
const CONNECTIONS = 32;
/** A batch that could not be remembered for five periods is refused: short ones, or most of the test is waiting. */
const FLAGS = ["-advertise-interval=2s"];
/** Before a batch that was refused is sent again. */
const REFUSED_PAUSE_MS = 100;
/** How far memory may be in the last quarter of the sending from what it was in the second. */
const GROWTH_MAX = 0.1;
/** What a daemon may take at most meanwhile: three times what it takes at rest, and room. */
const RESIDENT_MAX_KIB = 320 * 1024;
const EXPIRES_MS = 3_600_000;

Deno.test({
  name:
    `10000 batches as fast as a client can: refusals are told, what is taken runs once, memory is flat${because}`,
  ignore,
}, () =>
  withCluster({ size: 3, flags: FLAGS }, async (cluster) => {
    const client = clientOf(cluster.origin);
    const checks = stampingChecks(cluster);
    using gauge = new SoakGauge({ pids: cluster.nodes.map(({ pid }) => pid), periodMs: 1_000 });
    const startMs = performance.now();
    const { ids, refusals } = await sendAll(client, { checks, gauge, count: FLOOD });
    const sentAtMs = performance.now();
    const tookMs = Math.round(sentAtMs - startMs);
    print(`    ${ids.length} taken in ${tookMs} ms, refusals on the way: ${refusals}`);
    const quarterMs = (gauge.samples.at(-1)?.atMs ?? 0) / 4;
    const [early, late] = [
      gauge.span({ fromMs: quarterMs, toMs: 2 * quarterMs }),
      gauge.span({ fromMs: 3 * quarterMs, toMs: Infinity }),
    ].map(({ residentKib }) => sum(residentKib));
    await untilStamped(cluster, ids);
    print(`    all run ${Math.round(performance.now() - sentAtMs)} ms later; ${told(gauge)}`);
    const most = Math.max(
      ...gauge.samples.flatMap(({ processes }) => processes.map(({ residentKib }) => residentKib)),
    );
    const growth = (late ?? 0) / (early ?? 1);
    print(`    the most that a node took: ${Math.round(most / 1024)} MiB`);
    print(`    growth from the second quarter of the sending to the last: ${percent(growth)}`);
    assertLess(growth - 1, GROWTH_MAX, "resident memory of all nodes together");
    assertLess(most, RESIDENT_MAX_KIB);
  }));

/** Sends from many connections at once until `count` were taken; what is refused is sent again. */
async function sendAll(
  client: FaultClient,
  { checks, count, gauge }: { checks: readonly Check[]; count: number; gauge: SoakGauge },
): Promise<{ ids: string[]; refusals: number }> {
  const ids: string[] = [];
  let refusals = 0;
  let left = count;
  const sendOne = async () => {
    for (;;) {
      try {
        return ids.push(await client.send({ checks, expiresInMs: EXPIRES_MS }));
      } catch (error) {
        if (!(error instanceof RefusedError) || error.code !== "busy") throw error;
        refusals++;
        await pause(REFUSED_PAUSE_MS);
      }
    }
  };
  const sendSome = async () => {
    while (left-- > 0) {
      const number = await sendOne();
      if (number % 1_000 === 0) print(`    ${number} taken: ${told(gauge)}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, sendSome));
  return { ids, refusals };
}
