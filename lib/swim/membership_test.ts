/** Joining, push/pull, leaving, and exchanges over streams. */
import { assert, assertEquals } from "@std/assert";
import {
  addressOf,
  aliveOf,
  nodeOf,
  pushPullOf,
  Recorder,
} from "../../tests/support/world_recorder.ts";
import { PACKET_MAX_BYTES } from "../limits.ts";
import type { PushPullNode } from "../wire/messages.ts";

function started(): Recorder {
  const me = new Recorder({});
  me.machine.start();
  return me;
}

Deno.test("a join sends this node's record and adds the members in the reply", () => {
  const me = started();
  me.machine.join([addressOf(1)]);
  const { exchange, request } = me.takeExchange("join");
  assertEquals(exchange.to, addressOf(1));
  assert(request.type === "pushPull" && request.join);
  assertEquals(request.nodes.map(({ name }) => name), ["me"]);
  me.machine.receiveReply(exchange, pushPullOf([nodeOf(1), nodeOf(2)]));
  const { address, members } = me.expectEvent("join_succeeded");
  assertEquals([address, members], [addressOf(1), 2]);
  assertEquals([...me.machine.members()].map(({ name }) => name), ["me", "peer-1", "peer-2"]);
});

Deno.test("a failed join is reported, and retried with back-off until it succeeds", () => {
  const me = started();
  me.machine.join([addressOf(1)]);
  const pauses: number[] = [];
  for (let attempt = 0; attempt < 8; attempt++) {
    me.machine.exchangeFailed(me.takeExchange("join").exchange, "refused");
    assertEquals(me.expectEvent("join_failed").reason, "refused");
    const startMs = me.nowMs;
    while (me.exchanges.length === 0) me.pass(50);
    pauses.push(me.nowMs - startMs);
  }
  assert(pauses[0]! <= 1_300 && pauses[7]! > 20_000 && pauses[7]! < 40_000, pauses.join());
  me.machine.receiveReply(me.takeExchange("join").exchange, pushPullOf([nodeOf(1)]));
  me.passAnswered(120_000);
  assertEquals(me.exchanges.filter(({ exchange }) => exchange.purpose === "join"), []);
});

Deno.test("of many addresses a few at random are contacted, never this node's own", () => {
  const me = started();
  me.machine.join(Array.from({ length: 200 }, (_, index) => addressOf(index + 1)));
  const first = me.exchanges.splice(0).map(({ exchange }) => exchange.to.host);
  assertEquals(new Set(first).size, 4);
  const few = started();
  few.machine.join([addressOf(1), addressOf(250), addressOf(2), addressOf(1)]);
  const hosts = few.exchanges.map(({ exchange }) => exchange.to);
  assertEquals(hosts, [addressOf(1), addressOf(2)]);
});

Deno.test("rejoin contacts former members, a few at a time, until one answers", () => {
  const me = started();
  const tried = new Set<string>();
  me.machine.rejoin(Array.from({ length: 100 }, (_, index) => addressOf(index + 1)));
  for (let attempt = 0; attempt < 3; attempt++) {
    while (me.exchanges.length === 0) me.pass(50);
    const now = me.exchanges.splice(0);
    assertEquals(now.length, 4);
    for (const { exchange } of now) {
      assertEquals(exchange.purpose, "join");
      tried.add(exchange.to.host);
      me.machine.exchangeFailed(exchange, "refused");
    }
  }
  assert(tried.size > 6, "others are contacted each time");
  while (me.exchanges.length === 0) me.pass(50);
  const [answering, ...silent] = me.exchanges.splice(0);
  assert(answering !== undefined);
  me.machine.receiveReply(answering.exchange, pushPullOf([nodeOf(1)]));
  for (const { exchange } of silent) me.machine.exchangeFailed(exchange, "refused");
  me.passAnswered(120_000);
  assertEquals(me.exchanges.filter(({ exchange }) => exchange.purpose === "join"), []);
});

Deno.test("a node that has lost all members rejoins through known addresses", () => {
  const me = started();
  me.machine.rejoin([addressOf(7)]);
  me.hear(1, aliveOf(1));
  me.passAnswered(60_000);
  me.clear();
  me.hear(1, { type: "dead", name: "peer-1", incarnation: 1, from: "peer-1" });
  me.pass(2_000);
  assertEquals(me.takeExchange("join").exchange.to, addressOf(7));
});

