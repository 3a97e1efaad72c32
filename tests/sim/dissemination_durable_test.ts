import { assert, assertEquals, assertThrows } from "@std/assert";
import { RefusedError, StoreError } from "../../lib/errors.ts";
import { DEFAULT_GOSSIP_SETTINGS } from "../../lib/gossip/settings.ts";
import { MemoryJournal } from "../support/gossip_journal.ts";
import { type GossipNode, GossipWorld } from "../support/gossip_world.ts";

function restart(world: GossipWorld, options: { node: GossipNode; downMs: number }): void {
  const { node, downMs } = options;
  node.kill();
  world.setState(node, "dead");
  world.pass(downMs);
  node.start();
  world.setState(node, "alive");
}

Deno.test("an origin that restarts keeps what came and gets the rest", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = new GossipWorld({ seed, nodes: 8, runMs: (node) => 500 * Number(node.slice(1)) });
    const origin = world.node(0);
    const { id } = origin.submit();
    world.pass(300 * seed / 2);
    const before = Object.values(origin.states(id)).filter((state) => state === "ran").length;
    restart(world, { node: origin, downMs: 6_000 });
    const after = Object.values(origin.states(id)).filter((state) => state === "ran").length;
    assert(after >= before, `seed ${seed}`);
    world.passUntil(() => origin.allDone(id), 120_000);
    world.pass(70_000);
    assertEquals(world.runs(id), Array(8).fill(1), `seed ${seed}`);
    for (const node of world.nodes.values()) assertEquals(node.machine?.status().reports, 0);
  }
});

Deno.test("nodes killed at random moments never run twice and always answer in the end", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const world = new GossipWorld({ seed, nodes: 8, duplicate: 0.2 });
    world.network.quality = { loss: 0.1, delayMs: 5, jitterMs: 50, duplicate: 0 };
    const batches: [GossipNode, string][] = [];
    for (let step = 0; step < 20; step++) {
      const node = world.random.pick([...world.nodes.values()]);
      if (world.random.chance(0.5)) restart(world, { node, downMs: world.random.next() * 3_000 });
      else batches.push([node, node.submit().id]);
      world.pass(world.random.next() * 500);
    }
    world.pass(300_000);
    for (const [origin, id] of batches) {
      const detail = `seed ${seed} ${id}`;
      assert(world.runs(id).every((count) => count === 1), `${detail}: ${world.runs(id)}`);
      assert(origin.allDone(id), `${detail}: ${JSON.stringify(origin.states(id))}`);
    }
    for (const node of world.nodes.values()) assertEquals(node.machine?.status().reports, 0);
  }
});

Deno.test("what nobody heard of by the end of a batch's life is waited for no longer", () => {
  const world = new GossipWorld({ seed: 8, nodes: 4 });
  const origin = world.node(0);
  world.cutOff(world.node(3));
  const { id } = origin.submit({ expiresInMs: 60_000 });
  world.pass(59_000);
  assertEquals(origin.of("batch_settled").length, 0);
  world.pass(20_000);
  assertEquals(origin.states(id).n3, "skipped:expired");
  assertEquals(origin.of("batch_settled").length, 1);
  world.network.mend();
  world.pass(120_000);
  assertEquals(world.runs(id), [1, 1, 1, 0]);
});

Deno.test("members that nobody knows after a restart are unreached in the end", () => {
  const world = new GossipWorld({ seed: 9, nodes: 4, runMs: () => 30_000 });
  const [origin, gone] = [world.node(0), world.node(3)];
  const { id } = origin.submit();
  world.pass(1_000);
  origin.kill();
  gone.kill();
  world.nodes.delete(gone.name);
  origin.start();
  world.pass(100_000);
  assertEquals(origin.states(id)[gone.name], "running");
  assertEquals(origin.of("batch_settled").length, 0);
  world.pass(40_000);
  assertEquals(origin.states(id)[gone.name], "unreached:dead");
  assertEquals(origin.of("batch_settled").length, 1);
});

