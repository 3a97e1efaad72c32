/** Parts of messages from those who mean no good. */
import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { LinkPair } from "../../tests/support/link_pair.ts";
import { SeededRandom } from "../../tests/support/world_time.ts";
import { WireError } from "../errors.ts";
import {
  ASSEMBLIES_MAX_BYTES_PER_SENDER,
  ASSEMBLIES_MAX_PER_SENDER,
  FRAGMENT_MIN_BYTES,
  GOSSIP_MESSAGE_MAX_BYTES,
} from "../limits.ts";
import {
  decodeAcknowledgement,
  decodeFragment,
  encodeAcknowledgement,
  encodeFragment,
  type Fragment,
  tellsOf,
} from "./fragments.ts";
import { type LinkHead, withLinkHead } from "./header.ts";

const PART: Fragment = {
  totalBytes: 3_000,
  partBytes: 1_000,
  index: 1,
  urgent: false,
  bytes: new Uint8Array(1_000).fill(9),
};

/** A packet of `a` to `b` with a part. */
function packetOf(pair: LinkPair, part: { number: number } & Partial<Fragment>): Uint8Array {
  const { number, ...changes } = part;
  const head: LinkHead = {
    kind: "fragment",
    to: pair.b.session,
    from: "a",
    fromSession: pair.a.session,
    number,
  };
  return withLinkHead(head, encodeFragment({ ...PART, ...changes }));
}

Deno.test("parts survive the way; every other form is refused", () => {
  const bytes = encodeFragment(PART);
  assertEquals(decodeFragment(bytes), PART);
  const last = { ...PART, totalBytes: 2_500, index: 2, bytes: new Uint8Array(500) };
  assertEquals(decodeFragment(encodeFragment(last)), last);
  for (let length = 0; length < bytes.length; length++) {
    assertThrows(() => decodeFragment(bytes.subarray(0, length)), WireError);
  }
  const bad: Partial<Fragment>[] = [
    { index: 2, totalBytes: 2_500 },
    { index: 3 },
    { index: 65_535 },
    { totalBytes: 0 },
    { totalBytes: GOSSIP_MESSAGE_MAX_BYTES + 1 },
    { totalBytes: 2 ** 32 - 1 },
    { partBytes: FRAGMENT_MIN_BYTES - 1, bytes: new Uint8Array(FRAGMENT_MIN_BYTES - 1) },
    { partBytes: 0, bytes: new Uint8Array(0) },
    { bytes: new Uint8Array(1_001) },
  ];
  for (const change of bad) {
    const encoded = encodeFragment({ ...PART, ...change });
    assertThrows(() => decodeFragment(encoded), WireError);
  }
});

Deno.test("word of parts tells of those that came and of no others", () => {
  const random = new SeededRandom("words");
  for (let round = 0; round < 200; round++) {
    const count = 1 + random.below(5_000);
    const share = random.next();
    const came = Array.from({ length: count }, () => random.chance(share));
    came[random.below(count)] = false;
    const word = decodeAcknowledgement(
      encodeAcknowledgement({ count, has: (index) => came[index] === true }),
    );
    assert(!word.complete);
    for (let index = 0; index < count; index++) {
      const told = tellsOf(word, index);
      // A word has an end; what it does not tell of is told of later.
      if (index - word.base < 2_048) assertEquals(told, came[index], `${round}: ${index}`);
      else assertEquals(told, false);
    }
  }
  assertEquals(decodeAcknowledgement(encodeAcknowledgement("complete")), { complete: true });
  for (const length of [0, 1, 259, 1_000]) {
    assertThrows(() => decodeAcknowledgement(new Uint8Array(length)), WireError);
  }
});

