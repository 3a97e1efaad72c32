import { assert, assertEquals, assertRejects } from "@std/assert";
import { RefusedError } from "../../lib/errors.ts";
import { type GossipNode, GossipWorld } from "../support/gossip_world.ts";

async function restart(
  world: GossipWorld,
  options: { node: GossipNode; downMs: number },
): Promise<void> {
  const { node, downMs } = options;
  node.kill();
  world.setState(node, "dead");
  await world.pass(downMs);
  node.start();
  world.setState(node, "alive");
}

Deno.test("an origin that restarts keeps what came and gets the rest", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    using world = new GossipWorld({ seed, nodes: 8, runMs: (node) => 500 * Number(node.slice(1)) });
    const origin = world.node(0);
    const { id } = await origin.submit();
    await world.pass(300 * seed / 2);
    const before = Object.values(origin.states(id)).filter((state) => state === "ran").length;
    await restart(world, { node: origin, downMs: 6_000 });
    const after = Object.values(origin.states(id)).filter((state) => state === "ran").length;
    assert(after >= before, `seed ${seed}`);
    await world.passUntil(() => origin.allDone(id), 120_000);
    await world.pass(70_000);
    assertEquals(world.runs(id), Array(8).fill(1), `seed ${seed}`);
    for (const node of world.nodes.values()) assertEquals(node.machine?.status().reports, 0);
  }
});

Deno.test("nodes killed at random moments never run twice and always answer in the end", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    using world = new GossipWorld({ seed, nodes: 8, duplicate: 0.2 });
    world.network.quality = { loss: 0.1, delayMs: 5, jitterMs: 50, duplicate: 0 };
    const batches: [GossipNode, string][] = [];
    for (let step = 0; step < 20; step++) {
      const node = world.random.pick([...world.nodes.values()]);
      if (world.random.chance(0.5)) {
        await restart(world, { node, downMs: world.random.next() * 3_000 });
      } else batches.push([node, (await node.submit()).id]);
      await world.pass(world.random.next() * 500);
    }
    await world.pass(300_000);
    for (const [origin, id] of batches) {
      const detail = `seed ${seed} ${id}`;
      assert(world.runs(id).every((count) => count === 1), `${detail}: ${world.runs(id)}`);
      assert(origin.allDone(id), `${detail}: ${JSON.stringify(origin.states(id))}`);
    }
    for (const node of world.nodes.values()) assertEquals(node.machine?.status().reports, 0);
  }
});

Deno.test("what nobody heard of by the end of a batch's life is waited for no longer", async () => {
  using world = new GossipWorld({ seed: 8, nodes: 4 });
  const origin = world.node(0);
  world.cutOff(world.node(3));
  const { id } = await origin.submit({ expiresInMs: 60_000 });
  await world.pass(59_000);
  assertEquals(origin.of("batch_settled").length, 0);
  await world.pass(20_000);
  assertEquals(origin.states(id).n3, "skipped:expired");
  assertEquals(origin.of("batch_settled").length, 1);
  world.network.mend();
  await world.pass(120_000);
  assertEquals(world.runs(id), [1, 1, 1, 0]);
});

Deno.test("members that nobody knows after a restart are unreached in the end", async () => {
  using world = new GossipWorld({ seed: 9, nodes: 4, runMs: () => 30_000 });
  const [origin, gone] = [world.node(0), world.node(3)];
  const { id } = await origin.submit();
  await world.pass(1_000);
  origin.kill();
  gone.kill();
  world.nodes.delete(gone.name);
  origin.start();
  await world.pass(100_000);
  assertEquals(origin.states(id)[gone.name], "running");
  assertEquals(origin.of("batch_settled").length, 0);
  await world.pass(40_000);
  assertEquals(origin.states(id)[gone.name], "unreached:dead");
  assertEquals(origin.of("batch_settled").length, 1);
});

