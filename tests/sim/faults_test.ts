/** One fault at a time (and `SIM_NODES` at once), on clusters of the daemon's own classes in virtual time. */
import { assert, assertEquals } from "@std/assert";
import type { SwimEvent } from "../../lib/swim/types.ts";
import { World, type WorldEvent } from "../support/world.ts";
import { measureLoss, measureScale } from "./figures.ts";

/** 1,000 takes most of a minute. */
const NODES = Number(Deno.env.get("SIM_NODES") ?? 200);

function cluster(size: number, seed = 1) {
  const world = new World({ seed });
  const nodes = world.addCluster(size);
  const joinedMs = world.passUntil(() => world.converged(), { withinMs: 30_000 });
  assert(joinedMs !== undefined, "the cluster never came together");
  world.pass(10_000);
  const events: WorldEvent[] = [];
  world.listen((event) => events.push(event));
  const count = (type: SwimEvent["type"]) =>
    events.filter(({ event }) => event.type === type).length;
  return { world, nodes, events, count };
}

Deno.test("20 members at 35 % loss: nobody is declared failed; at 50 % fewer than five", () => {
  for (const [loss, most] of [[0.2, 0], [0.35, 0], [0.5, 4]] as const) {
    for (let seed = 1; seed <= 4; seed++) {
      const { declared } = measureLoss({ nodes: 20, loss, durationMs: 90_000, seed });
      assert(declared <= most, `${declared} at a loss of ${loss}, seed ${seed}`);
    }
  }
});

Deno.test("a killed member is held failed by all within seconds", () => {
  const { world, nodes } = cluster(20);
  nodes[7]!.kill();
  const ms = world.passUntil(() => world.converged(), { withinMs: 30_000 });
  assert(ms !== undefined && ms < 15_000, `${ms} ms`);
});

Deno.test("a member that leaves is seen to have left, not failed", () => {
  const { world, nodes, count } = cluster(20);
  nodes[7]!.leave();
  world.pass(3_000);
  assertEquals([count("member_left"), count("member_failed")], [19, 0]);
  world.pass(60_000);
  assert(world.running.every((node) => node.sees("node-7")?.state === "left"));
});

Deno.test("two halves of a healed partition find each other within a minute", () => {
  for (let seed = 1; seed <= 5; seed++) {
    const { world, nodes } = cluster(20, seed);
    const addresses = nodes.map(({ address }) => address);
    world.network.partition([addresses.slice(0, 10), addresses.slice(10)]);
    world.pass(180_000);
    assertEquals(nodes[0]!.membership.size, 10);
    world.network.mend();
    const ms = world.passUntil(() => world.converged(), { withinMs: 60_000 });
    assert(ms !== undefined, `not within a minute, seed ${seed}`);
  }
});

Deno.test("one that was cut off alone comes back by itself", () => {
  const { world, nodes } = cluster(10);
  const [lone, ...others] = nodes.map(({ address }) => address);
  world.network.partition([[lone!], others]);
  world.pass(300_000);
  assertEquals(nodes[0]!.membership.size, 1);
  world.network.mend();
  assert(world.passUntil(() => world.converged(), { withinMs: 60_000 }) !== undefined);
});

Deno.test("a whole cluster restarted at once under its old names holds nobody dead for long", () => {
  const { world, nodes } = cluster(20);
  for (const node of nodes.slice(1)) node.membership.updateMeta(new Uint8Array([1]));
  world.pass(5_000);
  for (const node of nodes) node.kill();
  world.pass(2_000);
  for (const node of nodes) {
    node.start();
    node.membership.join(nodes.slice(0, 3).map(({ address }) => address));
    world.pass(300);
  }
  assert(world.passUntil(() => world.converged(), { withinMs: 60_000 }) !== undefined);
});

Deno.test("a restarted member comes back above the incarnation that others held", () => {
  const { world, nodes } = cluster(5);
  for (let change = 0; change < 7; change++) {
    nodes[4]!.membership.updateMeta(new Uint8Array([change]));
  }
  world.pass(2_000);
  nodes[4]!.kill();
  world.pass(40_000);
  assertEquals(nodes[0]!.sees("node-4")?.state, "dead");
  nodes[4]!.start();
  nodes[4]!.membership.join([nodes[0]!.address]);
  assert(world.passUntil(() => world.converged(), { withinMs: 20_000 }) !== undefined);
  assert(nodes[0]!.sees("node-4")!.incarnation > 8);
});