Deno.test("failed members are contacted again, so that a partition heals", () => {
  const me = Recorder.among(2);
  me.pass(10_000);
  for (const number of [1, 2]) {
    me.hear(9, { type: "dead", name: `peer-${number}`, incarnation: 1, from: "peer-9" });
  }
  me.clear();
  me.pass(40_000);
  const reconnects = me.exchanges.filter(({ exchange }) => exchange.purpose === "reconnect");
  assert(reconnects.length >= 2, `${reconnects.length} in 40 s`);
  const { exchange, request } = reconnects[0]!;
  assert(request.type === "pushPull");
  me.machine.receiveReply(exchange, pushPullOf([nodeOf(1, { incarnation: 2 })]));
  assertEquals(me.state(1), "alive");
});

Deno.test("a large cluster contacts its few failed members once in many intervals only", () => {
  const me = Recorder.among(49, { reconnectIntervalMs: 1_000 });
  me.pass(3_000);
  me.hear(9, { type: "dead", name: "peer-1", incarnation: 1, from: "peer-9" });
  me.clear();
  me.passAnswered(200_000, { silent: 1 });
  const count = me.exchanges.filter(({ exchange }) => exchange.purpose === "reconnect").length;
  // One failed member among 49: in each of 200 intervals with a probability of 1 in 49.
  assert(count >= 1 && count <= 12, `${count} attempts`);
});

Deno.test("a push/pull is answered with this node's state, and merged", () => {
  const me = Recorder.among(2);
  const reply = me.stream(3, pushPullOf([nodeOf(3)], true));
  assert(reply?.type === "pushPull" && reply.join);
  assertEquals(reply.nodes.map(({ name }) => name).sort(), ["me", "peer-1", "peer-2", "peer-3"]);
  assertEquals(me.state(3), "alive");
});

Deno.test("the reply to a join includes members that failed or left long ago if they are alive in the request", () => {
  const me = Recorder.among(3);
  me.pass(3_000);
  me.hear(1, { type: "dead", name: "peer-2", incarnation: 7, from: "peer-1" });
  me.hear(3, { type: "dead", name: "peer-3", incarnation: 7, from: "peer-3" });
  me.pass(3_600_000);
  const reply = me.stream(2, pushPullOf([nodeOf(2), nodeOf(3)], true));
  assert(reply?.type === "pushPull");
  const held = new Map(
    reply.nodes.map(({ name, state, incarnation }) => [name, [state, incarnation]]),
  );
  assertEquals(held.get("peer-2"), ["dead", 7]);
  assertEquals(held.get("peer-3"), ["left", 7]);
});

Deno.test("a push/pull does not include members that failed long ago", () => {
  const me = Recorder.among(3);
  me.pass(3_000);
  me.hear(1, { type: "dead", name: "peer-2", incarnation: 1, from: "peer-1" });
  const names = () => {
    const reply = me.stream(1, pushPullOf([nodeOf(1)]));
    assert(reply?.type === "pushPull");
    return reply.nodes.map(({ name }) => name);
  };
  assert(names().includes("peer-2"));
  me.pass(31_000);
  assert(!names().includes("peer-2"));
});

Deno.test("a live member that is dead in a push/pull gets a suspect message and is probed, not suspected", () => {
  const me = Recorder.among(30);
  me.stream(
    1,
    pushPullOf([nodeOf(1), nodeOf(5, { state: "dead" }), nodeOf(6, { state: "suspect" })]),
  );
  assertEquals(me.state(5), "alive");
  assertEquals(me.sent("suspect").map(({ to }) => to), [addressOf(5), addressOf(6)]);
  const probed = new Set<number>();
  for (let probe = 0; probe < 4; probe++) {
    const { number, sequence } = me.nextPing();
    probed.add(number);
    me.hear(number, { type: "ack", sequence, payload: new Uint8Array() });
  }
  assert(probed.has(5) && probed.has(6), [...probed].join());
});

