/** Suspicion timers and the final check. */
import { assert, assertEquals } from "@std/assert";
import { aliveOf, Recorder } from "../../tests/support/world_recorder.ts";

/** A machine whose own probes do not interfere. */
function quiet(peers: number): Recorder {
  return Recorder.among(peers, { probeIntervalMs: 1_000, probeTimeoutMs: 1_000, tcpPings: false });
}

function suspect(
  me: Recorder,
  suspicion: { readonly number: number; readonly from: string },
): void {
  const { number, from } = suspicion;
  me.hear(19, { type: "suspect", name: `peer-${number}`, incarnation: 1, from });
}

Deno.test("a suspicion confirmed by two other nodes lasts memberlist's minimum timeout", () => {
  const me = quiet(19);
  suspect(me, { number: 5, from: "peer-1" });
  assertEquals(me.expectEvent("member_suspected").by, "peer-1");
  suspect(me, { number: 5, from: "peer-2" });
  suspect(me, { number: 5, from: "peer-3" });
  // 20 members: 4 times log10(20) intervals.
  me.passAnswered(5_100, { silent: 5 });
  me.rejectEvent("member_failed");
  me.passAnswered(200, { silent: 5 });
  assertEquals(me.expectEvent("member_failed").by, "me");
  assertEquals(me.state(5), "dead");
});

Deno.test("an unconfirmed suspicion lasts six times as long", () => {
  const me = quiet(19);
  suspect(me, { number: 5, from: "me" });
  me.passAnswered(25_000, { silent: 5 });
  me.rejectEvent("member_failed");
  me.passAnswered(6_500, { silent: 5 });
  me.expectEvent("member_failed");
});

Deno.test("in the final check a suspect is pinged with the suspect message, and one ack extends the suspicion", () => {
  const me = quiet(19);
  suspect(me, { number: 5, from: "peer-1" });
  suspect(me, { number: 5, from: "peer-2" });
  suspect(me, { number: 5, from: "peer-3" });
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

Deno.test("a refutation ends the suspicion", () => {
  const me = quiet(19);
  suspect(me, { number: 5, from: "peer-1" });
  me.hear(5, aliveOf(5, { incarnation: 2 }));
  assertEquals(me.expectEvent("member_trusted").member.incarnation, 2);
  me.passAnswered(40_000);
  me.rejectEvent("member_failed");
});

Deno.test("with two members, a suspicion lasts the minimum timeout", () => {
  const me = quiet(1);
  suspect(me, { number: 1, from: "other" });
  me.passAnswered(3_950, { silent: 1 });
  me.rejectEvent("member_failed");
  me.passAnswered(100, { silent: 1 });
  me.expectEvent("member_failed");
});

Deno.test("a process that was stopped repeats the final check", () => {
  const me = quiet(19);
  suspect(me, { number: 5, from: "peer-1" });
  suspect(me, { number: 5, from: "peer-2" });
  suspect(me, { number: 5, from: "peer-3" });
  me.pass(4_000);
  me.stopFor(60_000);
  me.rejectEvent("member_failed");
  me.answerPings();
  me.passAnswered(3_000);
  me.rejectEvent("member_failed");
  assertEquals(me.state(5), "suspect");
});

Deno.test("timers of a suspicion that has ended are ignored", () => {
  const me = quiet(19);
  suspect(me, { number: 5, from: "peer-1" });
  me.passAnswered(40_000, { silent: 5 });
  me.expectEvent("member_failed");
  me.clear();
  for (const timer of me.fired.filter(({ type }) => type === "suspicion")) me.fire(timer);
  assertEquals(me.events, []);
  assertEquals(me.packets, []);
});

/** Passes time up to the millisecond in which the final check of peer 5 begins. */
function passToFinalCheck(me: Recorder): void {
  while (!me.fired.some(({ type }) => type === "suspicion")) {
    me.answerPings({ silent: 5 });
    me.pass(1);
  }
}

Deno.test("an ack in the same millisecond as the first ping of the final check counts", () => {
  const me = quiet(19);
  suspect(me, { number: 5, from: "peer-1" });
  passToFinalCheck(me);
  me.answerPings();
  me.passAnswered(1_500, { silent: 5 });
  me.rejectEvent("member_failed");
});

Deno.test("in the final check each of fifty members sends three pings", () => {
  const me = quiet(49);
  suspect(me, { number: 5, from: "peer-1" });
  passToFinalCheck(me);
  const sequence = me.sent("ping").at(-1)?.message.sequence;
  me.pass(999);
  const pings = me.sent("ping").filter(({ message }) => message.sequence === sequence);
  assertEquals(pings.map(({ to }) => to.host), Array(3).fill("10.0.0.5"));
});

Deno.test("in a large cluster few members ping a suspect over TCP as well", () => {
  const me = Recorder.among(100, { tcpPings: false });
  for (let number = 1; number <= 50; number++) suspect(me, { number, from: "peer-99" });
  me.clear();
  me.passAnswered(60_000);
  const pings = me.exchanges.filter(({ exchange }) => exchange.purpose === "ping");
  // Each with a probability of 6 in 101.
  assert(pings.length >= 1 && pings.length <= 12, `${pings.length} pings`);
});

Deno.test("a suspect that only TCP reaches is always pinged over TCP", () => {
  const me = Recorder.among(100);
  const payload = new Uint8Array();
  while (me.machine.member("peer-5")?.degraded !== "tcp") {
    me.passAnswered(50, { silent: 5 });
    for (const { exchange, request } of me.exchanges.splice(0)) {
      if (request.type !== "ping") continue;
      me.machine.receiveReply(exchange, { type: "ack", sequence: request.sequence, payload });
    }
  }
  suspect(me, { number: 5, from: "peer-1" });
  me.clear();
  me.passAnswered(60_000, { silent: 5 });
  // A probe leaves its ping over TCP half of the interval, the final check all of it.
  const pings = me.exchanges.filter(({ exchange, timeoutMs }) =>
    exchange.purpose === "ping" && exchange.to.host === "10.0.0.5" && timeoutMs === 1_000
  );
  assertEquals(pings.length, 1);
});