Deno.test("batches sent on both sides of a partition reach the other when it heals", async () => {
  using world = new GossipWorld({ seed: 1, nodes: 12 });
  const address = (index: number) => world.node(index).host.address;
  const half = (from: number) => Array.from({ length: 6 }, (_, index) => address(from + index));
  world.network.partition([half(0), half(6)]);
  const [left, right] = [world.node(1), world.node(7)];
  const ids = await world.submitAt([left, right]);
  await world.pass(60_000);
  assertEquals(world.runs(ids[0]!), [1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
  assertEquals(world.runs(ids[1]!), [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
  world.network.mend();
  await world.passUntil(() => left.allDone(ids[0]!) && right.allDone(ids[1]!), 90_000);
  ids.forEach((id) => assertEquals(world.runs(id), Array(12).fill(1)));
});

Deno.test("over a link that works one way only, results find a relay", async () => {
  using world = new GossipWorld({ seed: 2, nodes: 6 });
  const origin = world.node(0);
  for (const index of [2, 3]) {
    world.network.cut(world.node(index).host.address, origin.host.address);
  }
  const { id } = await origin.submit();
  await world.passUntil(() => origin.allDone(id), 120_000);
  await world.pass(120_000);
  for (const node of world.nodes.values()) assertEquals(node.machine?.status().reports, 0);
});

Deno.test("a batch whose acceptance is not durable is not issued, and runs no action elsewhere", async () => {
  using world = new GossipWorld({ seed: 3, nodes: 2 });
  const [origin, other] = [world.node(0), world.node(1)];
  origin.disk.failure = () => "the disk is full";
  const { id: lost } = await origin.submit();
  await world.pass(60_000);
  assertEquals(origin.of("batch_not_stored").map(({ batchId }) => batchId), [lost]);
  assertEquals([origin.events.length, other.events.length], [1, 0]);
  assertEquals(origin.machine?.status().collections, 0);

  origin.disk.failure = undefined;
  other.disk.failure = () => "the disk is full";
  const { id } = await origin.submit();
  await world.pass(1_000);
  other.disk.failure = undefined;
  await world.pass(120_000);
  assertEquals(world.runs(id), [1, 0]);
  assertEquals(origin.states(id), { n0: "ran", n1: "refused" });
});

Deno.test("a report that could not be kept is not confirmed, and is when it comes again", async () => {
  using world = new GossipWorld({ seed: 4, nodes: 2 });
  const [origin, other] = [world.node(0), world.node(1)];
  let failures = 0;
  origin.disk.failure = ({ parameters }) => {
    if (!parameters.includes(other.name) || !parameters.includes("done")) return undefined;
    failures++;
    return "the disk is full";
  };
  const { id } = await origin.submit();
  await world.pass(1_000);
  assertEquals(origin.allDone(id), true);
  assertEquals([failures > 0, other.of("report_confirmed").length], [true, 0]);
  origin.disk.failure = undefined;
  await world.pass(10_000);
  assertEquals(other.of("report_confirmed").length, 1);
  assertEquals(
    origin.events.filter((event) =>
      event.type === "progress" && event.node === other.name && event.progress.state === "done"
    ).length,
    1,
  );
});

Deno.test("a batch that is not let in is neither run nor forwarded, and a true copy still is", async () => {
  let refuse = true;
  using world = new GossipWorld({
    seed: 5,
    nodes: 5,
    settings: { advertiseIntervalMs: 2_000 },
    admit: (_batch, node) => refuse && node !== "n0" ? "it is not signed" : undefined,
  });
  const { id } = await world.node(0).submit();
  await world.pass(10_000);
  assertEquals(world.runs(id), [1, 0, 0, 0, 0]);
  const [refused] = world.node(1).of("batch_refused");
  assertEquals(refused?.reason, "it is not signed");
  assertEquals(refused?.origin, "n0");
  assertEquals(new Set(world.node(1).of("batch_refused").map(({ from }) => from)), new Set(["n0"]));
  refuse = false;
  // Whose copy was refused is asked again only after minutes.
  await world.pass(600_000);
  assertEquals(world.runs(id), [1, 1, 1, 1, 1]);
  refuse = true;
  await assertRejects(() => world.node(1).submit(), RefusedError, "not signed");
});

Deno.test("an origin that lost all its state does not run its own batch again", async () => {
  using world = new GossipWorld({ seed: 6, nodes: 4 });
  const origin = world.node(0);
  const { id } = await origin.submit();
  await world.pass(5_000);
  origin.kill();
  origin.disk.wipe();
  origin.start();
  await world.pass(90_000);
  assertEquals(world.runs(id), [1, 1, 1, 1]);
  assertEquals(origin.machine?.batch(id)?.id, id);
});
