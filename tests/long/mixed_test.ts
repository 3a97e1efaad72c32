import { assertEquals, assertGreater } from "@std/assert";
import { print } from "../../scripts/print.ts";
import { chanceOfAsMany, type FalseFailures } from "../support/false_failures.ts";
import { buildGoTool, missingForGo } from "../support/go_tools.ts";
import { MixedCluster } from "../support/mixed_cluster.ts";
import { missingForNetwork } from "../support/namespaces.ts";

const missing = await missingForNetwork() ?? await missingForGo();
const ignore = missing !== undefined;
const because = ignore ? ` (skipped, this machine lacks ${missing})` : "";

const LONG_MS = 5 * 60_000;
const SHORT_MS = 90_000;
/** Time for suspicions that began under loss to be refuted or to run out, and for all to agree. */
const HEALING_MS = 120_000;
/** Ours fail where they err so much more often that chance does it once in a thousand runs. */
const CHANCE_LEAST = 0.001;
/** A killed member's suspicion has run out in a cluster of twenty. */
const FAILURE_MS = 60_000;

function show(percent: number, counts: Readonly<Record<string, FalseFailures>>): void {
  print(`    ${percent} % loss, live members declared failed (believed to be):`);
  for (const [who, { declared, believed }] of Object.entries(counts)) {
    print(`      by ${who}: ${declared} (${believed})`);
  }
}

Deno.test({ name: `ten of ours and ten bare memberlist nodes${because}`, ignore }, async (test) => {
  const peer = await buildGoTool("peer");
  await using cluster = await MixedCluster.start({ peer, bare: 10, ours: 10 });

  await test.step("5 minutes of 20 % loss: ours declare no live member failed", async () => {
    const counts = await cluster.sufferLoss({ percent: 20, durationMs: LONG_MS });
    show(20, { "ten of ours": counts.ours, "ten bare ones": counts.bare });
    assertEquals(counts.ours.declared, 0);
  });

  for (const percent of [35, 50]) {
    await test.step(`90 s of ${percent} % loss: ours err no more often than the others`, async () => {
      await cluster.untilAllSee(cluster.names, { timeoutMs: HEALING_MS });
      // Chance weighs heavily in so short a time: a second cluster makes the peers' figure surer,
      // and what chance may do where both err alike is not held against ours.
      await using alone = await MixedCluster.start({ peer, bare: 20, ours: 0 });
      const loss = { percent, durationMs: SHORT_MS };
      const [counts, { bare }] = await Promise.all([
        cluster.sufferLoss(loss),
        alone.sufferLoss(loss),
      ]);
      show(percent, {
        "ten of ours": counts.ours,
        "ten bare ones beside them": counts.bare,
        "twenty bare ones among themselves": bare,
      });
      const others = counts.bare.declared + bare.declared;
      const chance = chanceOfAsMany({ ours: counts.ours.declared, others, share: 10 / 40 });
      assertGreater(
        chance,
        CHANCE_LEAST,
        `${counts.ours.declared} by ours, ${others} by 30 others`,
      );
    });
  }

  await test.step("one of each is killed, and all others hold both failed", async () => {
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
});