Deno.test("the reply to a push/pull in which this node is dead refutes it", () => {
  const me = Recorder.among(1);
  const own: PushPullNode = { ...nodeOf(1), name: "me", address: addressOf(250), state: "dead" };
  const reply = me.stream(1, pushPullOf([nodeOf(1), own]));
  assert(reply?.type === "pushPull");
  assertEquals(reply.nodes.find(({ name }) => name === "me")?.incarnation, 2);
});

Deno.test("the reply to a Serf node has versions that it accepts", () => {
  const me = started();
  const reply = me.stream(1, pushPullOf([nodeOf(1, { versions: [1, 5, 2, 2, 5, 4] })], true));
  assert(reply?.type === "pushPull");
  assertEquals(reply.nodes[0]?.versions, [1, 5, 2, 0, 5, 4]);
  assertEquals(me.state(1), "alive");
});

Deno.test("a cluster with an incompatible version is not joined", () => {
  const me = started();
  me.machine.join([addressOf(1)]);
  const { exchange } = me.takeExchange("join");
  me.machine.receiveReply(exchange, pushPullOf([nodeOf(1, { versions: [6, 9, 7, 0, 0, 0] })]));
  assert(me.expectEvent("join_failed").reason.includes("protocol version 7"));
  assertEquals(me.expectEvent("dropped").reason, "bad_version");
  assertEquals(me.machine.size, 1);
});

Deno.test("an error reply fails the join; a reply without a request is dropped", () => {
  const me = started();
  me.machine.join([addressOf(1)]);
  const { exchange } = me.takeExchange("join");
  me.machine.receiveReply(exchange, { type: "error", message: "not you" });
  assert(me.expectEvent("join_failed").reason.includes("not you"));
  me.clear();
  me.machine.receiveReply(exchange, pushPullOf([nodeOf(1)]));
  assertEquals(me.expectEvent("dropped").reason, "unexpected");
  assertEquals(me.machine.size, 1);
});

Deno.test("a ping over a stream is answered unless it is for another node", () => {
  const me = Recorder.among(1);
  const ping = { type: "ping", sequence: 9, targetName: "me" } as const;
  assertEquals(me.stream(1, ping), { type: "ack", sequence: 9, payload: new Uint8Array() });
  assertEquals(me.stream(1, { ...ping, targetName: "other" }), undefined);
  assertEquals(me.expectEvent("dropped").reason, "not_for_us");
});

Deno.test("leave broadcasts the dead message, and then emits left", () => {
  const me = Recorder.among(5);
  me.machine.leave(5_000);
  assertEquals(me.machine.self().state, "left");
  me.rejectEvent("left");
  me.pass(2_000);
  me.expectEvent("left");
  const sent = me.sent("dead").filter(({ message }) => message.from === "me");
  assert(sent.length >= 4, `${sent.length} times`);
  me.hear(1, { type: "suspect", name: "me", incarnation: 1, from: "peer-1" });
  me.rejectEvent("refuted");
});

Deno.test("leave ends after its timeout, and at once without other members", () => {
  const alone = started();
  alone.machine.leave(5_000);
  alone.expectEvent("left");
  const me = Recorder.among(30, { gossipIntervalMs: 60_000 });
  me.machine.leave(700);
  me.pass(650);
  me.rejectEvent("left");
  me.pass(100);
  me.expectEvent("left");
  me.machine.leave(700);
  me.pass(1_000);
  me.rejectEvent("left");
});

Deno.test("updateMeta raises the incarnation", () => {
  const me = Recorder.among(3);
  me.machine.updateMeta(new Uint8Array([5]));
  me.expectEvent("member_updated");
  me.pass(400);
  const alive = me.sent("alive").find(({ message }) => message.name === "me")?.message;
  assertEquals([alive?.incarnation, alive?.meta], [2, new Uint8Array([5])]);
});

Deno.test("an invalid packet is dropped", () => {
  const me = Recorder.among(1);
  me.machine.receivePacket(addressOf(1), new Uint8Array([200, 1, 2]));
  assertEquals(me.expectEvent("dropped").reason, "unknown_type");
});

