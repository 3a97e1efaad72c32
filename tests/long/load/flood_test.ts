/** More batches than a cluster takes, sent as fast as it accepts them. */
import { assertLess } from "@std/assert";
import type { Check } from "../../../lib/batch/check.ts";
import { print } from "../../../scripts/print.ts";
import { withCluster } from "../../support/cluster.ts";
import { type FaultClient, RefusedError } from "../../support/fault_client.ts";
import {
  clientOf,
  pause,
  percent,
  stampingChecks,
  told,
  untilStamped,
} from "../../support/soak_batches.ts";
import { missingForPreload } from "../../support/fault_preload.ts";
import { collectGarbage, withGarbageCollection } from "../../support/garbage_collection.ts";
import { missingForGauge, SoakGauge } from "../../support/soak_gauge.ts";

const missing = missingForGauge ?? missingForPreload();
const ignore = missing !== undefined;
const because = ignore ? ` (skipped, this machine lacks ${missing})` : "";

/** Number of batches, and of connections over which they are sent. */
const FLOOD = 10_000;
const CONNECTIONS = 32;
/**
 * A node refuses a batch that its history cannot keep for five intervals. A longer interval lowers
 * the rate at which batches are accepted; a shorter one asks more of a busy machine: batches that a
 * node does not receive within five intervals are lost.
 */
const FLAGS = ["-advertise-interval=10s"];
/** Before a batch that was refused is sent again. */
const REFUSED_PAUSE_MS = 500;
/**
 * Maximum growth of the memory in use during the second half of the batches, as a share of the
 * resident memory. Resident memory itself grows and shrinks with garbage, which a busy machine has more
 * of.
 */
const GROWTH_MAX = 0.1;
/** Maximum resident memory of a daemon at any time: about three times that of an idle one. */
const RESIDENT_MAX_KIB = 320 * 1024;
const EXPIRES_MS = 3_600_000;

Deno.test({
  name:
    `10000 batches as fast as a client can: refusals are told, what is taken runs once, memory is flat${because}`,
  ignore,
}, () =>
  withCluster({ size: 3, flags: FLAGS, wrap: withGarbageCollection }, async (cluster) => {
    const client = clientOf(cluster.origin);
    const checks = stampingChecks(cluster);
    using gauge = new SoakGauge({ pids: cluster.nodes.map(({ pid }) => pid), periodMs: 1_000 });
    const startMs = performance.now();
    const ids: string[] = [];
    const inUseBytes: number[] = [];
    for (const half of [1, 2]) {
      const refusals = await sendAll(client, { checks, ids, until: half * FLOOD / 2 });
      const ofNodes = await Promise.all(cluster.nodes.map(collectGarbage));
      const total = ofNodes.reduce((sum, bytes) => sum + bytes, 0);
      inUseBytes.push(total);
      const inUse = `${Math.round(total / 2 ** 20)} MiB in use`;
      print(`    ${ids.length} accepted, ${refusals} refusals; ${inUse}; ${told(gauge)}`);
    }
    const sentAtMs = performance.now();
    print(`    all accepted in ${Math.round(sentAtMs - startMs)} ms`);
    await untilStamped(cluster, ids);
    print(`    all run ${Math.round(performance.now() - sentAtMs)} ms later; ${told(gauge)}`);
    const most = Math.max(
      ...gauge.samples.flatMap(({ processes }) => processes.map(({ residentKib }) => residentKib)),
    );
    const [half = NaN, end = NaN] = inUseBytes;
    const growth = (end - half) / (gauge.residentKib * 1024);
    print(`    maximum resident memory of a node: ${Math.round(most / 1024)} MiB`);
    print(`    growth of the memory in use during the second half: ${percent(1 + growth)}`);
    assertLess(growth, GROWTH_MAX, "memory in use of all nodes together");
    assertLess(most, RESIDENT_MAX_KIB);
  }));

/** Sends over all connections until `ids` holds `until` accepted batches; returns the number of refusals. */
async function sendAll(
  client: FaultClient,
  { checks, ids, until }: { checks: readonly Check[]; ids: string[]; until: number },
): Promise<number> {
  let refusals = 0;
  let left = until - ids.length;
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
    while (left-- > 0) await sendOne();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, sendSome));
  return refusals;
}
