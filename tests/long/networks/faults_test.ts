/** Batches in a cluster whose network or clocks are faulty. */
import { assert, assertEquals } from "@std/assert";
import { print } from "../../../scripts/print.ts";
import { FaultCluster, type FaultClusterOptions } from "../../support/fault_cluster.ts";
import { missingForPreload } from "../../support/fault_preload.ts";
import { buildGoTool, missingForGo } from "../../support/go_tools.ts";
import { missingForNetwork } from "../../support/namespaces.ts";

const missingGo = await missingForGo();
const missing = await missingForNetwork();
const missingForDelay = missing ?? missingGo;

const NODES = 20;
/** Timeout for the last node: several rounds of anti-entropy, some of them lost. */
const PATIENCE_MS = 180_000;
const PARTITION_MS = 60_000;
const HOUR_MS = 3_600_000;
/** By then anti-entropy has offered each batch to every node. */
const SEVERAL_ROUNDS_MS = 20_000;

function networkTest(
  name: string,
  options: { missing: string | undefined; body: () => Promise<void> },
): void {
  const ignore = options.missing !== undefined;
  const because = ignore ? ` (skipped, this machine lacks ${options.missing})` : "";
  Deno.test({ name: name + because, ignore }, options.body);
}

async function startCluster(options: Partial<FaultClusterOptions> = {}): Promise<FaultCluster> {
  const peer = missingGo === undefined ? { peer: await buildGoTool("peer") } : {};
  return await FaultCluster.start({ size: NODES, ...peer, ...options });
}

networkTest("30 % loss, 100 ± 50 ms and duplicates: every batch runs once everywhere", {
  missing: missingForDelay,
  body: async () => {
    await using cluster = await startCluster();
    const { batches, network } = cluster;
    await network.setDelay({ delayMs: 100, jitterMs: 50, duplicatePercent: 5 });
    await network.setLoss([{ percent: 30 }]);
    const sent = {
      "sent under loss by n00": await batches.send(cluster.node("n00")),
      "sent under loss by n07": await batches.send(cluster.node("n07")),
      "sent under loss by n19": await batches.send(cluster.node("n19")),
    };
    await cluster.assertAllHome(sent, { timeoutMs: PATIENCE_MS });
  },
});

networkTest("a partition of 60 s with batches sent on both sides", {
  missing,
  body: async () => {
    await using cluster = await startCluster();
    const { batches, network, names } = cluster;
    const right = names.slice(NODES / 2);
    const rest = network.hosts.filter((host) => !cluster.hosts(right).includes(host));
    const cut = { from: rest, to: cluster.hosts(right) };
    await network.cut(cut);
    const healed = pause(PARTITION_MS);
    const early = {
      "sent at the cut by n00": await batches.send(cluster.node("n00")),
      "sent at the cut by n19": await batches.send(cluster.node("n19")),
    };
    // By then each side lists the other one as failed.
    await pause(PARTITION_MS / 2);
    const late = {
      "sent amid the cut by n01": await batches.send(cluster.node("n01")),
      "sent amid the cut by n18": await batches.send(cluster.node("n18")),
    };
    await healed;
    assertEquals(batches.runs().length, 4 * NODES / 2, "each side ran its own batches");
    await network.mend(cut);
    const endedMs = performance.now();
    await cluster.assertAllHome({ ...early, ...late }, { timeoutMs: PATIENCE_MS });
    print(
      `    all results ${Math.round(performance.now() - endedMs)} ms after the cut ended`,
    );
  },
});

networkTest("clocks an hour fast and an hour slow, and batches that expire sooner", {
  missing: missing ?? missingForPreload(),
  body: async () => {
    const clockShiftsMs = { n01: HOUR_MS, n02: -HOUR_MS, n03: HOUR_MS, n04: -HOUR_MS };
    await using cluster = await startCluster({ clockShiftsMs });
    const { batches, names } = cluster;
    const long = ["-expires=10m"];
    const awakeAll = {
      "by a right clock": await batches.send(cluster.node("n00"), long),
      "by a fast clock": await batches.send(cluster.node("n01"), long),
      "by a slow clock": await batches.send(cluster.node("n02"), long),
      "by a fast clock, for ever": await batches.send(cluster.node("n01"), ["-expires=never"]),
    };
    await cluster.assertAllHome(awakeAll, { timeoutMs: PATIENCE_MS });
    // These nodes are down when the batches are sent, and get them from others after their restart.
    for (const name of ["n03", "n04"]) await cluster.kill(name);
    const expired = await batches.send(cluster.node("n00"), ["-expires=20s"]);
    const sent = {
      "missed, by a right clock": await batches.send(cluster.node("n00"), long),
      "missed, by a fast clock": await batches.send(cluster.node("n01"), long),
      "missed, by a slow clock": await batches.send(cluster.node("n02"), long),
    };
    const awake = cluster.names;
    await pause(expired.sentAtMs + 25_000 - performance.now());
    const backMs = performance.now();
    for (const name of ["n03", "n04"]) await cluster.add(name);
    for (const [what, batch] of Object.entries(sent)) {
      await batches.untilHome(batch, { names, timeoutMs: PATIENCE_MS });
      const tookMs = Math.round(performance.now() - backMs);
      print(`    ${what}: all results ${tookMs} ms after the restart of the two nodes`);
    }
    await pause(SEVERAL_ROUNDS_MS);
    const all = [...Object.values(awakeAll), ...Object.values(sent)];
    const expected = new Map(all.map((batch) => [batch, names]));
    batches.assertRanOnce(expected.set(expired, awake));
  },
});

networkTest("one-way links, a node that TCP alone reaches, and one that UDP alone reaches", {
  missing,
  body: async () => {
    await using cluster = await startCluster();
    const { batches, network } = cluster;
    await network.cut({
      from: cluster.hosts(["n00"]),
      to: cluster.hosts(["n01", "n02", "n03"]),
      oneWay: true,
    });
    for (const [name, protocol] of [["n19", "udp"], ["n18", "tcp"]] as const) {
      const [host] = cluster.hosts([name]);
      assert(host !== undefined);
      const others = network.hosts.filter((other) => other !== host);
      await network.cut({ from: [host], to: others, protocols: [protocol] });
    }
    const sent = {
      "sent over one-way links": await batches.send(cluster.node("n00")),
      "sent to one that does not hear its origin": await batches.send(cluster.node("n01")),
      "sent by the one on UDP alone": await batches.send(cluster.node("n18")),
      "sent by the one on TCP alone": await batches.send(cluster.node("n19")),
    };
    await cluster.assertAllHome(sent, { timeoutMs: PATIENCE_MS });
  },
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
