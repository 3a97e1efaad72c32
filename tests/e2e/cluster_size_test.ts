/** Clusters of each size: every node runs a batch exactly once, and every result comes home. */
import { assertEquals } from "@std/assert";
import { withCluster } from "../support/cluster.ts";

const SIZES: readonly { size: number; flags: readonly string[] }[] = [
  { size: 5, flags: ["-gossip-group=4"] },
  { size: 20, flags: ["-gossip-group=4"] },
  { size: 50, flags: ["-gossip-group=6"] },
  // A burst to two leaves stragglers: they get the batch in the second phase.
  { size: 50, flags: ["-gossip-group=2", "-advertise-interval=2s"] },
];

for (const { size, flags } of SIZES) {
  Deno.test(`${size} nodes, ${flags.join(" ")}: each runs each batch exactly once`, async () => {
    await withCluster({ size, flags }, async (cluster) => {
      const file = cluster.writeStampCheck();
      // The second batch is also the wait after which a second run of the first would show.
      for (let batch = 1; batch <= 2; batch++) {
        const answer = await cluster.check(file);
        assertEquals(answer.states, { done: cluster.names }, answer.stderr);
        assertEquals(answer.code, 1);
        for (const name of cluster.names) {
          const result = answer.result(name, "stamp");
          assertEquals([result?.status, result?.action?.code], ["fail", 0], name);
        }
        const expected = cluster.names.flatMap((name) => Array(batch).fill(name));
        assertEquals(cluster.stamps(), expected);
      }
    });
  });
}
