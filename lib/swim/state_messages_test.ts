/** Alive, suspect and dead messages about other members and about this node. */
import { assert, assertEquals } from "@std/assert";
import {
  addressOf,
  aliveOf,
  BARE,
  nodeOf,
  pushPullOf,
  Recorder,
} from "../../tests/support/world_recorder.ts";
import { encodeMessage } from "../wire/codec.ts";
import type { Dead, Suspect } from "../wire/messages.ts";

const SUSPECT_ME: Suspect = { type: "suspect", name: "me", incarnation: 1, from: "peer-1" };

function dead(number: number, options: Partial<Dead> = {}): Dead {
  return { type: "dead", name: `peer-${number}`, incarnation: 1, from: "peer-9", ...options };
}

/** Makes a peer fail by a dead message, long enough after its last packet. */
function failed(me: Recorder, number: number): void {
  me.pass(3_000);
  me.hear(19, dead(number));
  me.expectEvent("member_failed");
  me.clear();
}

Deno.test("a new member emits member_joined, and its alive message is rebroadcast", () => {
  const me = Recorder.among(2);
  me.hear(1, aliveOf(3, { meta: new Uint8Array([1]) }));
  const { member } = me.expectEvent("member_joined");
  assertEquals([member.name, member.state, member.incarnation], ["peer-3", "alive", 1]);
  me.pass(400);
  assert(me.sent("alive").some(({ message }) => message.name === "peer-3"));
});

Deno.test("metadata is copied from its packet", () => {
  const me = Recorder.among(1);
  const packet = me.envelope.sealPacket([
    encodeMessage(aliveOf(2, { meta: new Uint8Array([1, 2, 3]) })),
  ]);
  me.machine.receivePacket(addressOf(1), packet);
  packet.fill(0);
  const meta = me.machine.member("peer-2")?.meta;
  assertEquals(meta, new Uint8Array([1, 2, 3]));
  assertEquals(meta?.buffer.byteLength, 3);
});

Deno.test("an alive message with the same or a lower incarnation changes nothing", () => {
  const me = Recorder.among(2);
  me.hear(1, aliveOf(2, { meta: new Uint8Array([1]) }), aliveOf(2, { incarnation: 0 }));
  assertEquals(me.events, []);
});

Deno.test("an alive message with a higher incarnation is rebroadcast", () => {
  const me = Recorder.among(2);
  me.hear(1, aliveOf(2, { incarnation: 2 }));
  me.pass(400);
  const incarnations = me.sent("alive").filter(({ message }) => message.name === "peer-2")
    .map(({ message }) => message.incarnation);
  assertEquals(new Set(incarnations), new Set([2]));
});

Deno.test("receiving an alive message that is queued saves transmissions, an older one does not", () => {
  const transmissions = (incarnation: number) => {
    const me = Recorder.among(3);
    me.passAnswered(10_000);
    me.hear(1, aliveOf(4, { incarnation: 2 }));
    for (let time = 0; time < 10; time++) me.hear(1, aliveOf(4, { incarnation }));
    me.pass(10_000);
    return me.sent("alive").filter(({ message }) => message.name === "peer-4").length;
  };
  // Five members: 4 times ceil(log10(6)).
  assertEquals([transmissions(1), transmissions(2)], [4, 2]);
});

Deno.test("an alive message with a higher incarnation updates metadata", () => {
  const me = Recorder.among(2);
  me.hear(1, aliveOf(2, { incarnation: 2, meta: new Uint8Array([7]) }));
  assertEquals(me.expectEvent("member_updated").member.meta, new Uint8Array([7]));
});

Deno.test("a suspect message about this node is refuted by broadcast and by repeated alive messages to its sender", () => {
  for (const incarnation of [1, 41]) {
    const me = Recorder.among(5);
    me.hear(2, { ...SUSPECT_ME, incarnation });
    const refuted = me.expectEvent("refuted");
    assertEquals([refuted.incarnation, refuted.accusedAs], [incarnation + 1, "suspect"]);
    assertEquals(me.machine.self().incarnation, incarnation + 1);
    assertEquals(me.machine.healthScore, 1);
    me.pass(600);
    const answers = me.sent("alive").filter(({ to, message }) =>
      to.host === addressOf(1).host && message.incarnation === incarnation + 1
    );
    assert(answers.length >= 3, `${answers.length} answers`);
  }
});

Deno.test("a suspect message that is refuted already is answered without raising the incarnation", () => {
  const me = Recorder.among(5);
  me.hear(1, SUSPECT_ME);
  me.pass(2_000);
  me.clear();
  me.hear(1, SUSPECT_ME);
  me.rejectEvent("refuted");
  assertEquals(me.sent("alive")[0]?.message.incarnation, 2);
});

Deno.test("a suspect message with the highest incarnation cannot be refuted, and is dropped", () => {
  const me = Recorder.among(2);
  me.hear(1, { ...SUSPECT_ME, incarnation: 0xffff_ffff });
  assertEquals(me.expectEvent("dropped").reason, "malformed");
  assertEquals(me.machine.self().incarnation, 1);
});

