/** Which addresses are contacted, and when. */
import { assert, assertEquals } from "@std/assert";
import {
  addressOf,
  aliveOf,
  nodeOf,
  pushPullOf,
  Recorder,
} from "../../tests/support/world_recorder.ts";

function started(): Recorder {
  const me = new Recorder({});
  me.machine.start();
  return me;
}

function joins(me: Recorder): number {
  return me.exchanges.filter(({ exchange }) => exchange.purpose === "join").length;
}

Deno.test("eight addresses are all contacted, nine are not", () => {
  for (const [count, contacted] of [[8, 8], [9, 4]] as const) {
    const me = started();
    me.machine.join(Array.from({ length: count }, (_, index) => addressOf(index + 1)));
    assertEquals(joins(me), contacted);
  }
});

Deno.test("an address that is a member's by now is not contacted again", () => {
  const me = started();
  me.machine.join([addressOf(1)]);
  me.machine.exchangeFailed(me.takeExchange("join").exchange, "refused");
  me.hear(1, aliveOf(1));
  me.passAnswered(30_000);
  assertEquals(joins(me), 0);
});

Deno.test("the address of a member that left is contacted again, as clusters may have split", () => {
  const me = Recorder.among(1, { reconnectIntervalMs: 1_000 });
  me.machine.rejoin([addressOf(7)]);
  me.machine.receiveReply(me.takeExchange("join").exchange, pushPullOf([nodeOf(7)]));
  me.hear(7, { type: "dead", name: "peer-7", incarnation: 1, from: "peer-7" });
  me.clear();
  me.passAnswered(20_000);
  const { exchange } = me.takeExchange("reconnect");
  assertEquals(exchange.to, addressOf(7));
});

Deno.test("a stale timer of a join does nothing", () => {
  const me = started();
  me.machine.join([addressOf(1)]);
  me.pass(5_000);
  const timers = me.fired.filter(({ type }) => type === "rejoin");
  assert(timers.length > 1);
  me.clear();
  for (const timer of timers) me.machine.fire(timer);
  assertEquals(me.exchanges, []);
});

Deno.test("a node that leaves does not join again", () => {
  const me = Recorder.among(30, { gossipIntervalMs: 60_000 });
  me.machine.join([addressOf(40)]);
  me.clear();
  me.machine.leave(20_000);
  me.passAnswered(10_000);
  me.rejectEvent("left");
  assertEquals(joins(me), 0);
});

Deno.test("no timer is set if there is nothing to join", () => {
  const me = started();
  me.machine.join([]);
  me.machine.join([addressOf(250)]);
  me.pass(60_000);
  assertEquals(me.fired.filter(({ type }) => type === "rejoin"), []);
  me.machine.join([addressOf(1)]);
  me.machine.receiveReply(me.takeExchange("join").exchange, pushPullOf([nodeOf(1)]));
  me.passAnswered(60_000);
  assertEquals(me.fired.filter(({ type }) => type === "rejoin").length, 1);
});
