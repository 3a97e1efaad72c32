/** What a new node asks for and spreads, and when another push/pull is due. */
import { assert, assertEquals } from "@std/assert";
import {
  addressOf,
  aliveOf,
  nodeOf,
  pushPullOf,
  Recorder,
} from "../../tests/support/world_recorder.ts";

const TEN = Array.from({ length: 10 }, (_, index) => nodeOf(index + 1));

/** A node that has just joined ten others. */
function joined(): Recorder {
  const me = new Recorder({});
  me.machine.start();
  me.machine.join([addressOf(1)]);
  me.machine.receiveReply(me.takeExchange("join").exchange, pushPullOf(TEN));
  me.clear();
  return me;
}

function pushPulls(me: Recorder): number {
  return me.exchanges.filter(({ exchange }) => exchange.purpose === "push_pull").length;
}

Deno.test("a new node opens another push/pull soon, with itself as the only member", () => {
  const me = joined();
  me.passAnswered(1_500);
  const { request } = me.takeExchange("push_pull");
  assert(request.type === "pushPull");
  assertEquals(request.nodes.map(({ name }) => name), ["me"]);
});

Deno.test("packets that arrive do not postpone that push/pull", () => {
  const me = joined();
  for (let passedMs = 0; passedMs < 1_500; passedMs += 100) {
    me.hear(1, aliveOf(1));
    me.pass(100);
  }
  assertEquals(pushPulls(me), 1);
});

Deno.test("a push/pull without new members is not followed by another one soon", () => {
  const me = joined();
  me.passAnswered(1_500);
  me.machine.receiveReply(me.takeExchange("push_pull").exchange, pushPullOf(TEN));
  me.passAnswered(10_000);
  assertEquals(pushPulls(me), 0);
});

Deno.test("after five probe intervals a node sends its full state", () => {
  const me = joined();
  me.passAnswered(120_000);
  const requests = me.exchanges.flatMap(({ request }) =>
    request.type === "pushPull" ? [request.nodes.length] : []
  );
  assertEquals([requests[0], requests.at(-1)], [1, 11]);
});

Deno.test("a new node does not rebroadcast the members that it learns, other nodes do", () => {
  const names = (me: Recorder) => {
    me.pass(1_000);
    return new Set(me.sent("alive").map(({ message }) => message.name));
  };
  assertEquals(names(joined()), new Set(["me"]));
  const other = Recorder.among(2, { pushPullIntervalMs: 1_000 });
  other.passAnswered(2_000);
  const { exchange } = other.takeExchange("push_pull");
  other.machine.receiveReply(exchange, pushPullOf([nodeOf(1), nodeOf(2), nodeOf(3)]));
  assert(names(other).has("peer-3"));
});

Deno.test("one push/pull rebroadcasts at most 32 suspect messages", () => {
  const me = Recorder.among(60);
  me.pass(3_000);
  for (let number = 1; number <= 40; number++) {
    me.hear(60, { type: "dead", name: `peer-${number}`, incarnation: 1, from: "peer-60" });
  }
  me.pass(20_000);
  me.clear();
  me.stream(60, pushPullOf(Array.from({ length: 40 }, (_, index) => nodeOf(index + 1))));
  assertEquals(me.sent("suspect").length, 40, "each gets the message about itself");
  me.packets.length = 0;
  me.pass(1_000);
  const names = me.sent("suspect").map(({ message }) => message.name);
  const failed = Array.from({ length: 40 }, (_, index) => `peer-${index + 1}`);
  assertEquals(failed.filter((name) => names.includes(name)).length, 32);
});
