/** The probe cycle and indirect pings. */
import { assert, assertEquals } from "@std/assert";
import { addressOf, aliveOf, Recorder } from "../../tests/support/world_recorder.ts";
import type { PacketMessage } from "../wire/messages.ts";

function ack(sequence: number): PacketMessage {
  return { type: "ack", sequence, payload: new Uint8Array() };
}

Deno.test("a probe is one ping that names its target and its source", () => {
  const me = Recorder.among(3);
  const { to, number } = me.nextPing();
  const message = me.sent("ping")[0]?.message;
  assertEquals(to, addressOf(number));
  assertEquals(message?.targetName, `peer-${number}`);
  assertEquals(message?.source, { name: "me", address: addressOf(250) });
});

Deno.test("members that ack get one ping each per round, and no indirect pings", () => {
  const me = Recorder.among(4);
  const turns: number[] = [];
  for (let probe = 0; probe < 8; probe++) {
    const { number, sequence } = me.nextPing();
    turns.push(number);
    me.hear(number, ack(sequence));
  }
  assertEquals(new Set(turns.slice(0, 4)).size, 4);
  assertEquals(new Set(turns.slice(4)).size, 4);
  me.pass(900);
  assertEquals(me.sent("indirectPing"), []);
  me.rejectEvent("member_suspected");
});

Deno.test("without an ack there are three indirect pings and a ping over TCP, then the member is suspected", () => {
  const me = Recorder.among(6);
  const { number } = me.nextPing();
  me.packets.length = 0;
  me.pass(500);
  const requests = me.sent("indirectPing");
  assertEquals(new Set(requests.map(({ to }) => to.host)).size, 3);
  for (const { to, message } of requests) {
    assert(to.host !== addressOf(number).host);
    assertEquals(message.targetName, `peer-${number}`);
    assertEquals([message.target, message.wantsNack], [addressOf(number), true]);
  }
  const { exchange, request, timeoutMs } = me.takeExchange("ping");
  assertEquals(exchange.to, addressOf(number));
  assert(request.type === "ping" && timeoutMs <= 500);
  assert(me.sent("ping").length >= 1, "a second chance for the direct ping");
  me.rejectEvent("member_suspected");
  me.pass(500);
  assertEquals(me.expectEvent("member_suspected").by, "me");
});

Deno.test("a probe timeout that fires after the deadline does not ping with a negative timeout", () => {
  const me = Recorder.among(6);
  me.nextPing();
  me.stopFor(3_000);
  assert(me.takeExchange("ping").timeoutMs >= 0);
});

Deno.test("an indirect ack ends the probe like a direct one", () => {
  const me = Recorder.among(6);
  const { number, sequence } = me.nextPing();
  me.pass(600);
  me.hear(number % 6 + 1, ack(sequence));
  me.pass(400);
  me.rejectEvent("member_suspected");
});

Deno.test("an ack over TCP keeps the member alive, and local health good", () => {
  const me = Recorder.among(6);
  const { sequence } = me.nextPing();
  me.pass(500);
  const { exchange } = me.takeExchange("ping");
  const message = { type: "ack", sequence, payload: new Uint8Array() } as const;
  me.machine.receiveReply(exchange, message);
  me.pass(500);
  me.rejectEvent("member_suspected");
  assertEquals(me.machine.healthScore, 0);
});

Deno.test("nacks for all indirect pings keep local health, missing ones worsen it", () => {
  for (const [nacks, score] of [[3, 0], [1, 2], [0, 3]] as const) {
    const me = Recorder.among(6);
    const { sequence } = me.nextPing();
    me.pass(500);
    const helpers = me.sent("indirectPing").map(({ to }) => Number(to.host.split(".")[3]));
    for (const helper of helpers.slice(0, nacks)) me.hear(helper, { type: "nack", sequence });
    me.pass(500);
    me.expectEvent("member_suspected");
    assertEquals(me.machine.healthScore, score, `${nacks} nacks`);
  }
});

Deno.test("a failed probe without helpers worsens local health by one", () => {
  const me = Recorder.among(1);
  me.nextPing();
  me.pass(1_000);
  me.expectEvent("member_suspected");
  assertEquals(me.machine.healthScore, 1);
});

Deno.test("repeated nacks do not improve local health", () => {
  const me = Recorder.among(6);
  me.nextPing();
  me.pass(1_000);
  assertEquals(me.machine.healthScore, 3);
  const { sequence } = me.nextPing();
  me.pass(600);
  for (let time = 0; time < 6; time++) me.hear(1, { type: "nack", sequence });
  // The probe began 1,100 ms ago, and has four intervals.
  me.pass(3_000);
  assertEquals(me.machine.healthScore, 3);
});

