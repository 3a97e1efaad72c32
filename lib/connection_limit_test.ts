import { assertEquals } from "@std/assert";
import { VirtualTime } from "../tests/support/virtual_time.ts";
import { ConnectionLimit, EvictionPause } from "./connection_limit.ts";
import type { ByteStream } from "./runtime.ts";

const ACCEPTED = { type: "accepted", evicted: undefined } as const;

function from(host: string): ByteStream {
  return {
    remote: { host, port: 1 },
    read: () => Promise.resolve(undefined),
    write: () => Promise.resolve(),
    close() {},
  };
}

Deno.test("at the limit a new connection evicts the oldest one that is not authenticated", () => {
  const limit = new ConnectionLimit({ max: 3 });
  const [one, two, three, four, five] = [1, 2, 3, 4, 5].map(() => from("a"));
  for (const stream of [one!, two!, three!]) assertEquals(limit.accept(stream), ACCEPTED);
  limit.authenticate(one!);
  assertEquals(limit.accept(four!), { type: "accepted", evicted: two });
  assertEquals(limit.accept(five!), { type: "accepted", evicted: three });
  assertEquals(limit.size, 3);
});

Deno.test("if all connections are authenticated, a new one is refused until one is removed", () => {
  const limit = new ConnectionLimit({ max: 2 });
  const streams = [from("a"), from("b")];
  for (const stream of streams) {
    limit.accept(stream);
    limit.authenticate(stream);
  }
  assertEquals(limit.accept(from("c")), { type: "refused" });
  limit.remove(streams[0]!);
  assertEquals(limit.accept(from("c")), ACCEPTED);
});

Deno.test("at the limit of its host a new connection evicts only one of the same host", () => {
  const limit = new ConnectionLimit({ max: 4, maxPerHost: 2 });
  const other = from("b");
  limit.accept(other);
  const greedy = [1, 2, 3].map(() => from("a"));
  limit.accept(greedy[0]!);
  limit.accept(greedy[1]!);
  assertEquals(limit.accept(greedy[2]!), { type: "accepted", evicted: greedy[0] });
  assertEquals(limit.size, 3);
  limit.authenticate(greedy[1]!);
  limit.authenticate(greedy[2]!);
  assertEquals(limit.accept(from("a")), { type: "refused" });
  limit.markActive(other);
  assertEquals([...limit.active()], [other]);
});

Deno.test("removing a connection that was evicted or never accepted changes nothing", () => {
  const limit = new ConnectionLimit({ max: 1 });
  const [one, two] = [from("a"), from("a")];
  limit.accept(one);
  limit.remove(two);
  limit.accept(two);
  limit.remove(one);
  assertEquals([...limit.connections()], [two]);
  limit.remove(two);
  assertEquals([limit.size, limit.has(two)], [0, false]);
});

Deno.test("an idle connection is evicted before an older active one", () => {
  const limit = new ConnectionLimit({ max: 2 });
  const [one, two, three, four] = [1, 2, 3, 4].map(() => from("a"));
  limit.accept(one!);
  limit.accept(two!);
  limit.markActive(one!);
  assertEquals(limit.accept(three!), { type: "accepted", evicted: two });
  limit.markActive(three!);
  assertEquals(limit.accept(four!), { type: "accepted", evicted: one });
});

Deno.test("authentication fails at its limit, and for a connection that is not open", () => {
  const limit = new ConnectionLimit({ max: 3, maxAuthenticated: 1 });
  const [one, two, unknown] = [1, 2, 3].map(() => from("a"));
  limit.accept(one!);
  limit.accept(two!);
  assertEquals([limit.authenticate(one!), limit.authenticate(one!), limit.authenticate(two!)], [
    true,
    true,
    false,
  ]);
  limit.remove(one!);
  assertEquals([limit.authenticate(two!), limit.authenticate(unknown!)], [true, false]);
});

Deno.test("a pause ends after its time, or at once when it is closed", async () => {
  const time = new VirtualTime();
  const pause = new EvictionPause({ timers: time });
  let ended = 0;
  const wait = () => pause.wait(5).then(() => ended++);
  void wait();
  await time.pass(4);
  assertEquals(ended, 0);
  await time.pass(1);
  assertEquals(ended, 1);
  const waiting = wait();
  pause.close();
  await Promise.all([waiting, wait()]);
  assertEquals([ended, time.pending], [3, 0]);
});
