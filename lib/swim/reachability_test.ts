/** Members that only one of UDP and TCP reaches. */
import { assert, assertEquals } from "@std/assert";
import { Recorder } from "../../tests/support/world_recorder.ts";

/** What of peer 1 works; all others work. */
interface Ways {
  readonly udp: boolean;
  readonly tcp: boolean;
}

/** Lets time pass in which the peers answer by the ways that work. */
function pass(me: Recorder, { ms, udp, tcp }: Ways & { ms: number }): void {
  for (let passedMs = 0; passedMs < ms; passedMs += 50) {
    me.pass(50);
    for (const { to, message } of me.sent("ping")) {
      const number = Number(to.host.split(".")[3]);
      if (number === 1 && !udp) continue;
      me.hear(number, { type: "ack", sequence: message.sequence, payload: new Uint8Array() });
    }
    me.packets.length = 0;
    for (const { exchange, request } of me.exchanges.splice(0)) {
      if (request.type !== "ping") continue;
      const works = tcp || exchange.to.host !== "10.0.0.1";
      const { sequence } = request;
      if (works) {
        me.machine.receiveReply(exchange, { type: "ack", sequence, payload: new Uint8Array() });
      } else me.machine.exchangeFailed(exchange, "timed out");
    }
  }
}

function degraded(me: Recorder): string | undefined {
  return me.machine.member("peer-1")?.degraded;
}

Deno.test("a member without UDP is noticed, kept, and taken back", () => {
  const me = Recorder.among(4);
  pass(me, { ms: 20_000, udp: false, tcp: true });
  assertEquals(me.expectEvent("member_degraded").member.degraded, "tcp");
  me.rejectEvent("member_suspected");
  assertEquals(degraded(me), "tcp");
  pass(me, { ms: 10_000, udp: true, tcp: true });
  assertEquals(me.expectEvent("member_degraded").member.degraded, undefined);
});

Deno.test("a member without TCP is noticed by a try now and then", () => {
  const me = Recorder.among(4, { tcpCheckEvery: 10 });
  pass(me, { ms: 90_000, udp: true, tcp: false });
  assertEquals(me.expectEvent("member_degraded").member.degraded, "udp");
  pass(me, { ms: 20_000, udp: true, tcp: true });
  assertEquals(me.expectEvent("member_degraded").member.degraded, undefined);
});

Deno.test("what the application's streams found counts", () => {
  const me = Recorder.among(4, { tcpCheckEvery: 1_000 });
  me.machine.streamFailed("peer-1");
  me.machine.streamFailed("nobody");
  pass(me, { ms: 10_000, udp: true, tcp: false });
  assertEquals(degraded(me), "udp");
  me.machine.streamWorked("peer-1");
  assertEquals(degraded(me), undefined);
});

Deno.test("one failure is forgiven", () => {
  const me = Recorder.among(4, { tcpCheckEvery: 1_000 });
  me.machine.streamFailed("peer-1");
  pass(me, { ms: 10_000, udp: true, tcp: true });
  me.rejectEvent("member_degraded");
});

Deno.test("who is reached by neither is suspected, not degraded", () => {
  const me = Recorder.among(4, { tcpCheckEvery: 3 });
  pass(me, { ms: 40_000, udp: false, tcp: false });
  me.rejectEvent("member_degraded");
  me.expectEvent("member_failed");
  assertEquals(me.machine.member("peer-1")?.degraded, undefined);
});

Deno.test("members without TCP are not asked for full states, those without UDP not for help", () => {
  const me = Recorder.among(4, { tcpCheckEvery: 2 });
  pass(me, { ms: 60_000, udp: true, tcp: false });
  assertEquals(degraded(me), "udp");
  me.exchanges.length = 0;
  for (let round = 0; round < 40; round++) {
    me.pass(1_000);
    const asked = me.exchanges.filter(({ exchange }) => exchange.purpose === "push_pull");
    assert(asked.every(({ exchange }) => exchange.to.host !== "10.0.0.1"));
  }
});