Deno.test("who begins messages and ends none has so many places and no more, and for so long", () => {
  const pair = new LinkPair({ seed: 1 });
  for (let number = 1; number <= 1_000; number++) {
    pair.b.receivePacket(packetOf(pair, { number }));
  }
  assertEquals(pair.b.transport.held.messages, ASSEMBLIES_MAX_PER_SENDER);
  assertEquals(new Set(pair.b.drops.map(({ reason }) => reason)), new Set(["too_many"]));
  pair.pass(40_000);
  assertEquals(pair.b.transport.held, { messages: 0, bytes: 0 });
  assertEquals(pair.b.taken, []);
});

Deno.test("who announces large messages gets room for two of the largest", () => {
  const pair = new LinkPair({ seed: 2 });
  for (let number = 1; number <= 100; number++) {
    pair.b.receivePacket(packetOf(pair, { number, totalBytes: GOSSIP_MESSAGE_MAX_BYTES }));
  }
  const { messages, bytes } = pair.b.transport.held;
  assertEquals([messages, bytes], [2, ASSEMBLIES_MAX_BYTES_PER_SENDER]);
});

Deno.test("parts that do not fit one another are refused, and the message arrives all the same", () => {
  const pair = new LinkPair({ seed: 3 });
  const send = (change: Partial<Fragment>) =>
    pair.b.receivePacket(packetOf(pair, { number: 1, ...change }));
  send({ index: 0 });
  send({ index: 1, totalBytes: 4_000 });
  send({ index: 1, partBytes: 999, bytes: new Uint8Array(999) });
  send({ index: 1, bytes: new Uint8Array(1_000).fill(8) });
  send({ index: 1, bytes: new Uint8Array(1_000).fill(7) });
  send({ index: 2 });
  assertEquals(pair.b.drops.map(({ reason }) => reason), ["malformed", "malformed"]);
  assertEquals(pair.b.taken[0]?.message.subarray(999, 1_001), Uint8Array.of(9, 8));
  assertEquals(pair.b.taken.length, 1);
});

Deno.test("packets of strangers and of those long gone take no room", () => {
  const pair = new LinkPair({ seed: 4 });
  const packet = packetOf(pair, { number: 1 });
  pair.a.session = "0000000000000000";
  pair.b.receivePacket(packet);
  assertEquals(pair.b.transport.held.messages, 0);
  assertEquals(pair.b.packets, [], "and have no answer");
  assertEquals(pair.b.drops.map(({ reason }) => reason), ["wrong_session"]);
});

Deno.test("noise and mutated packets are counted and change nothing", () => {
  const pair = new LinkPair({ seed: 5 });
  const random = new SeededRandom("noise");
  const good = packetOf(pair, { number: 1 });
  for (let round = 0; round < 20_000; round++) {
    const bytes = random.chance(0.2) ? random.bytes(random.below(100)) : good.slice();
    for (let change = 0; change < 1 + random.below(3); change++) {
      bytes[random.below(Math.min(bytes.length, 60))] = random.below(256);
    }
    const length = random.chance(0.2) ? random.below(bytes.length + 1) : bytes.length;
    pair.b.receivePacket(bytes.subarray(0, length));
    pair.b.receive(bytes.subarray(0, length));
  }
  assertLess(pair.b.transport.held.bytes, ASSEMBLIES_MAX_BYTES_PER_SENDER + 1);
  pair.b.drops.length = 0;
  pair.pass(40_000);
  assertEquals(pair.b.transport.held, { messages: 0, bytes: 0 });
});

Deno.test("mutated words of parts end no message that did not arrive", () => {
  const pair = new LinkPair({ seed: 6 });
  pair.b.peer = { degraded: "udp" };
  pair.b.holdsPackets = true;
  const random = new SeededRandom("words");
  pair.a.send("b", new Uint8Array(100_000));
  for (let step = 0; step < 50; step++) {
    pair.pass(10);
    for (const word of pair.b.packets.splice(0)) {
      const bytes = word.slice();
      // Its sessions and its number are what a key keeps others from changing.
      bytes[random.below(24)]! ^= 1 + random.below(255);
      pair.a.receivePacket(bytes);
    }
  }
  assertEquals(pair.a.results, []);
});
