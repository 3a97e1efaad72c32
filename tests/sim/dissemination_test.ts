import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { GossipWorld } from "../support/gossip_world.ts";

const CLUSTERS = [
  { nodes: 5, gossipGroup: 4, advertiseIntervalMs: 20_000, withinMs: 1_000 },
  { nodes: 20, gossipGroup: 4, advertiseIntervalMs: 20_000, withinMs: 25_000 },
  { nodes: 50, gossipGroup: 6, advertiseIntervalMs: 20_000, withinMs: 25_000 },
  { nodes: 50, gossipGroup: 2, advertiseIntervalMs: 2_000, withinMs: 15_000 },
];

for (const { nodes, gossipGroup, advertiseIntervalMs, withinMs } of CLUSTERS) {
  for (const loss of [0, 0.1]) {
    for (const duplicate of [0, 0.3]) {
      const what = `${nodes} nodes, group ${gossipGroup}, loss ${loss}, duplicates ${duplicate}`;
      Deno.test(`${what}: each node runs once and every result comes home`, async () => {
        for (let seed = 1; seed <= 5; seed++) {
          using world = new GossipWorld({
            seed,
            nodes,
            duplicate,
            settings: { gossipGroup, advertiseIntervalMs },
          });
          world.network.quality = { loss, delayMs: 1, jitterMs: 5, duplicate: 0 };
          await world.pass(1_000);
          const origin = world.node(seed % nodes);
          const { id } = await origin.submit();
          await world.passUntil(() => origin.allDone(id), withinMs * (loss > 0 ? 8 : 1));
          await world.pass(60_000);
          assertEquals(world.runs(id), Array(nodes).fill(1), `seed ${seed}`);
          assertEquals(Object.keys(origin.states(id)).length, nodes);
          assert(Object.values(origin.states(id)).every((state) => state === "ran"));
          assertEquals(origin.of("batch_settled").length, 1, `seed ${seed}`);
          for (const node of world.nodes.values()) {
            assertEquals(node.machine?.status().reports, 0, `${node.name} seed ${seed}`);
            assertEquals(node.of("batch_accepted").length, 1);
            assertEquals(node.of("report_confirmed").length, 1);
          }
        }
      });
    }
  }
}

Deno.test("the same seed gives the same run, another one another", async () => {
  const trace = async (seed: number): Promise<string> => {
    using world = new GossipWorld({ seed, nodes: 20, settings: { gossipGroup: 3 } });
    await world.node(0).submit();
    await world.pass(10_000);
    return JSON.stringify([...world.nodes.values()].map((node) => node.events));
  };
  const first = await trace(7);
  assertEquals(await trace(7), first);
  assert(await trace(8) !== first);
});

Deno.test("nodes that nobody could reach in the burst get the batch in the second phase", async () => {
  using world = new GossipWorld({ seed: 1, nodes: 10 });
  const cutOff = world.node(9);
  world.cutOff(cutOff);
  const { id } = await world.node(0).submit();
  await world.pass(15_000);
  assertEquals(cutOff.runs.get(id), undefined);
  world.network.mend();
  await world.passUntil(() => world.node(0).allDone(id), 60_000);
  assertEquals(world.runs(id), Array(10).fill(1));
});

Deno.test("a node that comes back learns at once what it missed, by digest and not by push", async () => {
  using world = new GossipWorld({
    seed: 2,
    nodes: 10,
    settings: { advertiseIntervalMs: 3_600_000 },
  });
  const away = world.node(5);
  away.kill();
  world.setState(away, "dead");
  const ids = await world.submitAt(Array.from({ length: 30 }, () => world.node(0)));
  await world.pass(5_000);
  away.start();
  const streamsBefore = world.network.traffic.streams;
  world.setState(away, "alive");
  const tookMs = await world.passUntil(() => ids.every((id) => away.runs.get(id) === 1), 5_000);
  assertLess(tookMs, 500);
  await world.pass(10_000);
  // Thirty reports and their confirmations, and digests: not thirty bursts of five.
  assertLess(world.network.traffic.streams - streamsBefore, 120);
  // It was down, so nobody waits for it, and its late results are counted all the same.
  assertEquals(world.node(0).states(ids[0]!)[away.name], "ran");
});

