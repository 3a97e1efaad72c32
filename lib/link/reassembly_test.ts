/** Reassembly, from honest and from malicious senders. */
import { assertEquals, assertLess } from "@std/assert";
import { LinkPair } from "../../tests/support/link_pair.ts";
import { Schedule, SeededRandom } from "../../tests/support/world_time.ts";
import type { DropReason } from "../errors.ts";
import {
  ASSEMBLIES_MAX,
  ASSEMBLIES_MAX_BYTES,
  ASSEMBLIES_MAX_BYTES_PER_SENDER,
  ASSEMBLIES_MAX_PER_SENDER,
  FRAGMENT_MIN_BYTES,
  GOSSIP_MESSAGE_MAX_BYTES,
} from "../limits.ts";
import { acknowledges, decodeFragmentAck, encodeFragment, type Fragment } from "./fragments.ts";
import { type LinkHeader, withLinkHeader } from "./header.ts";
import { Reassembly } from "./reassembly.ts";

const FRAGMENT: Fragment = {
  totalBytes: 3_000,
  fragmentBytes: 1_000,
  index: 1,
  ackNow: false,
  bytes: new Uint8Array(1_000).fill(9),
};

/** A packet from `a` to `b` with a fragment. */
function packetOf(pair: LinkPair, fragment: { sequence: number } & Partial<Fragment>): Uint8Array {
  const { sequence, ...changes } = fragment;
  const header: LinkHeader = {
    kind: "fragment",
    toSession: pair.b.session,
    from: "a",
    fromSession: pair.a.session,
    sequence,
  };
  return withLinkHeader(header, encodeFragment({ ...FRAGMENT, ...changes }));
}

/** What a fragment of the bench belongs to. */
interface Received extends Partial<Fragment> {
  readonly sequence?: number;
  readonly from?: string;
  readonly fromSession?: string;
}

/** A receiver in virtual time, with a record of its effects. */
class Bench {
  readonly schedule = new Schedule();
  /** As `sequence: indices acknowledged`, with the time. */
  readonly acks: [string, number][] = [];
  readonly drops: [DropReason, string, number][] = [];
  readonly completed: [number, Uint8Array][] = [];
  readonly reassembly: Reassembly;

  constructor() {
    const nowMs = () => this.schedule.nowMs;
    this.reassembly = new Reassembly({
      clock: { nowMs, wallMs: nowMs },
      effects: {
        acknowledge: ({ sequence }, body) => {
          const ack = decodeFragmentAck(body);
          const indices = Array.from({ length: 40 }, (_, index) => index)
            .filter((index) => acknowledges(ack, index));
          this.acks.push([`${sequence}: ${indices}`, nowMs()]);
        },
        setTimer: (delayMs, timer) =>
          this.schedule.after(delayMs, () => this.reassembly.fire(timer)),
        drop: (reason, { detail }) => this.drops.push([reason, detail, nowMs()]),
        complete: ({ sequence }, message) => this.completed.push([sequence, message]),
      },
    });
  }

  receive(received: Received): void {
    const { sequence = 1, from = "a", fromSession = "aa", ...changes } = received;
    const header: LinkHeader = { kind: "fragment", toSession: "bb", from, fromSession, sequence };
    this.reassembly.receive(header, { ...FRAGMENT, ...changes });
  }

  pass(ms: number): void {
    this.schedule.pass(ms);
  }
}

Deno.test("a sender that completes nothing has a limited number of messages, for a limited time", () => {
  const pair = new LinkPair({ seed: 1 });
  for (let sequence = 1; sequence <= 1_000; sequence++) {
    pair.b.receivePacket(packetOf(pair, { sequence }));
  }
  assertEquals(pair.b.link.held.messages, ASSEMBLIES_MAX_PER_SENDER);
  assertEquals(new Set(pair.b.drops.map(({ reason }) => reason)), new Set(["too_many"]));
  pair.pass(40_000);
  assertEquals(pair.b.link.held, { messages: 0, bytes: 0 });
  assertEquals(pair.b.delivered, []);
});

Deno.test("a sender that announces large messages reserves room for two of the largest", () => {
  const pair = new LinkPair({ seed: 2 });
  for (let sequence = 1; sequence <= 100; sequence++) {
    pair.b.receivePacket(packetOf(pair, { sequence, totalBytes: GOSSIP_MESSAGE_MAX_BYTES }));
  }
  const { messages, bytes } = pair.b.link.held;
  assertEquals([messages, bytes], [2, ASSEMBLIES_MAX_BYTES_PER_SENDER]);
});

