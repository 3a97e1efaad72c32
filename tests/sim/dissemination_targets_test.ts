import { assert, assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../lib/errors.ts";
import { parseNodePatterns, parseTagConditions } from "../../lib/batch/target.ts";
import { GossipWorld } from "../support/gossip_world.ts";

function ran(world: GossipWorld, id: string): string[] {
  return [...world.nodes.values()].filter((node) => node.runs.has(id)).map((node) => node.name);
}

Deno.test("a target's members run it, the others carry it on and report nothing", async () => {
  using world = new GossipWorld({ seed: 1, nodes: 0 });
  for (let index = 0; index < 20; index++) {
    world.add({ tags: { role: index % 2 === 0 ? "web" : "db", zone: index < 10 ? "a" : "b" } });
  }
  // The origin is none of them, and everyone whom it pushes to may be none either.
  const origin = world.node(11);
  const { id } = await origin.submit({ target: { tags: parseTagConditions("role=web,zone!=b") } });
  await world.passUntil(() => origin.allDone(id), 30_000);
  await world.pass(60_000);
  assertEquals(ran(world, id), ["n0", "n2", "n4", "n6", "n8"]);
  assertEquals(Object.keys(origin.states(id)).sort(), ["n0", "n2", "n4", "n6", "n8"]);
  for (const node of world.nodes.values()) assertEquals(node.machine?.batch(id)?.id, id);

  const named = await origin.submit({ target: { nodes: parseNodePatterns("n3,'n1?'") } });
  await world.passUntil(() => origin.allDone(named.id), 30_000);
  assertEquals(ran(world, named.id).length, 11);
  await assertRejects(
    () => origin.submit({ target: { nodes: ["x*"] } }),
    UsageError,
    "names no member",
  );
});

Deno.test("a member that is named and gone is unreached, and runs the batch where it comes back", async () => {
  using world = new GossipWorld({ seed: 21, nodes: 4 });
  world.add({ foreign: true });
  const origin = world.node(0);
  const gone = world.node(3);
  gone.kill();
  world.setState(gone, "dead");
  const { id } = await origin.submit({ target: { nodes: ["n1", "n3"] } });
  assertEquals(origin.states(id), { n1: "pending", n3: "unreached:dead" });
  await world.passUntil(() => origin.of("batch_settled").length === 1, 30_000);
  assertEquals(origin.states(id), { n1: "ran", n3: "unreached:dead" });
  gone.start();
  world.setState(gone, "alive");
  await world.passUntil(() => origin.allDone(id), 60_000);
  assertEquals(ran(world, id), ["n1", "n3"]);

  world.setState(world.node(2), "left");
  // Whoever is only meant by a pattern is not counted on, and a sample is of those that can answer.
  assertEquals(
    Object.keys(origin.states((await origin.submit({ target: { nodes: ["n*"] } })).id)).length,
    3,
  );
  const limit = { type: "count", count: 9 } as const;
  const drawn = await origin.submit({ target: { nodes: ["n1", "n2"] }, limit });
  assertEquals(Object.keys(origin.states(drawn.id)), ["n1"]);
  const slip = { target: { nodes: ["n1", "n11"] } };
  await assertRejects(() => origin.submit(slip), UsageError, 'no member is named "n11"');
  const foreign = { target: { nodes: ["n1", "n4"] } };
  await assertRejects(() => origin.submit(foreign), UsageError, 'member "n4" runs no gossipcheck');
});

Deno.test("a limit draws so many members, no more, whoever joins", async () => {
  using world = new GossipWorld({ seed: 2, nodes: 20 });
  const origin = world.node(0);
  const limits = [
    [{ type: "count", count: 4 }, 4],
    // Of the 21 members that there are by then, rounded up.
    [{ type: "percent", percent: 10 }, 3],
  ] as const;
  for (const [limit, count] of limits) {
    const { id } = await origin.submit({ limit });
    world.add();
    await world.passUntil(() => origin.allDone(id), 30_000);
    await world.pass(60_000);
    assertEquals(ran(world, id).length, count);
    assertEquals(ran(world, id), Object.keys(origin.states(id)).sort(byNumber));
  }
});

Deno.test("stages start one after the other, each when the one before has answered", async () => {
  using world = new GossipWorld({ seed: 3, nodes: 10, runMs: () => 1_000 });
  const origin = world.node(0);
  const rollout = { size: { type: "count", count: 3 }, maxFailures: 0 } as const;
  const { id } = await origin.submit({ rollout });
  const counts: number[] = [];
  for (let second = 0; second < 8; second++) {
    await world.pass(600);
    counts.push(ran(world, id).length);
  }
  assertEquals([...new Set(counts)], [3, 6, 9, 10]);
  await world.passUntil(() => origin.allDone(id), 30_000);
  assertEquals(origin.of("batch_settled").length, 1);
  assertEquals(world.runs(id), Array(10).fill(1));
});

Deno.test("a roll-out stops when too many failed, and says whose turn did not come", async () => {
  using world = new GossipWorld({ seed: 4, nodes: 10, passes: (node) => node === "n0" });
  const origin = world.node(0);
  const rollout = { size: { type: "percent", percent: 20 }, maxFailures: 2 } as const;
  const { id } = await origin.submit({ rollout });
  await world.pass(60_000);
  const states = Object.values(origin.states(id));
  const started = states.filter((state) => state === "ran").length;
  // Whether n0 is among them or not, the second stage brings more than two failures.
  assertEquals(started, 4);
  assertEquals(ran(world, id).length, started);
  assertEquals(states.filter((state) => state === "skipped:rollout_stopped").length, 10 - started);
  assertEquals(origin.of("rollout_stopped").length, 1);
  assertEquals(origin.of("batch_settled").length, 1);
});

Deno.test("a roll-out that the first member stops settles once", async () => {
  using world = new GossipWorld({ seed: 8, nodes: 6, passes: () => false });
  const origin = world.node(0);
  const { id } = await origin.submit({
    rollout: { size: { type: "count", count: 1 }, maxFailures: 0 },
  });
  await world.pass(60_000);
  assertEquals(ran(world, id).length, 1);
  assertEquals(origin.of("rollout_stopped").length, 1);
  assertEquals(origin.of("batch_settled").length, 1);
});

Deno.test("a roll-out goes on through a dead member, lost starts and a restart of the origin", async () => {
  for (let seed = 1; seed <= 10; seed++) {
    using world = new GossipWorld({ seed, nodes: 9, runMs: () => 500, duplicate: 0.2 });
    const [origin, dead, cutOff] = [world.node(0), world.node(4), world.node(7)];
    world.network.cut(origin.host.address, cutOff.host.address);
    const rollout = { size: { type: "count", count: 2 }, maxFailures: 1 } as const;
    const { id } = await origin.submit({ rollout });
    dead.kill();
    world.setState(dead, "dead");
    await world.pass(1_700);
    origin.kill();
    await world.pass(2_000);
    origin.start();
    await world.passUntil(
      () => Object.values(origin.states(id)).every((state) => !/pending|running/.test(state)),
      200_000,
    );
    const states = origin.states(id);
    assertEquals(states[dead.name], "unreached:dead", `seed ${seed}`);
    delete states[dead.name];
    assert(Object.values(states).every((state) => /^(ran|interrupted)$/.test(state)));
    assert(world.runs(id).every((count) => count <= 1), `seed ${seed}: ${world.runs(id)}`);
  }
});

Deno.test("cancel stops a roll-out, reaches everyone, and what comes later comes cancelled", async () => {
  using world = new GossipWorld({ seed: 5, nodes: 12, runMs: () => 2_000 });
  const origin = world.node(0);
  const away = world.node(9);
  away.kill();
  world.setState(away, "dead");
  const { id: all } = await origin.submit();
  const { id: staged } = await origin.submit({
    rollout: { size: { type: "count", count: 2 }, maxFailures: 0 },
  });
  await world.pass(1_000);
  const elsewhere = world.node(5);
  assert(elsewhere.machine?.cancel(all));
  assert(elsewhere.machine?.cancel(staged));
  assertEquals(elsewhere.machine?.cancel(all), false);
  assertEquals(elsewhere.machine?.cancel("01ARZ3NDEKTSV4RRFFQ69G5FAV"), false);
  await world.pass(5_000);
  for (const node of world.nodes.values()) {
    if (node === away) continue;
    const cancelled = node.of("batch_cancelled").map(({ batchId }) => batchId);
    assertEquals(cancelled.sort(), [all, staged].sort(), node.name);
  }
  const states = Object.values(origin.states(staged));
  assertEquals(states.filter((state) => state === "ran").length, 2);
  assertEquals(states.filter((state) => state === "skipped:cancelled").length, 9);
  away.start();
  world.setState(away, "alive");
  await world.pass(60_000);
  assertEquals(away.runs.size, 0);
  assertEquals(away.of("batch_accepted").map(({ cancelled }) => cancelled), [true, true]);
  assertEquals(origin.states(all)[away.name], "cancelled");
});

Deno.test("a member whose tags change before it heard of the batch is not waited for", async () => {
  using world = new GossipWorld({ seed: 6, nodes: 0 });
  for (let index = 0; index < 4; index++) world.add({ tags: { role: "web" } });
  const changed = world.node(3);
  world.cutOff(changed);
  const { id } = await world.node(0).submit({ target: { tags: parseTagConditions("role=web") } });
  await world.pass(1_000);
  changed.tags.set("role", "db");
  world.tell(changed.name);
  assertEquals(world.node(0).states(id)[changed.name], "skipped:not_targeted");
  assertEquals(world.node(0).of("batch_settled").length, 1);
  world.network.mend();
  await world.pass(60_000);
  assertEquals(world.runs(id), [1, 1, 1, 0]);
});

function byNumber(a: string, b: string): number {
  return Number(a.slice(1)) - Number(b.slice(1));
}