Deno.test("an alive message about this node with other metadata and the same incarnation is refuted", () => {
  const me = Recorder.among(2);
  const own = { ...aliveOf(1), name: "me", address: addressOf(250) };
  me.hear(1, { ...own, meta: new Uint8Array([9]) });
  assertEquals(me.expectEvent("refuted").incarnation, 2);
  me.hear(1, { ...own, incarnation: 8 });
  assertEquals(me.expectEvent("refuted").incarnation, 9);
});

Deno.test("a dead message from the member itself means left, also if it is failed", () => {
  const me = Recorder.among(3);
  me.hear(1, dead(1, { from: "peer-1" }));
  assertEquals(me.expectEvent("member_left").member.state, "left");
  failed(me, 2);
  me.hear(1, dead(2, { from: "peer-2" }));
  me.expectEvent("member_left");
});

Deno.test("a dead message about a member heard from recently only makes it suspect", () => {
  const me = Recorder.among(9);
  me.pass(5_000);
  me.hear(5, aliveOf(5));
  me.clear();
  me.hear(1, dead(5));
  me.rejectEvent("member_failed");
  assertEquals(me.expectEvent("member_suspected").by, "peer-9");
  assertEquals(me.sent("suspect")[0]?.to, addressOf(5), "the member gets it at once");
});

Deno.test("a stale alive message about a failed member rebroadcasts the suspect message, also to the member", () => {
  const me = Recorder.among(5);
  failed(me, 3);
  me.pass(20_000);
  me.clear();
  me.hear(1, aliveOf(3));
  const [sent] = me.sent("suspect");
  assertEquals([sent?.to, sent?.message.name], [addressOf(3), "peer-3"]);
  me.packets.length = 0;
  me.pass(400);
  assert(
    me.sent("suspect").some(({ to, message }) => message.name === "peer-3" && to !== addressOf(3)),
  );
  me.hear(3, aliveOf(3, { incarnation: 2 }));
  me.expectEvent("member_joined");
  assertEquals(me.state(3), "alive");
});

Deno.test("a failed member gets the suspect message at most once per probe interval", () => {
  const me = Recorder.among(5);
  failed(me, 3);
  me.pass(20_000);
  me.clear();
  const sentAfter = (ms: number) => {
    me.packets.length = 0;
    me.pass(ms);
    me.packets.length = 0;
    me.hear(1, aliveOf(3));
    return me.sent("suspect").filter(({ to }) => to.host === addressOf(3).host).length;
  };
  assertEquals([sentAfter(0), sentAfter(0), sentAfter(999), sentAfter(1)], [1, 0, 0, 1]);
});

Deno.test("a stale alive message about a member that left is answered with the dead message", () => {
  const me = Recorder.among(5);
  me.hear(3, dead(3, { from: "peer-3" }));
  me.pass(20_000);
  me.clear();
  me.hear(1, aliveOf(3));
  me.hear(1, aliveOf(3, { address: addressOf(77) }));
  assertEquals(me.stream(1, pushPullOf([nodeOf(1), nodeOf(3)]))?.type, "pushPull");
  assertEquals(me.state(3), "left");
  const accusation = me.sent("dead")[0];
  assertEquals([accusation?.to, accusation?.message.from], [addressOf(3), "peer-3"]);
});

Deno.test("a failed member may change its address after a while, one that left at once", () => {
  const me = Recorder.among(5);
  const elsewhere = { address: addressOf(77), incarnation: 2 };
  me.hear(1, dead(1, { from: "peer-1" }));
  me.hear(2, aliveOf(1, elsewhere));
  assertEquals(me.expectEvent("member_joined").member.address, addressOf(77));
  failed(me, 2);
  me.hear(1, aliveOf(2, elsewhere));
  assertEquals(me.state(2), "dead");
  me.expectEvent("name_conflict");
  me.pass(31_000);
  me.hear(1, aliveOf(2, elsewhere));
  assertEquals(me.state(2), "alive");
});

Deno.test("a member that left changes its address only by its own refutation", () => {
  const me = Recorder.among(5);
  me.hear(1, dead(1, { from: "peer-1" }));
  me.clear();
  me.hear(2, aliveOf(1, { address: addressOf(77) }));
  assertEquals(me.state(1), "left");
  assertEquals(me.sent("dead")[0]?.to, addressOf(77));
  me.hear(77, aliveOf(1, { address: addressOf(77), incarnation: 2 }));
  assertEquals(me.machine.member("peer-1")?.address, addressOf(77));
});

Deno.test("two nodes with one name are reported, at most once a minute, and nothing changes", () => {
  const me = Recorder.among(3);
  for (let time = 0; time < 5; time++) {
    me.hear(2, aliveOf(1, { address: addressOf(99), incarnation: 9 }));
  }
  const conflict = me.expectEvent("name_conflict");
  assertEquals([conflict.held, conflict.claimed], [addressOf(1), addressOf(99)]);
  me.rejectEvent("name_conflict");
  assertEquals(me.machine.member("peer-1")?.incarnation, 1);
  me.hear(2, { ...aliveOf(99), name: "me" });
  assertEquals(me.expectEvent("name_conflict").held, addressOf(250));
  me.pass(61_000);
  me.hear(2, { ...aliveOf(99), name: "me" });
  me.expectEvent("name_conflict");
});