Deno.test("batches sent on both sides of a partition reach the other when it heals", () => {
  const world = new GossipWorld({ seed: 1, nodes: 12 });
  const address = (index: number) => world.node(index).host.address;
  const half = (from: number) => Array.from({ length: 6 }, (_, index) => address(from + index));
  world.network.partition([half(0), half(6)]);
  const [left, right] = [world.node(1), world.node(7)];
  const ids = [left.submit().id, right.submit().id];
  world.pass(60_000);
  assertEquals(world.runs(ids[0]!), [1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
  assertEquals(world.runs(ids[1]!), [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
  world.network.mend();
  world.passUntil(() => left.allDone(ids[0]!) && right.allDone(ids[1]!), 90_000);
  ids.forEach((id) => assertEquals(world.runs(id), Array(12).fill(1)));
});

Deno.test("over a link that works one way only, results find a relay", () => {
  const world = new GossipWorld({ seed: 2, nodes: 6 });
  const origin = world.node(0);
  for (const index of [2, 3]) {
    world.network.cut(world.node(index).host.address, origin.host.address);
  }
  const { id } = origin.submit();
  world.passUntil(() => origin.allDone(id), 120_000);
  world.pass(120_000);
  for (const node of world.nodes.values()) assertEquals(node.machine?.status().reports, 0);
});

Deno.test("a batch whose acceptance is not durable goes no further and never runs", () => {
  const world = new GossipWorld({ seed: 3, nodes: 2 });
  const [origin, other] = [world.node(0), world.node(1)];
  const full = () => {
    throw new StoreError("the disk is full");
  };
  origin.onEmit = full;
  assertThrows(() => origin.submit(), StoreError);
  origin.onEmit = undefined;
  world.pass(60_000);
  assertEquals(other.events.length, 0);
  assertEquals(origin.machine?.status().collections, 0);

  const { id } = origin.submit();
  other.onEmit = full;
  assertThrows(() => world.pass(1_000), StoreError);
  other.onEmit = undefined;
  world.pass(120_000);
  assertEquals(world.runs(id), [1, 0]);
  assertEquals(other.machine?.batches(), []);
});

Deno.test("a report that could not be kept is not confirmed, and is counted when it comes again", () => {
  const world = new GossipWorld({ seed: 4, nodes: 2 });
  const [origin, other] = [world.node(0), world.node(1)];
  const { id } = origin.submit();
  let failures = 0;
  origin.onEmit = (event) => {
    if (event.type !== "progress" || event.node !== other.name) return;
    failures++;
    throw new StoreError("the disk is full");
  };
  assertThrows(() => world.pass(1_000), StoreError);
  assertEquals(origin.states(id)[other.name], "pending");
  origin.onEmit = undefined;
  world.passUntil(() => origin.allDone(id), 10_000);
  world.pass(1_000);
  assertEquals([failures, other.of("report_confirmed").length], [1, 1]);
});

Deno.test("a batch that is not let in is neither run nor forwarded, and a true copy still is", () => {
  let refuse = true;
  const world = new GossipWorld({
    seed: 5,
    nodes: 5,
    settings: { advertiseIntervalMs: 2_000 },
    admit: (_batch, node) => refuse && node !== "n0" ? "it is not signed" : undefined,
  });
  const { id } = world.node(0).submit();
  world.pass(10_000);
  assertEquals(world.runs(id), [1, 0, 0, 0, 0]);
  const [refused] = world.node(1).of("batch_refused");
  assertEquals(refused?.reason, "it is not signed");
  assertEquals(refused?.origin, "n0");
  assertEquals(new Set(world.node(1).of("batch_refused").map(({ from }) => from)), new Set(["n0"]));
  refuse = false;
  // Whose copy was refused is asked again only after minutes.
  world.pass(600_000);
  assertEquals(world.runs(id), [1, 1, 1, 1, 1]);
  refuse = true;
  assertThrows(() => world.node(1).submit(), RefusedError, "not signed");
});

Deno.test("an origin that lost all its state does not run its own batch again", () => {
  const world = new GossipWorld({ seed: 6, nodes: 4 });
  const origin = world.node(0);
  const { id } = origin.submit();
  world.pass(5_000);
  origin.kill();
  Object.assign(origin, {
    journal: new MemoryJournal({
      node: origin.name,
      wallMs: () => origin.host.clock.wallMs(),
      bounds: DEFAULT_GOSSIP_SETTINGS,
    }),
  });
  origin.start();
  world.pass(90_000);
  assertEquals(world.runs(id), [1, 1, 1, 1]);
  assertEquals(origin.machine?.batch(id)?.id, id);
});