Deno.test("fragments that do not fit the first one are dropped, and the message is delivered", () => {
  const pair = new LinkPair({ seed: 3 });
  const send = (change: Partial<Fragment>) =>
    pair.b.receivePacket(packetOf(pair, { sequence: 1, ...change }));
  send({ index: 0 });
  send({ index: 1, totalBytes: 4_000 });
  send({ index: 1, fragmentBytes: 999, bytes: new Uint8Array(999) });
  send({ index: 1, bytes: new Uint8Array(1_000).fill(8) });
  send({ index: 1, bytes: new Uint8Array(1_000).fill(7) });
  send({ index: 2 });
  assertEquals(pair.b.drops.map(({ reason }) => reason), ["malformed", "malformed"]);
  assertEquals(pair.b.delivered[0]?.message.subarray(999, 1_001), Uint8Array.of(9, 8));
  assertEquals(pair.b.delivered.length, 1);
});

Deno.test("fragments of unknown senders and of earlier sessions reserve nothing", () => {
  const pair = new LinkPair({ seed: 4 });
  const packet = packetOf(pair, { sequence: 1 });
  pair.a.session = "0000000000000000";
  pair.b.receivePacket(packet);
  assertEquals(pair.b.link.held.messages, 0);
  assertEquals(pair.b.packets, [], "and are not answered");
  assertEquals(pair.b.drops.map(({ reason }) => reason), ["wrong_session"]);
});

Deno.test("noise and mutated packets are counted and change nothing", () => {
  const pair = new LinkPair({ seed: 5 });
  const random = new SeededRandom("noise");
  const good = packetOf(pair, { sequence: 1 });
  for (let round = 0; round < 20_000; round++) {
    const bytes = random.chance(0.2) ? random.bytes(random.below(100)) : good.slice();
    for (let change = 0; change < 1 + random.below(3); change++) {
      bytes[random.below(Math.min(bytes.length, 60))] = random.below(256);
    }
    const length = random.chance(0.2) ? random.below(bytes.length + 1) : bytes.length;
    pair.b.receivePacket(bytes.subarray(0, length));
    pair.b.receiveStream(bytes.subarray(0, length));
  }
  assertLess(pair.b.link.held.bytes, ASSEMBLIES_MAX_BYTES_PER_SENDER + 1);
  pair.b.drops.length = 0;
  pair.pass(40_000);
  assertEquals(pair.b.link.held, { messages: 0, bytes: 0 });
});

Deno.test("mutated acks do not end a message that was not delivered", () => {
  const pair = new LinkPair({ seed: 6 });
  pair.b.peer = { degraded: "udp" };
  pair.b.holdsPackets = true;
  const random = new SeededRandom("words");
  pair.a.send("b", new Uint8Array(100_000));
  for (let step = 0; step < 50; step++) {
    pair.pass(10);
    for (const ack of pair.b.packets.splice(0)) {
      const bytes = ack.slice();
      // Sessions and sequence number; encryption keeps others from changing them.
      bytes[random.below(24)]! ^= 1 + random.below(255);
      pair.a.receivePacket(bytes);
    }
  }
  assertEquals(pair.a.results, []);
});

Deno.test("a message is complete when all its fragments have arrived, in any order", () => {
  const bench = new Bench();
  const bytesOf = (index: number, length = 1_000) => new Uint8Array(length).fill(index);
  for (const index of [2, 0, 1, 0]) {
    bench.receive({ index, totalBytes: 3_500, bytes: bytesOf(index) });
  }
  assertEquals(bench.completed, []);
  bench.receive({ index: 3, totalBytes: 3_500, bytes: bytesOf(3, 500) });
  const [sequence, message] = bench.completed[0]!;
  assertEquals([sequence, message.length], [1, 3_500]);
  assertEquals([0, 999, 1_000, 2_000, 3_000, 3_499].map((at) => message[at]), [0, 0, 1, 2, 3, 3]);
  assertEquals(bench.reassembly.held, { messages: 0, bytes: 0 });
});

