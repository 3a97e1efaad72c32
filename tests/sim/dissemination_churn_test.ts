import { assert, assertEquals, assertLess } from "@std/assert";
import { type GossipNode, GossipWorld } from "../support/gossip_world.ts";

const NODES = 60;
const MINUTES = 120;
const CHURN_PER_MINUTE = 1;

Deno.test("two hours of churn, loss and a batch a minute: who stayed up ran each once", async () => {
  using world = new GossipWorld({ seed: 1, nodes: NODES, settings: { gossipGroup: 4 } });
  world.network.quality = { loss: 0.05, delayMs: 2, jitterMs: 10, duplicate: 0 };
  const down = new Map<GossipNode, number>();
  const churned = new Set<GossipNode>();
  const batches: { id: string; origin: GossipNode; minute: number }[] = [];
  for (let minute = 0; minute < MINUTES; minute++) {
    for (const [node, sinceMinute] of down) {
      if (minute < sinceMinute + 3) continue;
      down.delete(node);
      node.start();
      world.setState(node, "alive");
    }
    const up = [...world.nodes.values()].filter((node) => !down.has(node));
    const origin = world.random.pick(up);
    batches.push({ id: (await origin.submit()).id, origin, minute });
    for (let count = 0; count < CHURN_PER_MINUTE; count++) {
      const victim = world.random.pick(up);
      if (down.has(victim)) continue;
      down.set(victim, minute);
      churned.add(victim);
      await world.pass(world.random.next() * 1_000);
      victim.kill();
      await world.pass(5_000);
      world.setState(victim, "dead");
    }
    await world.pass(54_000);
  }
  for (const node of down.keys()) {
    node.start();
    world.setState(node, "alive");
  }
  await world.pass(120_000);
  assert(churned.size > 30);
  for (const { id, origin, minute } of batches) {
    // Nodes that were down learn of what is still alive when they come back.
    for (const node of world.nodes.values()) {
      const runs = node.runs.get(id) ?? 0;
      assertEquals(runs, 1, `batch of minute ${minute} ran ${runs} times on ${node.name}`);
    }
    const open = Object.entries(origin.states(id)).filter(([, state]) =>
      !/^(ran|interrupted)$/.test(state)
    );
    assertEquals(open, [], `minute ${minute}`);
  }
  for (const node of world.nodes.values()) {
    const status = node.machine!.status();
    assertEquals(status.reports, 0, node.name);
    assertLess(status.sends, 20);
    // Batches live an hour.
    assertLess(status.batches, 65);
  }
});
