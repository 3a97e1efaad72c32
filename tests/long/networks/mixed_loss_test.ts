/** Five minutes of packet loss in a cluster of our nodes and bare memberlist nodes. */
import { assertEquals } from "@std/assert";
import { printFalseFailures } from "../../support/false_failures.ts";
import { buildGoTool, missingForGo } from "../../support/go_tools.ts";
import { MixedCluster } from "../../support/mixed_cluster.ts";
import { missingForNetwork } from "../../support/namespaces.ts";

const missing = await missingForNetwork() ?? await missingForGo();
const ignore = missing !== undefined;
const because = ignore ? ` (skipped, this machine lacks ${missing})` : "";

const LOSS = { percent: 20, durationMs: 5 * 60_000 };

Deno.test({
  name: `5 minutes of 20 % loss: our nodes declare no live member failed${because}`,
  ignore,
}, async () => {
  const peer = await buildGoTool("peer");
  await using cluster = await MixedCluster.start({ peer, bare: 10, ours: 10 });
  const { ours, bare } = await cluster.sufferLoss(LOSS);
  printFalseFailures(LOSS.percent, { "10 of our nodes": ours, "10 bare nodes": bare });
  assertEquals(ours.declared, 0);
});
