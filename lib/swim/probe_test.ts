/** One node's probe cycle. */
import { assert, assertEquals } from "@std/assert";
import { addressOf, Recorder } from "../../tests/support/world_recorder.ts";
import type { PacketMessage } from "../wire/messages.ts";

function ack(sequence: number): PacketMessage {
  return { type: "ack", sequence, payload: new Uint8Array() };
}

Deno.test("a probe is one ping that names its target and where to answer", () => {
  const me = Recorder.among(3);
  const { to, number } = me.nextPing();
  const message = me.sent("ping")[0]?.message;
  assertEquals(to, addressOf(number));
  assertEquals(message?.targetName, `peer-${number}`);
  assertEquals(message?.source, { name: "me", address: addressOf(250) });
});

Deno.test("members that answer are left in peace: one ping an interval, all in turn", () => {
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

Deno.test("without an ack three others and TCP are asked for help, then the member is suspected", () => {
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

Deno.test("a machine that wakes up after the deadline asks nobody for an answer in the past", () => {
  const me = Recorder.among(6);
  me.nextPing();
  me.stopFor(3_000);
  assert(me.takeExchange("ping").timeoutMs >= 0);
});

Deno.test("an ack through a helper is as good as a direct one", () => {
  const me = Recorder.among(6);
  const { number, sequence } = me.nextPing();
  me.pass(600);
  me.hear(number % 6 + 1, ack(sequence));
  me.pass(400);
  me.rejectEvent("member_suspected");
});

Deno.test("an ack over TCP spares the member, and awareness falls", () => {
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

Deno.test("nacks from all helpers leave our health, missing ones wear it", () => {
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

Deno.test("bad health stretches the time for help", () => {
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

Deno.test("who is suspected hears it in the ping (buddy system)", () => {
  const me = Recorder.among(1);
  me.hear(1, { type: "suspect", name: "peer-1", incarnation: 1, from: "other" });
  me.nextPing();
  const [ping, suspect] = me.takePacket("ping").messages;
  assertEquals(ping?.type, "ping");
  assertEquals(suspect, { type: "suspect", name: "peer-1", incarnation: 1, from: "me" });
});

Deno.test("a process that was stopped judges nobody by what it did not hear", () => {
  const me = Recorder.among(5);
  for (let stop = 0; stop < 20; stop++) {
    me.nextPing();
    me.stopFor(30_000);
    me.rejectEvent("member_suspected");
  }
  assert(me.machine.healthScore > 0, "it knows that it is not well");
});

Deno.test("nacks and acks that nobody asked for are counted as dropped", () => {
  const me = Recorder.among(2);
  me.hear(1, ack(12_345));
  me.hear(1, { type: "nack", sequence: 12_345 });
  assertEquals(me.events.map((event) => event.type === "dropped" && event.reason), [
    "unexpected",
    "unexpected",
  ]);
});

Deno.test("for others we ping in their stead: ack when it answers, nack when not", () => {
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

Deno.test("a nack that was not asked for is not sent, and errands are bounded", () => {
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
