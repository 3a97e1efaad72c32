/** Batches on nodes that only UDP reaches, only TCP, or only in one direction. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { BATCH_BODY_MAX_BYTES } from "../../lib/limits.ts";
import { GossipWorld } from "../support/gossip_world.ts";

const BODIES = { small: 6, "of 300 kB": 300_000 };

for (const [what, bytes] of Object.entries(BODIES)) {
  for (const loss of [0, 0.3]) {
    Deno.test(`a node that only UDP reaches runs batches ${what} once and reports, loss ${loss}`, async () => {
      for (let seed = 1; seed <= 5; seed++) {
        using world = new GossipWorld({ seed, nodes: 5 });
        world.network.quality = { loss, delayMs: 5, jitterMs: 10, duplicate: 0.1 };
        const isolated = world.node(seed % 5);
        world.packetsOnly(isolated);
        const origins = [isolated, world.node((seed + 1) % 5)];
        const body = new Uint8Array(bytes).fill(seed);
        const ids = await world.submitAt(origins, { body });
        const done = () => ids.every((id, index) => origins[index]!.allDone(id));
        await world.passUntil(done, loss > 0 ? 120_000 : 10_000);
        await world.pass(60_000);
        for (const id of ids) assertEquals(world.runs(id), [1, 1, 1, 1, 1], `seed ${seed}`);
        for (const { machine, name } of world.nodes.values()) {
          assertEquals(machine?.status().reports, 0, `${name} seed ${seed}`);
        }
      }
    });
  }
}

Deno.test("the largest batch reaches a node over UDP alone at a loss of 0.3", async () => {
  using world = new GossipWorld({ seed: 1, nodes: 3 });
  world.network.quality = { loss: 0.3, delayMs: 50, jitterMs: 100, duplicate: 0 };
  const isolated = world.node(2);
  world.packetsOnly(isolated);
  const origin = world.node(0);
  const { id } = await origin.submit({ body: new Uint8Array(BATCH_BODY_MAX_BYTES) });
  const tookMs = await world.passUntil(() => origin.allDone(id), 180_000);
  assertEquals(world.runs(id), [1, 1, 1]);
  assertLess(tookMs, 120_000);
});

Deno.test("a node that TCP does not reach gets a batch over UDP within seconds, before SWIM has found out", async () => {
  using world = new GossipWorld({ seed: 2, nodes: 5 });
  world.network.cutStreams(world.node(4).host.address);
  const origin = world.node(0);
  const { id } = await origin.submit();
  assertLess(await world.passUntil(() => origin.allDone(id), 30_000), 10_000);
  assertEquals(world.runs(id), [1, 1, 1, 1, 1]);
});

Deno.test("a node that only TCP reaches runs every batch once and reports", async () => {
  using world = new GossipWorld({ seed: 3, nodes: 5 });
  const isolated = world.node(4);
  world.network.cutPackets(isolated.host.address);
  isolated.degraded = "tcp";
  const origins = [isolated, world.node(0)];
  const ids = await world.submitAt(origins);
  await world.passUntil(() => ids.every((id, index) => origins[index]!.allDone(id)), 5_000);
  for (const id of ids) assertEquals(world.runs(id), [1, 1, 1, 1, 1]);
});

Deno.test("without one direction of some links, batches arrive through other nodes, and results through a relay", async () => {
  for (let seed = 1; seed <= 10; seed++) {
    using world = new GossipWorld({ seed, nodes: 6 });
    const [deaf, mute] = [world.node(1), world.node(2)];
    const origins = [world.node(0), deaf, mute];
    // Nothing gets from the origin to the first, from the second to the origin, or between them.
    world.network.cut(origins[0]!.host.address, deaf.host.address);
    world.network.cut(mute.host.address, origins[0]!.host.address);
    world.network.cut(deaf.host.address, mute.host.address);
    const ids = await world.submitAt(origins);
    const done = () => ids.every((id, index) => origins[index]!.allDone(id));
    await world.passUntil(done, 120_000);
    // The acks of the reports find a way too.
    const confirmed = () =>
      [...world.nodes.values()].every(({ machine }) => machine?.status().reports === 0);
    await world.passUntil(confirmed, 300_000);
    for (const id of ids) assertEquals(world.runs(id), [1, 1, 1, 1, 1, 1], `seed ${seed}`);
  }
});

Deno.test("a held batch starts, and one is cancelled, on a node that only UDP reaches", async () => {
  using world = new GossipWorld({ seed: 4, nodes: 4, runMs: () => 5_000 });
  const isolated = world.node(3);
  world.packetsOnly(isolated);
  const origin = world.node(0);
  const { id: held } = await origin.submit({ limit: { type: "count", count: 4 } });
  await world.passUntil(() => origin.allDone(held), 30_000);
  assertEquals(isolated.runs.get(held), 1);
  const { id } = await origin.submit();
  await world.pass(1_000);
  origin.machine?.cancel(id);
  await world.pass(1_000);
  assertEquals(isolated.of("batch_cancelled").map(({ batchId }) => batchId), [id]);
});

Deno.test("nodes that restart get batches as soon as the others know their session", async () => {
  for (let seed = 1; seed <= 5; seed++) {
    using world = new GossipWorld({ seed, nodes: 8 });
    const origin = world.node(0);
    const ids: string[] = [];
    for (let round = 0; round < 10; round++) {
      const victim = world.node(1 + world.random.below(7));
      ids.push((await origin.submit()).id);
      await world.pass(100 * world.random.next());
      victim.kill();
      world.setState(victim, "dead");
      await world.pass(1_000);
      victim.start();
      world.setState(victim, "alive");
      await world.pass(1_000);
    }
    await world.pass(180_000);
    for (const id of ids) {
      const answers = Object.values(origin.states(id));
      assert(answers.every((state) => /^(ran|interrupted)$/.test(state)), `${seed}: ${answers}`);
      assert(world.runs(id).every((runs) => runs <= 1));
    }
  }
});
