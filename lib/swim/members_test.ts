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

function turn(table: MemberTable, changes: Pick<Member, "name" | "state">): void {
  const record = table.get(changes.name)!;
  table.update(record, { ...record.member, ...changes });
}

function round(table: MemberTable): string[] {
  return Array.from({ length: table.activeCount }, () => table.nextToProbe()!.member.name);
}

Deno.test("each member is probed once a round, in another order each time", () => {
  const table = tableOf(50);
  const rounds = [round(table), round(table), round(table)];
  for (const names of rounds) assertEquals(new Set(names).size, 50);
  assert(rounds[0]!.join() !== rounds[1]!.join());
});

Deno.test("who comes in the middle of a round is probed in it, who goes is not, nobody twice", () => {
  const table = tableOf(20);
  const probed = Array.from({ length: 10 }, () => table.nextToProbe()!.member.name);
  for (let number = 20; number < 30; number++) table.add(member(number));
  turn(table, { name: probed[3]!, state: "dead" });
  const waiting = ["m20", "m21"];
  for (const name of waiting) turn(table, { name, state: "left" });
  while (probed.length < 28) probed.push(table.nextToProbe()!.member.name);
  assertEquals(new Set(probed).size, 28);
  assert(waiting.every((name) => !probed.includes(name)));
  assertEquals(round(table).length, 27);
});

Deno.test("the books stay right through thousands of changes", () => {
  const table = tableOf(40);
  const random = new SeededRandom("changes");
  const states: NodeState[] = ["alive", "suspect", "dead", "left"];
  for (let change = 0; change < 5_000; change++) {
    const name = `m${random.below(60)}`;
    const record = table.get(name);
    if (record === undefined) table.add(member(Number(name.slice(1))));
    else if (random.chance(0.1)) table.remove(record);
    else turn(table, { name, state: random.pick(states) });
    if (random.chance(0.3)) table.nextToProbe();
  }
  const held = [...table.records()].filter(({ member }) => member.name !== "self");
  const active = held.filter(({ member }) => ["alive", "suspect"].includes(member.state));
  assertEquals(new Set(table.active()), new Set(active));
  assertEquals(table.activeCount, active.length);
  assertEquals(table.goneCount, held.length - active.length);
  assertEquals(new Set(round(table)).size > active.length / 2, true);
  for (const record of table.active()) assertEquals(table.active()[record.index], record);
});

Deno.test("a draw never holds anyone twice, nor self, nor whom it refuses", () => {
  for (const count of [0, 1, 3, 5, 9, 30, 500]) {
    const table = tableOf(count);
    for (let draw = 0; draw < 50; draw++) {
      const drawn = table.drawActive({ count: 3, accept: ({ member }) => member.name !== "m0" });
      const names = drawn.map(({ member }) => member.name);
      assertEquals(new Set(names).size, names.length);
      assert(!names.includes("self") && !names.includes("m0"));
      assertEquals(names.length, Math.max(0, Math.min(3, count - 1)), `of ${count}`);
    }
  }
});

Deno.test("every member is drawn about as often", () => {
  const table = tableOf(100);
  const counts = new Map<string, number>();
  for (let draw = 0; draw < 10_000; draw++) {
    for (const { member } of table.drawActive({ count: 3, accept: () => true })) {
      counts.set(member.name, (counts.get(member.name) ?? 0) + 1);
    }
  }
  for (const [name, count] of counts) assert(count > 200 && count < 400, `${name}: ${count}`);
});

Deno.test("the recently failed are drawn for gossip, those that left or are long gone are not", () => {
  const table = tableOf(4);
  table.update(table.get("m0")!, { ...member(0, "dead"), stateSinceMs: 900 });
  table.update(table.get("m1")!, { ...member(1, "dead"), stateSinceMs: 2_000 });
  table.update(table.get("m2")!, { ...member(2, "left"), stateSinceMs: 2_000 });
  const drawn = table.drawForGossip(10, 1_000).map(({ member }) => member.name);
  assertEquals(drawn.sort(), ["m1", "m3"]);
});

Deno.test("a member is found by the address that it has now", () => {
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

Deno.test("the longest gone come first, by how they went", () => {
  const table = tableOf(5);
  for (const number of [3, 1]) turn(table, { name: `m${number}`, state: "dead" });
  turn(table, { name: "m4", state: "left" });
  assertEquals(table.oldest("dead")?.member.name, "m3");
  assertEquals(table.oldest("left")?.member.name, "m4");
  assertEquals([table.failedCount, table.goneCount, table.activeCount], [2, 3, 2]);
  assert(["m1", "m3"].includes(table.drawFailed()!.member.name));
});
