/** Members that are reached over only one of UDP and TCP. */
import { assert, assertEquals } from "@std/assert";
import { Recorder } from "../../tests/support/world_recorder.ts";

/** Which transports reach peer 1; both reach all other peers. */
interface Transports {
  readonly udp: boolean;
  readonly tcp: boolean;
}

/** Lets time pass while the peers answer over the transports that work. */
function pass(me: Recorder, { ms, udp, tcp }: Transports & { ms: number }): void {
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

Deno.test("a member without UDP is degraded, not suspected, and recovers", () => {
  const me = Recorder.among(4);
  pass(me, { ms: 20_000, udp: false, tcp: true });
  assertEquals(me.expectEvent("member_degraded").member.degraded, "tcp");
  me.rejectEvent("member_suspected");
  assertEquals(degraded(me), "tcp");
  pass(me, { ms: 10_000, udp: true, tcp: true });
  assertEquals(me.expectEvent("member_degraded").member.degraded, undefined);
});

Deno.test("a member without TCP is detected by occasional pings over TCP", () => {
  const me = Recorder.among(4, { tcpCheckEvery: 10 });
  pass(me, { ms: 90_000, udp: true, tcp: false });
  assertEquals(me.expectEvent("member_degraded").member.degraded, "udp");
  pass(me, { ms: 20_000, udp: true, tcp: true });
  assertEquals(me.expectEvent("member_degraded").member.degraded, undefined);
});

Deno.test("failures and successes of the application's streams count", () => {
  const me = Recorder.among(4, { tcpCheckEvery: 1_000 });
  me.machine.streamFailed("peer-1");
  me.machine.streamFailed("nobody");
  pass(me, { ms: 10_000, udp: true, tcp: false });
  assertEquals(degraded(me), "udp");
  me.machine.streamWorked("peer-1");
  assertEquals(degraded(me), undefined);
});

Deno.test("one failure does not make a member degraded", () => {
  const me = Recorder.among(4, { tcpCheckEvery: 1_000 });
  me.machine.streamFailed("peer-1");
  pass(me, { ms: 10_000, udp: true, tcp: true });
  me.rejectEvent("member_degraded");
});

Deno.test("a member that neither transport reaches fails, and is not degraded", () => {
  const me = Recorder.among(4, { tcpCheckEvery: 3 });
  pass(me, { ms: 40_000, udp: false, tcp: false });
  me.rejectEvent("member_degraded");
  me.expectEvent("member_failed");
  assertEquals(me.machine.member("peer-1")?.degraded, undefined);
});

Deno.test("no push/pull goes to members without TCP", () => {
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

Deno.test("the third failure in a row makes a member degraded", () => {
  const me = Recorder.among(1);
  const { sequence } = me.nextPing();
  me.hear(1, { type: "ack", sequence, payload: new Uint8Array() });
  const states = Array.from({ length: 3 }, () => {
    me.machine.streamFailed("peer-1");
    return degraded(me);
  });
  assertEquals(states, [undefined, undefined, "udp"]);
});

Deno.test("the third probe in a row that only TCP answers makes a member degraded", () => {
  const me = Recorder.among(1);
  me.nextPing();
  const states = Array.from({ length: 3 }, () => {
    const { sequence } = me.sent("ping").at(-1)!.message;
    me.pass(600);
    const { exchange } = me.takeExchange("ping");
    me.machine.receiveReply(exchange, { type: "ack", sequence, payload: new Uint8Array() });
    me.pass(380);
    const beforeDeadline = degraded(me);
    me.pass(20);
    return [beforeDeadline, degraded(me)];
  });
  assertEquals(states, [[undefined, undefined], [undefined, undefined], [undefined, "tcp"]]);
});

Deno.test("members without UDP get no indirect pings", () => {
  const me = Recorder.among(4);
  pass(me, { ms: 20_000, udp: false, tcp: true });
  assertEquals(degraded(me), "tcp");
  let { number } = me.nextPing();
  while (number === 1) {
    pass(me, { ms: 1_000, udp: false, tcp: true });
    number = me.nextPing().number;
  }
  me.pass(600);
  const hosts = new Set(me.sent("indirectPing").map(({ to }) => to.host));
  assertEquals([hosts.size, hosts.has("10.0.0.1")], [2, false]);
});