Deno.test("a member that comes back under another address takes its name with it", () => {
  const { world, nodes } = cluster(5);
  nodes[4]!.kill();
  world.pass(60_000);
  const moved = world.addNode({ name: "node-4", address: { host: "10.9.9.9", port: 7946 } });
  moved.membership.join([nodes[0]!.address]);
  assert(world.passUntil(() => world.converged(), { withinMs: 60_000 }) !== undefined);
  assertEquals(nodes[1]!.sees("node-4")?.address.host, "10.9.9.9");
});

Deno.test("two nodes of one name: both sides are told, others keep the first", () => {
  const { world, nodes, events } = cluster(4);
  const twin = world.addNode({ name: "node-3", address: { host: "10.9.9.9", port: 7946 } });
  twin.membership.join([nodes[0]!.address]);
  world.pass(30_000);
  const told = events.filter(({ event }) => event.type === "name_conflict");
  assert(told.some(({ node }) => node === twin) && told.some(({ node }) => node === nodes[3]));
  assert(told.length < 12, `${told.length} in half a minute`);
  assertEquals(nodes[1]!.sees("node-3")?.address, nodes[3]!.address);
});

Deno.test("a stopped process blames nobody when it goes on, and is taken back", () => {
  const { world, nodes, events } = cluster(20);
  nodes[3]!.host.pause(60_000);
  world.pass(61_000);
  assert(world.passUntil(() => world.converged(), { withinMs: 30_000 }) !== undefined);
  const blamed = events.filter(({ event }) =>
    event.type === "member_failed" && event.member.name !== "node-3"
  );
  assertEquals(blamed.length, 0);
});

Deno.test("a clock that jumps an hour ahead blames nobody", () => {
  const { world, nodes, count } = cluster(10);
  for (let jump = 0; jump < 20; jump++) {
    nodes[3]!.host.jumpClock({ monotonicMs: 3_600_000, wallMs: -7_200_000 });
    world.pass(2_700);
  }
  assertEquals(count("member_failed"), 0);
});

Deno.test("one link that fails, in one direction or both, costs nobody its membership", () => {
  const { world, nodes, count } = cluster(10);
  world.network.cut(nodes[2]!.address, nodes[5]!.address);
  world.pass(120_000);
  world.network.cut(nodes[5]!.address, nodes[2]!.address);
  world.pass(120_000);
  assertEquals(count("member_failed"), 0);
});

Deno.test("a member without UDP stays, and all notice; likewise one without TCP", () => {
  for (const [cut, way] of [["cutPackets", "tcp"], ["cutStreams", "udp"]] as const) {
    const { world, nodes } = cluster(8);
    world.network[cut](nodes[2]!.address);
    world.pass(180_000);
    for (const node of nodes) {
      if (node === nodes[2]) continue;
      const member = node.sees("node-2");
      assertEquals([member?.state, member?.degraded], ["alive", way], `${node.name}, ${cut}`);
    }
    world.network.mend();
    world.pass(90_000);
    for (const node of nodes) assertEquals(node.sees("node-2")?.degraded, undefined);
  }
});

Deno.test("churn: thousands of names come and go, and nobody's table or push/pull grows", () => {
  const { world, nodes } = cluster(3);
  for (let round = 0; round < 150; round++) {
    const passing = Array.from({ length: 5 }, () => world.addNode());
    for (const node of passing) node.membership.join([nodes[round % 3]!.address]);
    world.pass(1_500);
    for (const node of passing) node.leave();
    world.pass(2_000);
  }
  world.pass(60_000);
  const before = world.network.traffic.streamBytes;
  world.pass(60_000);
  assert(world.network.traffic.streamBytes - before < 50_000, "push/pulls hold the living alone");
  assertEquals(nodes[0]!.membership.size, 3);
});

Deno.test(`${NODES} members join, rest at two packets a second, and lose ten at once`, () => {
  const { joinedMs, restPackets, detectedMs, falsePositives } = measureScale({
    nodes: NODES,
    killed: 10,
    seed: 1,
  });
  assert(joinedMs !== undefined && joinedMs < 10_000, `joined after ${joinedMs} ms`);
  assert(restPackets < 3, `${restPackets} packets a second`);
  assert(detectedMs !== undefined && detectedMs < 30_000, `all knew after ${detectedMs} ms`);
  assertEquals(falsePositives, 0);
});
