/** Interoperation with Serf. */
import { assert, assertEquals } from "@std/assert";
import { encode } from "@std/msgpack";
import { aliveOf, nodeOf, pushPullOf, Recorder } from "../../tests/support/world_recorder.ts";
import type { Versions } from "../wire/messages.ts";
import { inSerfCluster, lamportTimeOf, leaveIntent } from "./serf.ts";

const SERF: Versions = [1, 5, 2, 2, 5, 4];

function stateOf(value: Parameters<typeof encode>[0]): Uint8Array {
  return new Uint8Array([2, ...encode(value)]);
}

Deno.test("Serf's Lamport time is read from user state; it is 0 if missing or invalid", () => {
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

Deno.test("user state of Serf is read up to a megabyte", () => {
  const empty = stateOf({ LTime: 5, Events: "x".repeat(70_000) }).length - 70_000;
  const longest = stateOf({ LTime: 5, Events: "x".repeat(1024 * 1024 - empty) });
  assertEquals([longest.length, lamportTimeOf(longest)], [1024 * 1024, 5]);
  const longer = stateOf({ LTime: 5, Events: "x".repeat(1024 * 1024 - empty + 1) });
  assertEquals(lamportTimeOf(longer), 0);
});

Deno.test("a Serf cluster is recognized by the delegate version", () => {
  const current = [0, 1, 2, 4, 5];
  assertEquals(
    current.map((version) => inSerfCluster([1, 5, 2, 0, 5, version])),
    [false, false, true, true, true],
  );
});

Deno.test("in a Serf cluster leave broadcasts Serf's leave intent before the dead message", () => {
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

Deno.test("without other members there is no leave intent, even if Serf was there", () => {
  const me = Recorder.among(0);
  me.hear(1, aliveOf(1, { versions: SERF }));
  me.hear(1, { type: "dead", name: "peer-1", incarnation: 1, from: "peer-1" });
  assertEquals(me.machine.self().versions[5], 4);
  me.machine.leave(5_000);
  me.expectEvent("left");
});

Deno.test("Serf's leave intent takes half of the timeout at most", () => {
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
