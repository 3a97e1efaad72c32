import { assertEquals } from "@std/assert";
import { VirtualTime } from "../tests/support/virtual_time.ts";
import { Admission, Breather } from "./connection_limit.ts";
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
  room.speak(other);
  assertEquals([...room.speaking()], [other]);
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
  assertEquals([room.size, room.has(two)], [0, false]);
});

Deno.test("who has said something stays longer than who has not", () => {
  const room = new Admission({ most: 2 });
  const [one, two, three, four] = [1, 2, 3, 4].map(() => from("a"));
  room.enter(one!);
  room.enter(two!);
  room.speak(one!);
  assertEquals(room.enter(three!), { type: "in", inPlaceOf: two });
  room.speak(three!);
  assertEquals(room.enter(four!), { type: "in", inPlaceOf: one });
});

Deno.test("so many may prove themselves and no more, and who is out proves nothing", () => {
  const room = new Admission({ most: 3, mostProven: 1 });
  const [one, two, stranger] = [1, 2, 3].map(() => from("a"));
  room.enter(one!);
  room.enter(two!);
  assertEquals([room.prove(one!), room.prove(one!), room.prove(two!)], [true, true, false]);
  room.leave(one!);
  assertEquals([room.prove(two!), room.prove(stranger!)], [true, false]);
});

Deno.test("a breather ends after its time, or at once where there is nothing to wait for any more", async () => {
  const time = new VirtualTime();
  const breather = new Breather({ timers: time });
  let ended = 0;
  const wait = () => breather.wait(5).then(() => ended++);
  void wait();
  await time.pass(4);
  assertEquals(ended, 0);
  await time.pass(1);
  assertEquals(ended, 1);
  const waiting = wait();
  breather.close();
  await Promise.all([waiting, wait()]);
  assertEquals([ended, time.pending], [3, 0]);
});
