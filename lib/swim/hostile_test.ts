/** Hostile and malformed input. */
import { assert, assertEquals } from "@std/assert";
import { SeededRandom } from "../../tests/support/world_time.ts";
import {
  addressOf,
  aliveOf,
  nodeOf,
  pushPullOf,
  Recorder,
} from "../../tests/support/world_recorder.ts";
import { encodeMessage } from "../wire/codec.ts";
import type { PacketMessage } from "../wire/messages.ts";

const SAMPLES: readonly PacketMessage[] = [
  {
    type: "ping",
    sequence: 7,
    targetName: "me",
    source: { name: "peer-1", address: addressOf(1) },
  },
  {
    type: "indirectPing",
    sequence: 8,
    target: addressOf(2),
    targetName: "peer-2",
    wantsNack: true,
  },
  { type: "ack", sequence: 9, payload: new Uint8Array(3) },
  { type: "nack", sequence: 9 },
  { type: "suspect", name: "peer-2", incarnation: 1, from: "peer-1" },
  { type: "dead", name: "peer-2", incarnation: 1, from: "peer-1" },
  aliveOf(3, { incarnation: 2 }),
  { type: "user", payload: new Uint8Array(5) },
];

function mutated(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const copy = bytes.slice(0, random.chance(0.2) ? random.below(bytes.length + 1) : bytes.length);
  for (let flips = random.below(4); flips > 0 && copy.length > 0; flips--) {
    const at = random.below(copy.length);
    copy[at] = copy[at]! ^ (1 << random.below(8));
  }
  return copy;
}

Deno.test("mutated packets raise nothing, and invalid ones are dropped", () => {
  const random = new SeededRandom("hostile");
  const me = Recorder.among(5);
  let dropped = 0;
  for (let packet = 0; packet < 30_000; packet++) {
    const parts = Array.from(
      { length: 1 + random.below(3) },
      () => encodeMessage(random.pick(SAMPLES)),
    );
    me.machine.receivePacket(addressOf(1), mutated(me.envelope.sealPacket(parts), random));
    dropped += me.events.filter(({ type }) => type === "dropped").length;
    if (packet % 100 === 0) me.pass(50);
    me.clear();
  }
  assert(dropped > 5_000, `${dropped} dropped`);
  assert(me.machine.self().state === "alive");
});

Deno.test("a packet with one invalid part changes nothing", () => {
  const me = Recorder.among(2);
  const good = encodeMessage(aliveOf(9));
  const bad = encodeMessage(aliveOf(8)).slice(0, -3);
  me.machine.receivePacket(addressOf(1), me.envelope.sealPacket([good, bad]));
  me.expectEvent("dropped");
  me.rejectEvent("member_joined");
  assertEquals(me.state(9), undefined);
});

Deno.test("a flood of suspect messages about this node causes a bounded number of answers", () => {
  const me = Recorder.among(2);
  for (let accuser = 0; accuser < 5_000; accuser++) {
    me.hear(1, { type: "suspect", name: "me", incarnation: 0, from: `stranger-${accuser}` });
  }
  me.pass(2_000);
  assert(me.sent("alive").length < 200, `${me.sent("alive").length} answers`);
  assertEquals(me.machine.self().incarnation, 1);
});

Deno.test("a flood of stale alive messages causes one answer per probe interval", () => {
  const me = Recorder.among(3);
  me.hear(2, { type: "dead", name: "peer-2", incarnation: 1, from: "peer-2" });
  me.clear();
  for (let time = 0; time < 1_000; time++) me.hear(1, aliveOf(2));
  assertEquals(me.sent("dead").filter(({ to }) => to.host === "10.0.0.2").length, 1);
});

Deno.test("a push/pull with thousands of new members fills the table to its maximum only", () => {
  const me = Recorder.among(1, { membersMax: 2_000 });
  const nodes = Array.from(
    { length: 3_000 },
    (_, index) => nodeOf(1, { name: `stranger-${index}` }),
  );
  me.stream(1, pushPullOf(nodes));
  assertEquals([...me.machine.members()].length, 2_000);
  assertEquals(me.expectEvent("dropped").reason, "too_many");
});