Deno.test("helpers get asked for a nack, and members for a ping over TCP, if their version has it", () => {
  for (const max of [1, 2, 3, 4, 5]) {
    const me = Recorder.among(0);
    const versions = [1, max, 1, 0, 0, 0] as const;
    for (let number = 1; number <= 4; number++) me.hear(number, aliveOf(number, { versions }));
    me.nextPing();
    me.pass(500);
    const nacks = me.sent("indirectPing").map(({ message }) => message.wantsNack);
    assertEquals(nacks, Array(3).fill(max >= 4), `version ${max}`);
    const pings = me.exchanges.filter(({ exchange }) => exchange.purpose === "ping");
    assertEquals(pings.length, max >= 3 ? 1 : 0, `version ${max}`);
  }
});

Deno.test("without tcpPings there are no pings over TCP", () => {
  const me = Recorder.among(4, { tcpPings: false, tcpCheckEvery: 1 });
  me.nextPing();
  me.pass(1_000);
  me.expectEvent("member_suspected");
  assertEquals(me.exchanges.filter(({ exchange }) => exchange.purpose === "ping"), []);
});

Deno.test("the direct ping is repeated after the timeout, and then after half of it", () => {
  const me = Recorder.among(3);
  const { to } = me.nextPing();
  me.pass(980);
  const pings = me.sent("ping").filter((ping) => ping.to.host === to.host);
  assertEquals(pings.length, 3);
});

Deno.test("acks to the last 16 probes are accepted, however late", () => {
  const me = Recorder.among(30);
  const probes = Array.from({ length: 17 }, (_, index) => {
    const { number, sequence } = me.nextPing();
    me.hear(number, ack(sequence));
    if (index === 15) assertEquals(me.events, []);
    return sequence;
  });
  me.hear(1, ack(probes[1]!));
  assertEquals(me.events, []);
  me.hear(1, ack(probes[0]!));
  assertEquals(me.expectEvent("dropped").reason, "unexpected");
});

Deno.test("bad local health stretches the probe interval", () => {
  const me = Recorder.among(6);
  me.nextPing();
  me.pass(1_000);
  me.expectEvent("member_suspected");
  assertEquals(me.machine.healthScore, 3);
  me.pass(3_900);
  me.rejectEvent("member_suspected");
  me.pass(200);
  me.expectEvent("member_suspected");
});

Deno.test("a ping to a suspect carries the suspect message (buddy system)", () => {
  const me = Recorder.among(1);
  me.hear(1, { type: "suspect", name: "peer-1", incarnation: 1, from: "other" });
  me.nextPing();
  const [ping, suspect] = me.takePacket("ping").messages;
  assertEquals(ping?.type, "ping");
  assertEquals(suspect, { type: "suspect", name: "peer-1", incarnation: 1, from: "me" });
});

Deno.test("a process that was stopped suspects no member because of missing acks", () => {
  const me = Recorder.among(5);
  for (let stop = 0; stop < 20; stop++) {
    me.nextPing();
    me.stopFor(30_000);
    me.rejectEvent("member_suspected");
  }
  assert(me.machine.healthScore > 0, "local health is bad");
});

Deno.test("a process that was stopped abandons a probe even if its deadline is hardly over", () => {
  const me = Recorder.among(6);
  me.nextPing();
  me.pass(1_000);
  me.expectEvent("member_suspected");
  assertEquals(me.machine.healthScore, 3, "the next probe, just begun, has four intervals");
  me.stopFor(4_300);
  me.rejectEvent("member_suspected");
});

Deno.test("nacks and acks without a ping are dropped", () => {
  const me = Recorder.among(2);
  me.hear(1, ack(12_345));
  me.hear(1, { type: "nack", sequence: 12_345 });
  assertEquals(me.events.map((event) => event.type === "dropped" && event.reason), [
    "unexpected",
    "unexpected",
  ]);
});

Deno.test("an indirect ping is answered with an ack if the target acks, else with a nack", () => {
  for (const answers of [true, false]) {
    const me = Recorder.among(0);
    me.hear(1, {
      type: "indirectPing",
      sequence: 77,
      target: addressOf(2),
      targetName: "peer-2",
      wantsNack: true,
      source: { name: "peer-1", address: addressOf(1) },
    });
    const [ping] = me.sent("ping");
    assertEquals([ping?.to, ping?.message.targetName], [addressOf(2), "peer-2"]);
    me.packets.length = 0;
    if (answers) me.hear(2, ack(ping!.message.sequence));
    me.pass(500);
    const [packet] = me.packets;
    assertEquals(packet?.to, addressOf(1));
    assertEquals(packet?.messages[0]?.type, answers ? "ack" : "nack");
    assertEquals(me.packets.length, 1);
  }
});

Deno.test("no nack is sent unless requested, and pending indirect pings are bounded", () => {
  const me = Recorder.among(0);
  for (let sequence = 0; sequence < 1_100; sequence++) {
    me.hear(1, {
      type: "indirectPing",
      sequence,
      target: addressOf(2),
      targetName: "peer-2",
      wantsNack: false,
    });
  }
  assertEquals(me.sent("ping").length, 1_024);
  assertEquals(me.expectEvent("dropped").reason, "too_many");
  me.packets.length = 0;
  me.pass(500);
  assertEquals(me.packets, []);
});
