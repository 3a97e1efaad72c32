import { assert, assertEquals } from "@std/assert";
import { SeededRandom } from "../../tests/support/world_time.ts";
import type { NodeState } from "../wire/messages.ts";
import { MemberTable } from "./members.ts";
import type { Member } from "./types.ts";

function member(number: number, state: NodeState = "alive"): Member {
  return {
    name: `m${number}`,
    address: { host: `10.0.${number >> 8}.${number & 255}`, port: 7946 },
    meta: new Uint8Array(),
    state,
    incarnation: 1,
    versions: [1, 5, 2, 0, 5, 0],
    stateSinceMs: number,
  };
}

function tableOf(count: number): MemberTable {
  const table = new MemberTable({ random: new SeededRandom("table") });
  table.add({ ...member(9_999), name: "self" }, { self: true });
  for (let number = 0; number < count; number++) table.add(member(number));
  return table;
}

function setState(table: MemberTable, changes: Pick<Member, "name" | "state">): void {
  const record = table.get(changes.name)!;
  table.update(record, { ...record.member, ...changes });
}

function round(table: MemberTable): string[] {
  return Array.from({ length: table.activeCount }, () => table.nextToProbe()!.member.name);
}

Deno.test("each member is probed once per round, in another order in each round", () => {
  const table = tableOf(50);
  const rounds = [round(table), round(table), round(table)];
  for (const names of rounds) assertEquals(new Set(names).size, 50);
  assert(rounds[0]!.join() !== rounds[1]!.join());
});

Deno.test("a member added during a round is probed in it, a removed one is not, none twice", () => {
  const table = tableOf(20);
  const probed = Array.from({ length: 10 }, () => table.nextToProbe()!.member.name);
  for (let number = 20; number < 30; number++) table.add(member(number));
  setState(table, { name: probed[3]!, state: "dead" });
  const waiting = ["m20", "m21"];
  for (const name of waiting) setState(table, { name, state: "left" });
  while (probed.length < 28) probed.push(table.nextToProbe()!.member.name);
  assertEquals(new Set(probed).size, 28);
  assert(waiting.every((name) => !probed.includes(name)));
  assertEquals(round(table).length, 27);
});

Deno.test("the table stays consistent through thousands of changes", () => {
  const table = tableOf(40);
  const random = new SeededRandom("changes");
  const states: NodeState[] = ["alive", "suspect", "dead", "left"];
  for (let change = 0; change < 5_000; change++) {
    const name = `m${random.below(60)}`;
    const record = table.get(name);
    if (record === undefined) table.add(member(Number(name.slice(1))));
    else if (random.chance(0.1)) table.remove(record);
    else setState(table, { name, state: random.pick(states) });
    if (random.chance(0.3)) table.nextToProbe();
  }
  const held = [...table.records()].filter(({ member }) => member.name !== "self");
  const active = held.filter(({ member }) => ["alive", "suspect"].includes(member.state));
  assertEquals(new Set(table.active()), new Set(active));
  assertEquals(table.activeCount, active.length);
  assertEquals(table.deadOrLeftCount, held.length - active.length);
  assertEquals(new Set(round(table)).size > active.length / 2, true);
  for (const record of table.active()) assertEquals(table.active()[record.index], record);
});

Deno.test("a selection holds no member twice, nor this node, nor members that are not acceptable", () => {
  for (const count of [0, 1, 3, 5, 9, 30, 500]) {
    const table = tableOf(count);
    for (let attempt = 0; attempt < 50; attempt++) {
      const selected = table.selectActive({
        count: 3,
        accept: ({ member }) => member.name !== "m0",
      });
      const names = selected.map(({ member }) => member.name);
      assertEquals(new Set(names).size, names.length);
      assert(!names.includes("self") && !names.includes("m0"));
      assertEquals(names.length, Math.max(0, Math.min(3, count - 1)), `of ${count}`);
    }
  }
});

Deno.test("all members are selected about equally often", () => {
  const table = tableOf(100);
  const counts = new Map<string, number>();
  for (let attempt = 0; attempt < 10_000; attempt++) {
    for (const { member } of table.selectActive({ count: 3, accept: () => true })) {
      counts.set(member.name, (counts.get(member.name) ?? 0) + 1);
    }
  }
  for (const [name, count] of counts) assert(count > 200 && count < 400, `${name}: ${count}`);
});

Deno.test("recently failed members are selected for gossip; members that left or failed long ago are not", () => {
  const table = tableOf(4);
  table.update(table.get("m0")!, { ...member(0, "dead"), stateSinceMs: 900 });
  table.update(table.get("m1")!, { ...member(1, "dead"), stateSinceMs: 2_000 });
  table.update(table.get("m2")!, { ...member(2, "left"), stateSinceMs: 2_000 });
  const selected = table.selectForGossip(10, 1_000).map(({ member }) => member.name);
  assertEquals(selected.sort(), ["m1", "m3"]);
});

Deno.test("a member that failed at exactly the given time counts as recently failed", () => {
  const table = tableOf(2);
  table.update(table.get("m0")!, { ...member(0, "dead"), stateSinceMs: 2_000 });
  const names = (sinceMs: number) =>
    table.recentlyDeadOrLeft(sinceMs).map(({ member }) => member.name);
  assertEquals([names(2_000), names(2_001)], [["m0"], []]);
});

Deno.test("members that fail and recover often do not displace others that failed recently", () => {
  const table = tableOf(3);
  setState(table, { name: "m0", state: "dead" });
  setState(table, { name: "m1", state: "left" });
  for (let change = 0; change < 1_000; change++) {
    setState(table, { name: "m2", state: "dead" });
    setState(table, { name: "m2", state: "alive" });
  }
  const recent = table.recentlyDeadOrLeft(-Infinity);
  assert(recent.length < 500, `${recent.length} entries`);
  const names = new Set(recent.map(({ member }) => member.name));
  assert(names.has("m0") && names.has("m1"));
});

Deno.test("a member is found by its current address only", () => {
  const table = tableOf(2);
  const record = table.get("m0")!;
  const before = record.member.address;
  const address = { host: "10.9.9.9", port: 1 };
  table.update(record, { ...record.member, address });
  assertEquals(table.at(before), undefined);
  assertEquals(table.at(address), record);
  table.remove(record);
  assertEquals(table.at(address), undefined);
});

Deno.test("the oldest failed and the oldest left member are found", () => {
  const table = tableOf(5);
  for (const number of [3, 1]) setState(table, { name: `m${number}`, state: "dead" });
  setState(table, { name: "m4", state: "left" });
  assertEquals(table.oldest("dead")?.member.name, "m3");
  assertEquals(table.oldest("left")?.member.name, "m4");
  assertEquals([table.failedCount, table.deadOrLeftCount, table.activeCount], [2, 3, 2]);
  assert(["m1", "m3"].includes(table.selectFailed()!.member.name));
});
