import { assertEquals } from "@std/assert";
import { Admission } from "./admission.ts";
import type { ByteStream } from "./runtime.ts";

const ROOM = { type: "in", inPlaceOf: undefined } as const;

function from(host: string): ByteStream {
  return {
    remote: { host, port: 1 },
    read: () => Promise.resolve(undefined),
    write: () => Promise.resolve(),
    close() {},
  };
}

Deno.test("a full room lets a newcomer in for the oldest that has not proven itself", () => {
  const room = new Admission({ most: 3 });
  const [one, two, three, four, five] = [1, 2, 3, 4, 5].map(() => from("a"));
  for (const stream of [one!, two!, three!]) assertEquals(room.enter(stream), ROOM);
  room.prove(one!);
  assertEquals(room.enter(four!), { type: "in", inPlaceOf: two });
  assertEquals(room.enter(five!), { type: "in", inPlaceOf: three });
  assertEquals(room.size, 3);
});

Deno.test("where all inside have proven themselves a newcomer stays out until one leaves", () => {
  const room = new Admission({ most: 2 });
  const inside = [from("a"), from("b")];
  for (const stream of inside) {
    room.enter(stream);
    room.prove(stream);
  }
  assertEquals(room.enter(from("c")), { type: "out" });
  room.leave(inside[0]!);
  assertEquals(room.enter(from("c")), ROOM);
});

Deno.test("a host that takes all it may have takes nobody else's place", () => {
  const room = new Admission({ most: 4, mostPerHost: 2 });
  const other = from("b");
  room.enter(other);
  const greedy = [1, 2, 3].map(() => from("a"));
  room.enter(greedy[0]!);
  room.enter(greedy[1]!);
  assertEquals(room.enter(greedy[2]!), { type: "in", inPlaceOf: greedy[0] });
  assertEquals(room.size, 3);
  room.prove(greedy[1]!);
  room.prove(greedy[2]!);
  assertEquals(room.enter(from("a")), { type: "out" });
  assertEquals([...room.unproven()], [other]);
});

Deno.test("who has left, or was never in, changes nothing by leaving", () => {
  const room = new Admission({ most: 1 });
  const [one, two] = [from("a"), from("a")];
  room.enter(one);
  room.leave(two);
  room.enter(two);
  room.leave(one);
  assertEquals([...room.inside()], [two]);
  room.leave(two);
  assertEquals([room.size, [...room.unproven()].length], [0, 0]);
});
