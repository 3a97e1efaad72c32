/** Messages between two nodes on a simulated network. */
import { assert, assertEquals, assertGreater, assertLess, assertNotEquals } from "@std/assert";
import { LinkPair } from "../../tests/support/link_pair.ts";
import { GOSSIP_MESSAGE_MAX_BYTES } from "../limits.ts";

/** A message whose bytes depend on their position. */
function messageOf(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = (index * 31 + (index >> 8)) & 255;
  return bytes;
}

Deno.test("a message is sent on a stream and acknowledged there", () => {
  const pair = new LinkPair({ seed: 1 });
  const id = pair.a.send("b", messageOf(100_000));
  pair.pass(100);
  assertEquals(pair.b.delivered, [{ from: "a", message: messageOf(100_000) }]);
  assertEquals(pair.a.results, [[id, true]]);
  assertEquals(pair.a.reachable, [["b", true]]);
  assertEquals(pair.network.traffic.packets, 0);
});

Deno.test("if no stream opens within 3.5 seconds, the message is sent in packets", () => {
  const pair = new LinkPair({ seed: 2 });
  pair.network.cutStreams(pair.b.host.address);
  pair.a.send("b", messageOf(50));
  pair.pass(3_400);
  assertEquals(pair.b.delivered, []);
  pair.pass(200);
  assertEquals(pair.b.delivered.length, 1);
  assertEquals(pair.a.results, [[1, true]]);
  assertEquals(pair.a.reachable, [["b", false]]);
});

Deno.test("a member that only UDP reaches is sent packets at once: one, and one ack", () => {
  const pair = new LinkPair({ seed: 3 });
  pair.b.peer = { degraded: "udp" };
  pair.a.send("b", messageOf(50));
  pair.pass(10);
  assertEquals(pair.a.results, [[1, true]]);
  assertEquals([pair.network.traffic.packets, pair.network.traffic.streams], [2, 0]);
});

Deno.test("a member that only TCP reaches has the whole timeout to open a stream, and is sent no packets", () => {
  const pair = new LinkPair({ seed: 4 });
  pair.b.peer = { degraded: "tcp" };
  pair.network.cutStreams(pair.b.host.address);
  pair.a.send("b", messageOf(50));
  pair.pass(9_000);
  assertEquals(pair.a.results, []);
  pair.pass(1_100);
  assertEquals(pair.a.results, [[1, false]]);
  assertEquals(pair.network.traffic.packets, 0);
});

Deno.test("a message to an unknown member, or to one without a session, fails", () => {
  const pair = new LinkPair({ seed: 5 });
  pair.b.peer = { session: undefined };
  pair.a.send("b", messageOf(50));
  pair.a.send("nobody", messageOf(50));
  assertEquals(pair.a.results, [], "never from inside the call");
  pair.pass(10);
  assertEquals(pair.a.results, [[1, false], [2, false]]);
  const { packets, streams } = pair.network.traffic;
  assertEquals([packets, streams], [0, 0]);
});

for (const loss of [0, 0.3]) {
  Deno.test(`messages of every size are delivered in packets at a loss of ${loss}`, () => {
    for (let seed = 1; seed <= 10; seed++) {
      const pair = new LinkPair({ seed });
      pair.b.peer = { degraded: "udp" };
      // Packets are reordered and duplicated.
      pair.network.quality = { loss, delayMs: 5, jitterMs: 20, duplicate: 0.2 };
      const sizes = [1, 1_300, 1_350, 2_700, 40_000, 300_000];
      sizes.forEach((size) => pair.a.send("b", messageOf(size)));
      pair.passUntil(() => pair.a.results.length === sizes.length, 60_000);
      assert(pair.a.results.every(([, ok]) => ok), `seed ${seed}`);
      const delivered = pair.b.delivered.toSorted((one, other) =>
        one.message.length - other.message.length
      );
      assertEquals(
        delivered.map(({ message }) => message.length),
        sizes,
        `seed ${seed}: each once`,
      );
      for (const { message } of delivered) assertEquals(message, messageOf(message.length));
      pair.pass(40_000);
      assertEquals(pair.b.link.held, { messages: 0, bytes: 0 });
      assertEquals(pair.b.drops, []);
      assertLess(pair.network.traffic.largestPacketBytes, 1_351);
    }
  });
}

Deno.test("two megabytes are delivered at a loss of 0.3 and 100 ms ± 50 ms", () => {
  const pair = new LinkPair({ seed: 7 });
  pair.b.peer = { degraded: "udp" };
  pair.network.quality = { loss: 0.3, delayMs: 50, jitterMs: 100, duplicate: 0 };
  pair.a.send("b", messageOf(2 * 1024 * 1024));
  const tookMs = pair.passUntil(() => pair.a.results.length > 0, 120_000);
  assertEquals(pair.a.results, [[1, true]]);
  assertEquals(pair.b.delivered[0]?.message, messageOf(2 * 1024 * 1024));
  assertLess(tookMs, 60_000);
});

