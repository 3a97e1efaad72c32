/** Nodes that only packets reach, only streams, or only in one direction. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { BATCH_BODY_MAX_BYTES } from "../../lib/limits.ts";
import { GossipWorld } from "../support/gossip_world.ts";

const BODIES = { small: 6, "of 300 kB": 300_000 };

for (const [what, bytes] of Object.entries(BODIES)) {
  for (const loss of [0, 0.3]) {
    Deno.test(`a node that packets alone reach runs batches ${what} once and answers, loss ${loss}`, () => {
      for (let seed = 1; seed <= 5; seed++) {
        const world = new GossipWorld({ seed, nodes: 5 });
        world.network.quality = { loss, delayMs: 5, jitterMs: 10, duplicate: 0.1 };
        const lonely = world.node(seed % 5);
        world.packetsOnly(lonely);
        const origins = [lonely, world.node((seed + 1) % 5)];
        const body = new Uint8Array(bytes).fill(seed);
        const ids = origins.map((origin) => origin.submit({ body }).id);
        const done = () => ids.every((id, index) => origins[index]!.allDone(id));
        world.passUntil(done, loss > 0 ? 120_000 : 10_000);
        world.pass(60_000);
        for (const id of ids) assertEquals(world.runs(id), [1, 1, 1, 1, 1], `seed ${seed}`);
        for (const { machine, name } of world.nodes.values()) {
          assertEquals(machine?.status().reports, 0, `${name} seed ${seed}`);
        }
      }
    });
  }
}

Deno.test("the largest batch reaches a node by packets alone at a loss of 0.3", () => {
  const world = new GossipWorld({ seed: 1, nodes: 3 });
  world.network.quality = { loss: 0.3, delayMs: 50, jitterMs: 100, duplicate: 0 };
  const lonely = world.node(2);
  world.packetsOnly(lonely);
  const origin = world.node(0);
  const { id } = origin.submit({ body: new Uint8Array(BATCH_BODY_MAX_BYTES) });
  const tookMs = world.passUntil(() => origin.allDone(id), 180_000);
  assertEquals(world.runs(id), [1, 1, 1]);
  assertLess(tookMs, 120_000);
});

Deno.test("where nobody knows yet that streams do not reach a node, packets do after seconds", () => {
  const world = new GossipWorld({ seed: 2, nodes: 5 });
  world.network.cutStreams(world.node(4).host.address);
  const origin = world.node(0);
  const { id } = origin.submit();
  assertLess(world.passUntil(() => origin.allDone(id), 30_000), 10_000);
  assertEquals(world.runs(id), [1, 1, 1, 1, 1]);
});

Deno.test("a node that streams alone reach runs every batch once and answers", () => {
  const world = new GossipWorld({ seed: 3, nodes: 5 });
  const lonely = world.node(4);
  world.network.cutPackets(lonely.host.address);
  lonely.degraded = "tcp";
  const origins = [lonely, world.node(0)];
  const ids = origins.map((origin) => origin.submit().id);
  world.passUntil(() => ids.every((id, index) => origins[index]!.allDone(id)), 5_000);
  for (const id of ids) assertEquals(world.runs(id), [1, 1, 1, 1, 1]);
});

Deno.test("links in one direction: everything arrives by way of others, and results through a relay", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new GossipWorld({ seed, nodes: 6 });
    const [deaf, mute] = [world.node(1), world.node(2)];
    const origins = [world.node(0), deaf, mute];
    // What these two say does not reach the origin, or what it says does not reach them.
    world.network.cut(origins[0]!.host.address, deaf.host.address);
    world.network.cut(mute.host.address, origins[0]!.host.address);
    world.network.cut(deaf.host.address, mute.host.address);
    const ids = origins.map((origin) => origin.submit().id);
    const done = () => ids.every((id, index) => origins[index]!.allDone(id));
    world.passUntil(done, 120_000);
    // The word that the origin has them finds a way too.
    const confirmed = () =>
      [...world.nodes.values()].every(({ machine }) => machine?.status().reports === 0);
    world.passUntil(confirmed, 300_000);
    for (const id of ids) assertEquals(world.runs(id), [1, 1, 1, 1, 1, 1], `seed ${seed}`);
  }
});

Deno.test("a held batch starts, and one is cancelled, on a node by packets alone", () => {
  const world = new GossipWorld({ seed: 4, nodes: 4, runMs: () => 5_000 });
  const lonely = world.node(3);
  world.packetsOnly(lonely);
  const origin = world.node(0);
  const held = origin.submit({ limit: { type: "count", count: 4 } }).id;
  world.passUntil(() => origin.allDone(held), 30_000);
  assertEquals(lonely.runs.get(held), 1);
  const { id } = origin.submit();
  world.pass(1_000);
  origin.machine?.cancel(id);
  world.pass(1_000);
  assertEquals(lonely.of("batch_cancelled").map(({ batchId }) => batchId), [id]);
});

Deno.test("nodes that start again are spoken to as soon as the others know", () => {
  for (let seed = 1; seed <= 5; seed++) {
    const world = new GossipWorld({ seed, nodes: 8 });
    const origin = world.node(0);
    const ids: string[] = [];
    for (let round = 0; round < 10; round++) {
      const victim = world.node(1 + world.random.below(7));
      ids.push(origin.submit().id);
      world.pass(100 * world.random.next());
      victim.kill();
      world.setState(victim, "dead");
      world.pass(1_000);
      victim.start();
      world.setState(victim, "alive");
      world.pass(1_000);
    }
    world.pass(180_000);
    for (const id of ids) {
      const answers = Object.values(origin.states(id));
      assert(answers.every((state) => /^(ran|interrupted)$/.test(state)), `${seed}: ${answers}`);
      assert(world.runs(id).every((runs) => runs <= 1));
    }
  }
});
