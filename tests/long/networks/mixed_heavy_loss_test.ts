/** Heavy packet loss, and then a crash, in a cluster of our nodes and bare memberlist nodes. */
import { assertGreater } from "@std/assert";
import { chanceOfAsMany, printFalseFailures } from "../../support/false_failures.ts";
import { buildGoTool, missingForGo } from "../../support/go_tools.ts";
import { MixedCluster } from "../../support/mixed_cluster.ts";
import { missingForNetwork } from "../../support/namespaces.ts";

const missing = await missingForNetwork() ?? await missingForGo();
const ignore = missing !== undefined;
const because = ignore ? ` (skipped, this machine lacks ${missing})` : "";

const LOSS_MS = 90_000;
/** Time to refute or confirm the suspicions that began under loss, and for all nodes to agree. */
const HEALING_MS = 120_000;
/** Our nodes fail the test if chance gives a difference as large only once in a thousand runs. */
const CHANCE_LEAST = 0.001;
/** In a cluster of 20 the suspicion of a crashed member times out well before this. */
const FAILURE_MS = 60_000;

Deno.test(
  { name: `10 of our nodes and 10 bare memberlist nodes${because}`, ignore },
  async (test) => {
    const peer = await buildGoTool("peer");
    await using cluster = await MixedCluster.start({ peer, bare: 10, ours: 10 });

    for (const percent of [35, 50]) {
      await test.step(`90 s of ${percent} % loss: our nodes err no more often than the others`, async () => {
        await cluster.untilAllSee(cluster.names, { timeoutMs: HEALING_MS });
        // In 90 s there are few failures, so chance weighs heavily. A second cluster of bare nodes
        // gives more of them to compare with.
        await using alone = await MixedCluster.start({ peer, bare: 20, ours: 0 });
        const loss = { percent, durationMs: LOSS_MS };
        const [counts, { bare }] = await Promise.all([
          cluster.sufferLoss(loss),
          alone.sufferLoss(loss),
        ]);
        printFalseFailures(percent, {
          "10 of our nodes": counts.ours,
          "10 bare nodes of the same cluster": counts.bare,
          "20 bare nodes of another cluster": bare,
        });
        const others = counts.bare.declared + bare.declared;
        const chance = chanceOfAsMany({ ours: counts.ours.declared, others, share: 10 / 40 });
        assertGreater(
          chance,
          CHANCE_LEAST,
          `${counts.ours.declared} by 10 of our nodes, ${others} by 30 others`,
        );
      });
    }

    await test.step("one of each kind is killed, and all others report both failed", async () => {
      await cluster.untilAllSee(cluster.names, { timeoutMs: HEALING_MS });
      const killed = [...cluster.bare.slice(-1), ...cluster.ours.slice(-1)];
      const others = [...cluster.bare.slice(0, -1), ...cluster.ours.slice(0, -1)];
      const since = new Map(others.map((node) => [node, node.events.all.length]));
      for (const node of killed) await node.kill();
      await Promise.all(
        others.flatMap((node) =>
          killed.map(({ name }) =>
            node.waitFor("failed", { name, timeoutMs: FAILURE_MS, since: since.get(node) ?? 0 })
          )
        ),
      );
      const alive = others.map(({ name }) => name);
      await cluster.untilAllSee(alive, { timeoutMs: FAILURE_MS, by: others });
    });
  },
);