Deno.test("a fragment is copied out of its packet", () => {
  const bench = new Bench();
  const bytes = new Uint8Array(1_000).fill(1);
  bench.receive({ index: 0, totalBytes: 1_500, bytes });
  bytes.fill(2);
  bench.receive({ index: 1, totalBytes: 1_500, bytes: new Uint8Array(500) });
  assertEquals(bench.completed[0]?.[1][0], 1);
});

Deno.test("messages of different senders and sessions with the same number are kept apart", () => {
  const bench = new Bench();
  for (const from of ["a", "c"]) {
    for (const fromSession of ["aa", "ab"]) bench.receive({ index: 0, from, fromSession });
  }
  assertEquals(bench.reassembly.held, { messages: 4, bytes: 12_000 });
});

Deno.test("an ack is sent after eight fragments, or 20 ms after the first", () => {
  const bench = new Bench();
  const fragment = { totalBytes: 40_000 };
  for (let index = 0; index < 7; index++) bench.receive({ ...fragment, index });
  assertEquals(bench.acks, []);
  bench.receive({ ...fragment, index: 7 });
  assertEquals(bench.acks, [["1: 0,1,2,3,4,5,6,7", 0]]);
  bench.pass(1_000);
  assertEquals(bench.acks.length, 1, "nothing arrived since");
  bench.receive({ ...fragment, index: 9 });
  bench.pass(10);
  bench.receive({ ...fragment, index: 10 });
  bench.pass(9);
  assertEquals(bench.acks.length, 1);
  bench.pass(1);
  assertEquals(bench.acks.slice(1), [["1: 0,1,2,3,4,5,6,7,9,10", 1_020]]);
  bench.receive({ ...fragment, index: 8 });
  bench.pass(20);
  assertEquals(bench.acks.at(-1), ["1: 0,1,2,3,4,5,6,7,8,9,10", 1_040], "the timer was set again");
});

Deno.test("an ack is sent at once if the sender asks for it, or retransmits", () => {
  const bench = new Bench();
  bench.receive({ index: 0, ackNow: true });
  assertEquals(bench.acks, [["1: 0", 0]]);
  bench.receive({ index: 2 });
  assertEquals(bench.acks.length, 1);
  bench.receive({ index: 2 });
  assertEquals(bench.acks.slice(1), [["1: 0,2", 0]]);
  bench.pass(20);
  assertEquals(bench.acks.length, 2);
});

Deno.test("a message of which nothing arrives for 30 seconds is dropped", () => {
  const bench = new Bench();
  bench.receive({ sequence: 1, index: 0 });
  bench.pass(4_000);
  bench.receive({ sequence: 2, index: 0 });
  bench.receive({ sequence: 3, index: 0 });
  bench.pass(6_000);
  bench.receive({ sequence: 3, index: 0 });
  bench.pass(19_999);
  assertEquals(bench.drops, []);
  bench.pass(1);
  const detail = "only 1 of 3 fragments of a message arrived";
  assertEquals(bench.drops, [["timed_out", detail, 30_000]]);
  bench.pass(5_000);
  assertEquals(bench.drops.slice(1), [["timed_out", detail, 35_000]]);
  bench.pass(5_000);
  assertEquals(bench.drops.slice(2), [["timed_out", detail, 40_000]]);
  assertEquals([bench.reassembly.held, bench.schedule.pending], [{ messages: 0, bytes: 0 }, 0]);
  bench.receive({ sequence: 4, index: 0 });
  bench.pass(30_000);
  assertEquals(bench.drops.length, 4, "the search starts again");
});

Deno.test("one sweep timer runs, however many messages there are", () => {
  const bench = new Bench();
  for (let sequence = 1; sequence <= 5; sequence++) bench.receive({ sequence, ackNow: true });
  assertEquals(bench.schedule.pending, 1);
  bench.pass(12_000);
  bench.receive({ sequence: 6, ackNow: true });
  assertEquals(bench.schedule.pending, 1);
});