Deno.test("a killed member is unreached, and its late report turns it to done", async () => {
  using world = new GossipWorld({ seed: 3, nodes: 5, runMs: () => 60_000 });
  const origin = world.node(0);
  const killed = world.node(3);
  const { id } = await origin.submit();
  await world.pass(1_000);
  assertEquals(origin.states(id)[killed.name], "running");
  killed.kill();
  world.setState(killed, "suspect");
  assertEquals(origin.states(id)[killed.name], "running");
  world.setState(killed, "dead");
  assertEquals(origin.states(id)[killed.name], "unreached:dead");
  assertEquals(origin.of("batch_settled").length, 0);
  await world.pass(60_000);
  assertEquals(origin.of("batch_settled").length, 1);
  killed.start();
  world.setState(killed, "alive");
  await world.pass(5_000);
  assertEquals(origin.states(id)[killed.name], "interrupted");
  assertEquals(world.runs(id), [1, 1, 1, 1, 1]);
  assertGreater(origin.of("batch_settled").length, 1);
});

Deno.test("a node that joins while a batch is unsettled runs it and is waited for", async () => {
  using world = new GossipWorld({ seed: 4, nodes: 4, runMs: () => 10_000 });
  const origin = world.node(0);
  const { id } = await origin.submit();
  await world.pass(2_000);
  const joined = world.add();
  assertEquals(origin.states(id)[joined.name], "pending");
  await world.passUntil(() => origin.allDone(id), 60_000);
  assertEquals(world.runs(id), [1, 1, 1, 1, 1]);
});

Deno.test("a foreign member is sent nothing and is not waited for", async () => {
  using world = new GossipWorld({ seed: 5, nodes: 3 });
  const foreign = world.add({ foreign: true });
  const { id } = await world.node(0).submit();
  await world.pass(90_000);
  assertEquals(Object.keys(world.node(0).states(id)).sort(), ["n0", "n1", "n2"]);
  assertEquals(foreign.events, []);
});

Deno.test("where origin and reporter cannot reach each other, results come through a relay", async () => {
  using world = new GossipWorld({ seed: 6, nodes: 6 });
  const [origin, far] = [world.node(0), world.node(4)];
  world.network.cut(far.host.address, origin.host.address);
  world.network.cut(origin.host.address, far.host.address);
  const { id } = await origin.submit();
  await world.passUntil(() => origin.allDone(id), 60_000);
  await world.passUntil(() => far.of("report_confirmed").length === 1, 60_000);
  assertEquals(far.machine?.status().reports, 0);
});

Deno.test("a batch lives by its age: clocks an hour off neither end it nor extend it", async () => {
  using world = new GossipWorld({ seed: 7, nodes: 12 });
  [1, -1, 24].forEach((hours, index) => {
    world.node(index).host.jumpClock({ wallMs: hours * 3_600_000 });
  });
  const batches = (await world.submitAt([0, 1, 2, 3].map((index) => world.node(index))))
    .map((id, index) => [index, id] as const);
  await world.pass(30_000);
  for (const [index, id] of batches) {
    assertEquals(world.runs(id), Array(12).fill(1));
    assert(world.node(index).allDone(id));
  }
  const [, early] = batches[3]!;
  await world.pass(3_000_000);
  const lateClock = world.add();
  await world.passUntil(() => lateClock.runs.get(early) === 1, 60_000);
  await world.pass(800_000);
  const tooLate = world.add();
  await world.pass(120_000);
  assertEquals(tooLate.runs.size, 0);
  for (const node of world.nodes.values()) {
    assertEquals(node.machine?.batches(), []);
    if (node !== tooLate) assertEquals(node.of("batch_expired").length, 4);
  }
});
