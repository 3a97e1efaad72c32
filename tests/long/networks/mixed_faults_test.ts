/** Cut links in clusters of our nodes and bare memberlist nodes. */
import { assertEquals } from "@std/assert";
import type { ClusterNode } from "../../support/cluster_node.ts";
import { buildGoTool, missingForGo } from "../../support/go_tools.ts";
import { MixedCluster } from "../../support/mixed_cluster.ts";
import { missingForNetwork, type Protocol } from "../../support/namespaces.ts";
import { eventually } from "../../support/process.ts";

const missing = await missingForNetwork() ?? await missingForGo();
const ignore = missing !== undefined;
const because = ignore ? ` (skipped, this machine lacks ${missing})` : "";

/** Longer than nodes gossip to the dead, so that the halves do not find each other by chance. */
const PARTITION_MS = 45_000;
const REUNION_MS = 60_000;
const FAILURE_MS = 60_000;
/** A node rarely uses TCP to a member that UDP reaches. */
const NOTICE_MS = 120_000;

Deno.test({
  name: `two halves find each other again within a minute${because}`,
  ignore,
}, async () => {
  const peer = await buildGoTool("peer");
  await using cluster = await MixedCluster.start({ peer, bare: 2, ours: 4 });
  const left = [...cluster.bare.slice(0, 1), ...cluster.ours.slice(0, 2)];
  const right = [...cluster.bare.slice(1), ...cluster.ours.slice(2)];
  const cut = { from: cluster.hostsOf(left), to: cluster.hostsOf(right) };

  await cluster.network.cut(cut);
  await Promise.all([
    untilHoldsFailed(left, right),
    untilHoldsFailed(right, left),
    new Promise((resolve) => setTimeout(resolve, PARTITION_MS)),
  ]);
  await cluster.network.mend(cut);
  await cluster.untilAllSee(cluster.names, { timeoutMs: REUNION_MS });
});

for (const blocked of ["tcp", "udp"] as const) {
  const works = blocked === "tcp" ? "udp" : "tcp";
  const name = `a member that only ${works} reaches is listed as degraded and not failed${because}`;
  Deno.test({ name, ignore }, async () => {
    const peer = await buildGoTool("peer");
    await using cluster = await MixedCluster.start({ peer, bare: 1, ours: 4 });
    const victim = cluster.ours.slice(-1);
    const others = cluster.ours.slice(0, -1);
    const protocols: Protocol[] = [blocked];
    const everyoneElse = cluster.hostsOf([...cluster.bare, ...others]);
    const cut = { from: cluster.hostsOf(victim), to: everyoneElse, protocols };
    await cluster.network.cut(cut);
    for (const node of others) await untilListsDegraded(node, { victim, as: works });
    assertEquals(failuresSeenBy(cluster.nodes), []);

    await cluster.network.mend(cut);
    for (const node of others) await untilListsDegraded(node, { victim, as: undefined });
    assertEquals(failuresSeenBy(cluster.nodes), []);
  });
}

Deno.test({ name: `a link that works one way fails nobody${because}`, ignore }, async () => {
  const peer = await buildGoTool("peer");
  await using cluster = await MixedCluster.start({ peer, bare: 1, ours: 4 });
  const [deaf, mute] = [cluster.ours.slice(0, 1), cluster.ours.slice(1, 2)];
  await cluster.network.cut({
    from: cluster.hostsOf(mute),
    to: cluster.hostsOf(deaf),
    oneWay: true,
  });
  await new Promise((resolve) => setTimeout(resolve, PARTITION_MS));
  assertEquals(failuresSeenBy(cluster.nodes), []);
});

async function untilHoldsFailed(
  nodes: readonly ClusterNode[],
  gone: readonly ClusterNode[],
): Promise<void> {
  await Promise.all(
    nodes.flatMap((node) =>
      gone.map(({ name }) => node.waitFor("failed", { name, timeoutMs: FAILURE_MS }))
    ),
  );
}

async function untilListsDegraded(
  node: ClusterNode,
  expected: { readonly victim: readonly ClusterNode[]; readonly as: "udp" | "tcp" | undefined },
): Promise<void> {
  for (const { name } of expected.victim) {
    await eventually(async () => {
      const seen = (await node.members()).get(name);
      assertEquals({ state: seen?.state, degraded: seen?.degraded }, {
        state: "alive",
        degraded: expected.as,
      });
    }, { timeoutMs: NOTICE_MS, intervalMs: 1000 });
  }
}

function failuresSeenBy(nodes: readonly ClusterNode[]): string[] {
  return nodes.flatMap((node) =>
    node.events.all.filter(({ event }) => event === "failed")
      .map(({ name }) => `${node.name} held ${name} failed`)
  );
}
