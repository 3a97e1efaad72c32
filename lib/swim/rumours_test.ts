/** What one node makes of what it is told about others and itself. */
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

/** Lets a peer fail by hearsay, long enough after it was last heard. */
function failed(me: Recorder, number: number): void {
  me.pass(3_000);
  me.hear(19, dead(number));
  me.expectEvent("member_failed");
  me.clear();
}

Deno.test("a new member is told, and the news is passed on", () => {
  const me = Recorder.among(2);
  me.hear(1, aliveOf(3, { meta: new Uint8Array([1]) }));
  const { member } = me.expectEvent("member_joined");
  assertEquals([member.name, member.state, member.incarnation], ["peer-3", "alive", 1]);
  me.pass(400);
  assert(me.sent("alive").some(({ message }) => message.name === "peer-3"));
});

Deno.test("meta outlives the packet that it came in, and does not hold on to it", () => {
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

Deno.test("the same or older news of a live member changes nothing", () => {
  const me = Recorder.among(2);
  me.hear(1, aliveOf(2, { meta: new Uint8Array([1]) }), aliveOf(2, { incarnation: 0 }));
  assertEquals(me.events, []);
});

Deno.test("newer news updates meta", () => {
  const me = Recorder.among(2);
  me.hear(1, aliveOf(2, { incarnation: 2, meta: new Uint8Array([7]) }));
  assertEquals(me.expectEvent("member_updated").member.meta, new Uint8Array([7]));
});

Deno.test("an accusation against us is outbid, gossiped, and answered to the accuser more than once", () => {
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

Deno.test("an accusation that we outbid already is answered without another incarnation", () => {
  const me = Recorder.among(5);
  me.hear(1, SUSPECT_ME);
  me.pass(2_000);
  me.clear();
  me.hear(1, SUSPECT_ME);
  me.rejectEvent("refuted");
  assertEquals(me.sent("alive")[0]?.message.incarnation, 2);
});

Deno.test("a number that leaves no room to refute is dropped", () => {
  const me = Recorder.among(2);
  me.hear(1, { ...SUSPECT_ME, incarnation: 0xffff_ffff });
  assertEquals(me.expectEvent("dropped").reason, "malformed");
  assertEquals(me.machine.self().incarnation, 1);
});

Deno.test("an earlier life that said other things under our number is outbid", () => {
  const me = Recorder.among(2);
  const own = { ...aliveOf(1), name: "me", address: addressOf(250) };
  me.hear(1, { ...own, meta: new Uint8Array([9]) });
  assertEquals(me.expectEvent("refuted").incarnation, 2);
  me.hear(1, { ...own, incarnation: 8 });
  assertEquals(me.expectEvent("refuted").incarnation, 9);
});

Deno.test("dead from itself is left, also of one held failed", () => {
  const me = Recorder.among(3);
  me.hear(1, dead(1, { from: "peer-1" }));
  assertEquals(me.expectEvent("member_left").member.state, "left");
  failed(me, 2);
  me.hear(1, dead(2, { from: "peer-2" }));
  me.expectEvent("member_left");
});

Deno.test("dead is not believed of who was heard a moment ago: suspicion is enough", () => {
  const me = Recorder.among(9);
  me.pass(5_000);
  me.hear(5, aliveOf(5));
  me.clear();
  me.hear(1, dead(5));
  me.rejectEvent("member_failed");
  assertEquals(me.expectEvent("member_suspected").by, "peer-9");
  assertEquals(me.sent("suspect")[0]?.to, addressOf(5), "it is told at once");
});

Deno.test("a stale alive of one held failed puts the accusation back into gossip, and to it", () => {
  const me = Recorder.among(5);
  failed(me, 3);
  me.pass(20_000);
  me.clear();
  me.hear(1, aliveOf(3));
  const [told] = me.sent("suspect");
  assertEquals([told?.to, told?.message.name], [addressOf(3), "peer-3"]);
  me.packets.length = 0;
  me.pass(400);
  assert(
    me.sent("suspect").some(({ to, message }) => message.name === "peer-3" && to !== addressOf(3)),
  );
  me.hear(3, aliveOf(3, { incarnation: 2 }));
  me.expectEvent("member_joined");
  assertEquals(me.state(3), "alive");
});

Deno.test("a stale alive of one that left does not bring it back, and is contradicted", () => {
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

Deno.test("a failed member may come back under another address after a while, a left one at once", () => {
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

Deno.test("who comes back elsewhere with an old number is asked, and moves by its own refutation", () => {
  const me = Recorder.among(5);
  me.hear(1, dead(1, { from: "peer-1" }));
  me.clear();
  me.hear(2, aliveOf(1, { address: addressOf(77) }));
  assertEquals(me.state(1), "left");
  assertEquals(me.sent("dead")[0]?.to, addressOf(77));
  me.hear(77, aliveOf(1, { address: addressOf(77), incarnation: 2 }));
  assertEquals(me.machine.member("peer-1")?.address, addressOf(77));
});

Deno.test("two nodes of one name are told, once in a while, and nothing changes", () => {
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

Deno.test("a ping from one held suspect or failed is answered with what is held against it", () => {
  const me = Recorder.among(5);
  failed(me, 3);
  const source = { name: "peer-3", address: addressOf(3) };
  me.hear(3, { type: "ping", sequence: 5, targetName: "me", source });
  const [ack, accusation] = me.takePacket("ack").messages;
  assertEquals(ack?.type, "ack");
  assertEquals(accusation, { type: "suspect", name: "peer-3", incarnation: 1, from: "me" });
});

Deno.test("versions that mean nothing, and members past the bound, are dropped", () => {
  const me = Recorder.among(2, { membersMax: 3 });
  me.hear(1, aliveOf(5, { versions: [0, 0, 0, 0, 0, 0] }));
  assertEquals(me.expectEvent("dropped").reason, "bad_version");
  me.hear(1, aliveOf(6));
  assertEquals(me.expectEvent("dropped").reason, "too_many");
  assertEquals(me.machine.size, 3);
});

Deno.test("a Serf member makes us speak a delegate version that it accepts", () => {
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
