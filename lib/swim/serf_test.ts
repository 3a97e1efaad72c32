/** A guest in a Serf cluster. */
import { assert, assertEquals } from "@std/assert";
import { encode } from "@std/msgpack";
import { aliveOf, nodeOf, pushPullOf, Recorder } from "../../tests/support/world_recorder.ts";
import type { Versions } from "../wire/messages.ts";
import { inSerfCluster, lamportTimeOf, leaveIntent } from "./serf.ts";

const SERF: Versions = [1, 5, 2, 2, 5, 4];

function stateOf(value: Parameters<typeof encode>[0]): Uint8Array {
  return new Uint8Array([2, ...encode(value)]);
}

Deno.test("Serf's Lamport time is read where it stands, and nothing else is believed", () => {
  const state = {
    EventLTime: 9,
    Events: [],
    LTime: 41,
    LeftMembers: ["a"],
    StatusLTimes: { a: 3 },
  };
  assertEquals(lamportTimeOf(stateOf(state)), 41);
  for (const bad of [{}, { LTime: -1 }, { LTime: "4" }, { LTime: 1.5 }, [1], "LTime", null]) {
    assertEquals(lamportTimeOf(stateOf(bad)), 0, JSON.stringify(bad));
  }
  for (const bytes of [[], [2], [2, 0xc1], [3, ...encode(state)], [2, 0xdf, 255, 255, 255, 255]]) {
    assertEquals(lamportTimeOf(new Uint8Array(bytes)), 0, `${bytes.slice(0, 6)}`);
  }
});

Deno.test("only delegate versions of Serf make a Serf cluster", () => {
  assertEquals([inSerfCluster(SERF), inSerfCluster([1, 5, 2, 0, 5, 0])], [true, false]);
});

Deno.test("in a Serf cluster leaving is announced in Serf's words before it is told in memberlist's", () => {
  const me = Recorder.among(0);
  me.machine.join([nodeOf(1).address]);
  const reply = {
    ...pushPullOf([nodeOf(1, { versions: SERF })]),
    userState: stateOf({ LTime: 7 }),
  };
  me.machine.receiveReply(me.takeExchange("join").exchange, reply);
  me.hear(1, aliveOf(2, { versions: SERF }));
  me.passAnswered(2_000);
  me.machine.leave(5_000);
  const intent = leaveIntent("me", 8);
  assertEquals(me.sent("user")[0]?.message.payload, intent);
  assertEquals(me.sent("dead"), []);
  assertEquals(me.machine.self().state, "alive");
  me.pass(3_000);
  const kinds = me.packets.flatMap(({ messages }) => messages.map(({ type }) => type));
  assert(kinds.lastIndexOf("user") < kinds.indexOf("dead"), kinds.join());
  me.expectEvent("left");
});

Deno.test("the announcement takes half of the time at most", () => {
  const me = Recorder.among(0, { gossipIntervalMs: 60_000 });
  for (let number = 1; number < 30; number++) me.hear(1, aliveOf(number, { versions: SERF }));
  me.clear();
  me.machine.leave(1_000);
  me.pass(490);
  assertEquals(me.sent("dead"), []);
  me.pass(20);
  assert(me.sent("dead").length > 0);
  me.rejectEvent("left");
  me.pass(500);
  me.expectEvent("left");
});