Deno.test("the ack to a failed member carries the suspect message", () => {
  const me = Recorder.among(5);
  failed(me, 3);
  const source = { name: "peer-3", address: addressOf(3) };
  me.hear(3, { type: "ping", sequence: 5, targetName: "me", source });
  const [ack, accusation] = me.takePacket("ack").messages;
  assertEquals(ack?.type, "ack");
  assertEquals(accusation, { type: "suspect", name: "peer-3", incarnation: 1, from: "me" });
});

Deno.test("alive messages with invalid versions or above the maximum number of members are dropped", () => {
  const me = Recorder.among(2, { membersMax: 3 });
  me.hear(1, aliveOf(5, { versions: [0, 0, 0, 0, 0, 0] }));
  assertEquals(me.expectEvent("dropped").reason, "bad_version");
  me.hear(1, aliveOf(6));
  assertEquals(me.expectEvent("dropped").reason, "too_many");
  assertEquals(me.machine.size, 3);
});

Deno.test("this node adopts a delegate version that a Serf member accepts", () => {
  const me = Recorder.among(0);
  me.hear(1, aliveOf(5, { versions: [1, 5, 2, 2, 5, 4] }));
  assertEquals(me.machine.self().versions[5], 4);
  me.pass(400);
  assert(
    me.sent("alive").some(({ message }) => message.name === "me" && message.versions[5] === 4),
  );
  const bare = Recorder.among(2);
  bare.hear(1, aliveOf(5, { versions: BARE }));
  assertEquals(bare.machine.self().versions[5], 0);
});

Deno.test("a conflict is reported again after exactly a minute", () => {
  const me = Recorder.among(0);
  const twin = { ...aliveOf(99), name: "me" };
  me.hear(2, twin);
  me.expectEvent("name_conflict");
  me.pass(59_999);
  me.hear(2, twin);
  me.rejectEvent("name_conflict");
  me.pass(1);
  me.hear(2, twin);
  me.expectEvent("name_conflict");
});

Deno.test("the address of a failed member may change after more than deadNodeReclaimMs", () => {
  const me = Recorder.among(5);
  failed(me, 2);
  const elsewhere = aliveOf(2, { address: addressOf(77), incarnation: 2 });
  me.pass(30_000);
  me.hear(1, elsewhere);
  assertEquals(me.state(2), "dead");
  me.pass(1);
  me.hear(1, elsewhere);
  assertEquals(me.state(2), "alive");
});

Deno.test("a member heard from within two probe intervals is only suspected by a dead message", () => {
  for (const [ms, state] of [[1_999, "suspect"], [2_000, "dead"]] as const) {
    const me = Recorder.among(9);
    me.hear(5, aliveOf(5));
    me.pass(ms);
    me.hear(1, dead(5));
    assertEquals(me.state(5), state, `${ms} ms`);
  }
});

Deno.test("the highest incarnation can be refuted up to 2^32 - 2", () => {
  for (const type of ["suspect", "alive"] as const) {
    const me = Recorder.among(1);
    const claim = (incarnation: number) =>
      type === "suspect"
        ? { ...SUSPECT_ME, incarnation }
        : { ...aliveOf(250), name: "me", incarnation };
    me.hear(1, claim(0xffff_ffff));
    me.rejectEvent("refuted");
    assertEquals(me.machine.self().incarnation, 1);
    me.hear(1, claim(0xffff_fffe));
    assertEquals(me.expectEvent("refuted").incarnation, 0xffff_ffff);
  }
});

Deno.test("the sender of a suspect message gets three alive messages", () => {
  const me = Recorder.among(5);
  for (let time = 0; time < 10; time++) me.hear(77, { ...SUSPECT_ME, from: "stranger" });
  assertEquals(me.sent("alive").filter(({ to }) => to.host === addressOf(77).host).length, 1);
  me.pass(3_000);
  const answers = me.sent("alive").filter(({ to }) => to.host === addressOf(77).host);
  assertEquals(answers.length, 3);
});

Deno.test("32 senders of suspect messages get repeated alive messages at a time", () => {
  const me = Recorder.among(1);
  for (let accuser = 0; accuser < 40; accuser++) {
    me.hear(100 + accuser, { ...SUSPECT_ME, from: `stranger-${accuser}` });
  }
  const hosts = new Set(me.sent("alive").map(({ to }) => to.host));
  assertEquals(hosts.size, 32);
});

Deno.test("broadcasts go to a failed member as well, for gossipToTheDeadMs", () => {
  for (const [ms, expected] of [[20_000, true], [31_000, false]] as const) {
    const me = Recorder.among(3);
    failed(me, 3);
    me.passAnswered(ms, { silent: 3 });
    me.machine.updateMeta(new Uint8Array([1]));
    me.pass(1_000);
    const sent = me.sent("alive").some(({ to, message }) =>
      to.host === addressOf(3).host && message.name === "me"
    );
    assertEquals(sent, expected, `${ms} ms`);
  }
});