Deno.test("packets with piggybacked broadcasts are at most 1,400 bytes long, and a ping comes first", () => {
  const me = Recorder.among(200);
  for (let number = 1; number <= 200; number++) {
    me.hear(1, aliveOf(number, { incarnation: 2, meta: new Uint8Array(number) }));
  }
  for (let probe = 0; probe < 20; probe++) me.nextPing();
  for (let number = 1; number <= 20; number++) {
    assertEquals(me.machine.sendUserPacket(`peer-${number}`, new Uint8Array(900)), true);
  }
  me.pass(5_000);
  assert(me.packets.length > 20);
  for (const { bytes } of me.packets) assert(bytes.length <= PACKET_MAX_BYTES, `${bytes.length}`);
  for (const { messages } of me.packets) {
    const ping = messages.findIndex(({ type }) => type === "ping");
    assert(ping <= 0, "a ping comes first");
  }
});

Deno.test("a user message is sent to one member, and received as an event", () => {
  const me = Recorder.among(3);
  const payload = new Uint8Array([1, 2, 3]);
  assertEquals(me.machine.sendUserPacket("nobody", payload), false);
  assertEquals(me.packets, []);
  assertEquals(me.machine.sendUserPacket("peer-2", payload), true);
  const { to, message } = me.sent("user")[0]!;
  assertEquals([to, message.payload], [addressOf(2), payload]);
  me.hear(1, { type: "user", payload });
  assertEquals(me.expectEvent("user_message"), {
    type: "user_message",
    from: addressOf(1),
    payload,
  });
});

Deno.test("failed and left members are removed after their time, and the oldest above the maximum", () => {
  const me = Recorder.among(6, { leftKeptMs: 60_000, failedKeptMs: 120_000, deadOrLeftMax: 3 });
  me.pass(3_000);
  me.hear(9, { type: "dead", name: "peer-1", incarnation: 1, from: "peer-9" });
  for (const number of [2, 3, 4]) {
    me.hear(number, {
      type: "dead",
      name: `peer-${number}`,
      incarnation: 1,
      from: `peer-${number}`,
    });
  }
  assertEquals(me.expectEvent("member_forgotten").name, "peer-2");
  me.pass(70_000);
  assertEquals([me.state(3), me.state(4), me.state(1)], [undefined, undefined, "dead"]);
  me.pass(60_000);
  assertEquals(me.state(1), undefined);
});

Deno.test("a hundred thousand members that join and leave do not grow the table", () => {
  const me = Recorder.among(2, { deadOrLeftMax: 100 });
  for (let number = 0; number < 100_000; number++) {
    const name = `churn-${number}`;
    me.hear(
      1,
      { ...aliveOf(3), name, address: addressOf(3) },
      { type: "dead", name, incarnation: 1, from: name },
    );
    me.clear();
  }
  assertEquals([...me.machine.members()].length, 103);
  const reply = me.stream(1, pushPullOf([nodeOf(1)]));
  assert(reply?.type === "pushPull" && reply.nodes.length <= 103);
});

Deno.test("timers of every type are ignored after this node has left", () => {
  const me = Recorder.among(4);
  me.hear(1, { type: "suspect", name: "peer-2", incarnation: 1, from: "peer-1" });
  me.hear(1, {
    type: "indirectPing",
    sequence: 1,
    target: addressOf(3),
    targetName: "peer-3",
    wantsNack: true,
  });
  me.machine.join([addressOf(40)]);
  me.passAnswered(60_000);
  me.machine.leave(100);
  me.pass(200);
  const kinds = new Set(me.fired.map(({ type }) => type));
  assertEquals([...kinds].sort(), [
    "gossip",
    "indirect_ping_deadline",
    "leave",
    "probe",
    "probe_deadline",
    "probe_timeout",
    "push_pull",
    "reap",
    "reconnect",
    "rejoin",
    "suspicion",
  ]);
  me.clear();
  for (const timer of me.fired) me.machine.fire(timer);
  assertEquals([me.packets, me.exchanges, me.events], [[], [], []]);
});

Deno.test("stale timers are ignored", () => {
  const me = Recorder.among(4);
  for (let probe = 0; probe < 3; probe++) {
    const { number, sequence } = me.nextPing();
    me.hear(number, { type: "ack", sequence, payload: new Uint8Array() });
  }
  me.clear();
  const fired = me.fired.slice();
  for (const timer of fired) me.machine.fire(timer);
  assertEquals([me.packets, me.exchanges, me.events], [[], [], []]);
});