Deno.test("a small message does not wait for the end of a large one", () => {
  const pair = new LinkPair({ seed: 8 });
  pair.b.peer = { degraded: "udp" };
  pair.network.quality = { loss: 0, delayMs: 50, jitterMs: 0, duplicate: 0 };
  for (let each = 0; each < 3; each++) pair.a.send("b", messageOf(GOSSIP_MESSAGE_MAX_BYTES / 2));
  const small = pair.a.send("b", messageOf(10));
  pair.passUntil(() => pair.a.results.some(([id]) => id === small), 2_000);
  pair.passUntil(() => pair.a.results.length === 4, 120_000);
  assert(pair.a.results.every(([, ok]) => ok));
});

Deno.test("the packets in flight to one member fit its receive buffer", () => {
  const pair = new LinkPair({ seed: 9 });
  pair.b.peer = { degraded: "udp" };
  pair.network.quality = { loss: 0, delayMs: 200, jitterMs: 0, duplicate: 0 };
  for (let each = 0; each < 16; each++) pair.a.send("b", messageOf(200_000));
  let most = 0;
  for (let before = 0; pair.a.results.length < 16;) {
    pair.pass(200);
    most = Math.max(most, pair.network.traffic.packets - before);
    before = pair.network.traffic.packets;
  }
  // The ack of every eighth is on the same network.
  assertLess(most, 64);
  assertGreater(most, 40);
});

Deno.test("messages to a member that does not answer fail within seconds, those that wait too", () => {
  const pair = new LinkPair({ seed: 10 });
  pair.b.peer = { degraded: "udp" };
  pair.network.cutPackets(pair.b.host.address);
  for (let each = 0; each < 5; each++) pair.a.send("b", messageOf(4_000_000));
  pair.pass(6_500);
  assertEquals(pair.a.results.toSorted(), [1, 2, 3, 4, 5].map((id) => [id, false]));
  assertLess(pair.network.traffic.packets, 300);
});

Deno.test("if packets stop in the middle, the message fails, and its receiver drops it", () => {
  const pair = new LinkPair({ seed: 11 });
  pair.b.peer = { degraded: "udp" };
  pair.network.quality = { loss: 0, delayMs: 20, jitterMs: 0, duplicate: 0 };
  pair.a.send("b", messageOf(2_000_000));
  pair.pass(300);
  assertEquals(pair.b.link.held, { messages: 1, bytes: 2_000_000 });
  pair.network.cutPackets(pair.b.host.address);
  pair.pass(45_000);
  assertEquals(pair.a.results, [[1, false]]);
  assertEquals(pair.b.link.held, { messages: 0, bytes: 0 });
  assertEquals(pair.b.drops.map(({ reason }) => reason), ["timed_out"]);
});

Deno.test("without a way back the message is delivered once, although it is never acknowledged", () => {
  const pair = new LinkPair({ seed: 12 });
  pair.b.peer = { degraded: "udp" };
  pair.network.cut(pair.b.host.address, pair.a.host.address);
  pair.a.send("b", messageOf(50));
  pair.pass(10_000);
  assertEquals(pair.a.results, [[1, false]]);
  assertEquals(pair.b.delivered.length, 1);
});

Deno.test("a message whose stream is closed without an ack has failed", () => {
  const pair = new LinkPair({ seed: 13 });
  pair.a.endStreams(() => ({ type: "closed", answer: new Uint8Array(0) }));
  pair.a.send("b", messageOf(50));
  pair.pass(10_000);
  assertEquals(pair.a.results, [[1, false]]);
  assertEquals(pair.a.reachable, [], "it says nothing about streams");
  assertEquals(pair.network.traffic.packets, 0);
});

Deno.test("a stream that fails after the message was delivered does not deliver it again", () => {
  const pair = new LinkPair({ seed: 14 });
  pair.a.endStreams((bytes) => {
    pair.b.receiveStream(bytes);
    return { type: "failed" };
  });
  pair.a.send("b", messageOf(50));
  pair.pass(1_000);
  assertEquals([pair.a.reachable, pair.b.delivered.length], [[["b", false]], 1]);
  assertEquals(pair.a.results, [[1, true]], "the packets were acknowledged as received before");
});

Deno.test("a message that renews its receiver's session is acknowledged in the old one", () => {
  for (const degraded of ["udp", "tcp"] as const) {
    const pair = new LinkPair({ seed: 15, maxSessions: 1 });
    pair.b.peer = { degraded };
    pair.a.send("b", messageOf(50));
    pair.pass(100);
    pair.a.start();
    const { session } = pair.b;
    pair.a.send("b", messageOf(60));
    pair.pass(100);
    assertNotEquals(pair.b.session, session);
    assertEquals([pair.a.results, pair.b.delivered.length], [[[1, true], [2, true]], 2]);
  }
});