Deno.test("a message that completes or is dropped gives its sender's room back", () => {
  const bench = new Bench();
  const large = { totalBytes: GOSSIP_MESSAGE_MAX_BYTES };
  for (let round = 0; round < 3; round++) {
    for (let each = 0; each < ASSEMBLIES_MAX_PER_SENDER; each++) {
      bench.receive({ sequence: 1 + each, index: 0 });
    }
    for (const index of [1, 2]) {
      for (let each = 0; each < ASSEMBLIES_MAX_PER_SENDER; each++) {
        bench.receive({ sequence: 1 + each, index });
      }
    }
    assertEquals(bench.completed.splice(0).length, ASSEMBLIES_MAX_PER_SENDER, `round ${round}`);
  }
  for (let round = 0; round < 3; round++) {
    bench.receive({ sequence: 100, ...large });
    bench.receive({ sequence: 101, ...large });
    assertEquals(bench.reassembly.held.bytes, ASSEMBLIES_MAX_BYTES_PER_SENDER, `round ${round}`);
    bench.pass(60_000);
    assertEquals(bench.drops.splice(0).map(([reason]) => reason), ["timed_out", "timed_out"]);
  }
});

Deno.test("if one of a sender's messages completes, there is room for one more", () => {
  const bench = new Bench();
  for (let sequence = 1; sequence <= ASSEMBLIES_MAX_PER_SENDER; sequence++) {
    bench.receive({ sequence });
  }
  for (const index of [0, 2]) bench.receive({ sequence: 1, index });
  assertEquals(bench.completed.length, 1);
  bench.receive({ sequence: 100 });
  bench.receive({ sequence: 101 });
  assertEquals(bench.drops.map(([reason]) => reason), ["too_many"]);
  assertEquals(bench.reassembly.held.messages, ASSEMBLIES_MAX_PER_SENDER);
});

Deno.test("a dropped message gives its bytes back while others of its sender are in progress", () => {
  const bench = new Bench();
  for (let round = 0; round < 3; round++) {
    bench.receive({ sequence: 2 + round, totalBytes: GOSSIP_MESSAGE_MAX_BYTES });
    for (let each = 0; each < 4; each++) {
      bench.receive({ sequence: 1, index: 0 });
      bench.pass(10_000);
    }
    assertEquals(bench.drops.splice(0).map(([reason]) => reason), ["timed_out"]);
    assertEquals(bench.reassembly.held, { messages: 1, bytes: 3_000 });
  }
});

Deno.test("one message more than the limits of a sender is dropped, and says what is in progress", () => {
  const bench = new Bench();
  for (let sequence = 1; sequence <= ASSEMBLIES_MAX_PER_SENDER; sequence++) {
    bench.receive({ sequence });
  }
  assertEquals(bench.drops, []);
  bench.receive({ sequence: 100 });
  const detail = "no room to reassemble a message of 3000 bytes: 64 in progress from its sender " +
    "(192000 bytes), 64 in all (192000 bytes)";
  assertEquals(bench.drops, [["too_many", detail, 0]]);
  bench.receive({ sequence: 100, from: "c" });
  bench.receive({ sequence: 100, fromSession: "ab" });
  assertEquals(bench.drops.length, 1, "another sender has room");
});

Deno.test("the bytes of a sender may reach its limit and not exceed it", () => {
  const bench = new Bench();
  const large = { totalBytes: GOSSIP_MESSAGE_MAX_BYTES };
  bench.receive({ sequence: 1, ...large });
  bench.receive({ sequence: 2, totalBytes: GOSSIP_MESSAGE_MAX_BYTES - 3_000 });
  bench.receive({ sequence: 3, totalBytes: 3_001 });
  assertEquals(bench.reassembly.held.messages, 2);
  bench.receive({ sequence: 3, totalBytes: 3_000 });
  assertEquals(bench.reassembly.held, { messages: 3, bytes: ASSEMBLIES_MAX_BYTES_PER_SENDER });
});

Deno.test("all senders together reach the limits of messages and of bytes, and do not exceed them", () => {
  const many = new Bench();
  const few = new Bench();
  for (let sender = 0; sender < 40; sender++) {
    for (let sequence = 1; sequence <= ASSEMBLIES_MAX_PER_SENDER; sequence++) {
      const fragment = { sequence, from: `n${sender}`, bytes: new Uint8Array(FRAGMENT_MIN_BYTES) };
      many.receive({ ...fragment, fragmentBytes: FRAGMENT_MIN_BYTES });
      few.receive({ sequence, from: `n${sender}`, totalBytes: GOSSIP_MESSAGE_MAX_BYTES });
    }
  }
  assertEquals(many.reassembly.held.messages, ASSEMBLIES_MAX);
  assertEquals(few.reassembly.held.bytes, ASSEMBLIES_MAX_BYTES);
});
