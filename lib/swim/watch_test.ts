/** From suspicion to verdict. */
import { assert, assertEquals } from "@std/assert";
import { aliveOf, Recorder } from "../../tests/support/world_recorder.ts";

/** Peers that do not probe in return; our own probes are kept out of the way. */
function quiet(peers: number): Recorder {
  return Recorder.among(peers, { probeIntervalMs: 1_000, probeTimeoutMs: 1_000, tcpPings: false });
}

function accuse(
  me: Recorder,
  accusation: { readonly number: number; readonly from: string },
): void {
  const { number, from } = accusation;
  me.hear(19, { type: "suspect", name: `peer-${number}`, incarnation: 1, from });
}

Deno.test("confirmed by two others, a silent member fails after memberlist's shortest time", () => {
  const me = quiet(19);
  accuse(me, { number: 5, from: "peer-1" });
  assertEquals(me.expectEvent("member_suspected").by, "peer-1");
  accuse(me, { number: 5, from: "peer-2" });
  accuse(me, { number: 5, from: "peer-3" });
  // 20 members: 4 times log10(20) intervals.
  me.passAnswered(5_100, { silent: 5 });
  me.rejectEvent("member_failed");
  me.passAnswered(200, { silent: 5 });
  assertEquals(me.expectEvent("member_failed").by, "me");
  assertEquals(me.state(5), "dead");
});

Deno.test("without confirmation it has six times as long", () => {
  const me = quiet(19);
  accuse(me, { number: 5, from: "me" });
  me.passAnswered(25_000, { silent: 5 });
  me.rejectEvent("member_failed");
  me.passAnswered(6_500, { silent: 5 });
  me.expectEvent("member_failed");
});

Deno.test("in its last interval a suspect is pinged with the accusation, and one answer saves it", () => {
  const me = quiet(19);
  accuse(me, { number: 5, from: "peer-1" });
  accuse(me, { number: 5, from: "peer-2" });
  accuse(me, { number: 5, from: "peer-3" });
  me.passAnswered(4_150, { silent: 5 });
  me.pass(900);
  const pings = me.packets.filter(({ messages }) =>
    messages[0]?.type === "ping" && messages[0].targetName === "peer-5"
  );
  assert(pings.length >= 4, `${pings.length} pings`);
  for (const { messages } of pings) {
    assertEquals(messages[1], { type: "suspect", name: "peer-5", incarnation: 1, from: "me" });
  }
  me.answerPings();
  me.passAnswered(4_000, { silent: 5 });
  me.rejectEvent("member_failed");
  me.passAnswered(2_000, { silent: 5 });
  me.expectEvent("member_failed");
});

Deno.test("its refutation ends a suspicion", () => {
  const me = quiet(19);
  accuse(me, { number: 5, from: "peer-1" });
  me.hear(5, aliveOf(5, { incarnation: 2 }));
  assertEquals(me.expectEvent("member_trusted").member.incarnation, 2);
  me.passAnswered(40_000);
  me.rejectEvent("member_failed");
});

Deno.test("with nobody to confirm it, a suspicion of two lasts the shortest time", () => {
  const me = quiet(1);
  accuse(me, { number: 1, from: "other" });
  me.passAnswered(3_950, { silent: 1 });
  me.rejectEvent("member_failed");
  me.passAnswered(100, { silent: 1 });
  me.expectEvent("member_failed");
});

Deno.test("a stopped process looks again before it declares anyone failed", () => {
  const me = quiet(19);
  accuse(me, { number: 5, from: "peer-1" });
  accuse(me, { number: 5, from: "peer-2" });
  accuse(me, { number: 5, from: "peer-3" });
  me.pass(4_000);
  me.stopFor(60_000);
  me.rejectEvent("member_failed");
  me.answerPings();
  me.passAnswered(3_000);
  me.rejectEvent("member_failed");
  assertEquals(me.state(5), "suspect");
});

Deno.test("timers of a suspicion that is over do nothing, late or twice", () => {
  const me = quiet(19);
  accuse(me, { number: 5, from: "peer-1" });
  me.passAnswered(40_000, { silent: 5 });
  me.expectEvent("member_failed");
  me.clear();
  for (const timer of me.fired.filter(({ type }) => type === "suspicion")) me.fire(timer);
  assertEquals(me.events, []);
  assertEquals(me.packets, []);
});
