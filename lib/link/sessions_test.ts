/** A captured message is accepted once, by its receiver and in the sessions that it was sent in. */
import { assert, assertEquals } from "@std/assert";
import { type LinkNode, LinkPair } from "../../tests/support/link_pair.ts";
import { LINK_SESSIONS_MAX } from "../limits.ts";
import { type LinkHeader, SEQUENCE_MAX } from "./header.ts";
import { REPLAY_WINDOW } from "./replay_window.ts";
import { Sessions } from "./sessions.ts";

const MESSAGE = Uint8Array.of(1, 2, 3);
const OWN_SESSION = "0000000000000001";
const PEER_SESSION = "00000000000000aa";

function reasons(node: LinkNode): string[] {
  return node.drops.map(({ reason }) => reason);
}

/** The sessions of a node that knows a peer of any name. */
function sessionsOf(options: { readonly maxSessions?: number; readonly renewed?: string[] } = {}) {
  const { renewed = [], ...rest } = options;
  return new Sessions({
    ...rest,
    peers: {
      self: { name: "self" },
      peer: (name) => name === "unknown" ? undefined : { state: "alive", session: PEER_SESSION },
    },
    session: OWN_SESSION,
    random: { next: () => 0, bytes: (length) => new Uint8Array(length).fill(7) },
    sessionChanged: (session) => renewed.push(session),
  });
}

/** The header of a message that a peer sends this node. */
function headerOf(from: string, sequence = 1): LinkHeader {
  return {
    ...{ kind: "message", toSession: OWN_SESSION, from, fromSession: PEER_SESSION, sequence },
  };
}

Deno.test("a captured stream is accepted once", () => {
  const { a, b } = new LinkPair({ seed: 1 });
  const captured = a.capture("b", MESSAGE);
  assert(b.receiveStream(captured));
  assert(!b.receiveStream(captured), "the second one is not acknowledged");
  assertEquals(b.delivered, [{ from: "a", message: MESSAGE }]);
  assertEquals(reasons(b), ["replayed"]);
});

Deno.test("a message that is sent back to its sender is refused", () => {
  const { a } = new LinkPair({ seed: 2 });
  assert(!a.receiveStream(a.capture("b", MESSAGE)));
  assertEquals([a.delivered, reasons(a)], [[], ["wrong_session"]]);
});

Deno.test("a message is accepted by its receiver alone, and not after that has restarted", () => {
  const { a, b } = new LinkPair({ seed: 3 });
  const captured = a.capture("b", MESSAGE);
  const early = a.capture("b", MESSAGE);
  assert(b.receiveStream(early));
  b.start();
  for (const bytes of [captured, early]) assert(!b.receiveStream(bytes));
  assertEquals(b.delivered.length, 1);
  assertEquals(reasons(b), ["wrong_session", "wrong_session"]);
  assert(b.receiveStream(a.capture("b", MESSAGE)), "a knows b's new session");
});

Deno.test("after a sender restarted its old messages are refused, and its new ones accepted once known", () => {
  const pair = new LinkPair({ seed: 4 });
  const { a, b } = pair;
  const used = a.capture("b", MESSAGE);
  const unused = a.capture("b", MESSAGE);
  assert(b.receiveStream(used));
  const elder = a.session;
  a.start();
  assertEquals([b.receiveStream(used), b.receiveStream(unused)], [false, false]);
  assert(b.receiveStream(a.capture("b", MESSAGE)));
  // An attacker replays the meta of the old session: what was accepted in it is refused all the same.
  a.session = elder;
  assert(!b.receiveStream(used));
  assertEquals(reasons(b), ["wrong_session", "wrong_session", "replayed"]);
});

Deno.test("a sender whose new session is not known yet is refused, and not acknowledged", () => {
  const pair = new LinkPair({ seed: 5 });
  const { a, b } = pair;
  a.start({ known: false });
  a.send("b", MESSAGE);
  pair.pass(10);
  assertEquals([a.results, b.delivered], [[[1, false]], []]);
  a.session = a.link.session;
  a.send("b", MESSAGE);
  pair.pass(10);
  assertEquals([a.results.at(-1), b.delivered.length], [[2, true], 1]);
});

Deno.test("replayed packets deliver nothing, reserve nothing and get one ack each", () => {
  const pair = new LinkPair({ seed: 6 });
  const { a, b } = pair;
  b.peer = { degraded: "udp" };
  a.send("b", new Uint8Array(10_000));
  pair.pass(100);
  assertEquals(b.delivered.length, 1);
  const before = b.packets.length;
  for (const packet of a.packets) b.receivePacket(packet);
  assertEquals(b.delivered.length, 1);
  assertEquals(b.link.held, { messages: 0, bytes: 0 });
  assertEquals(b.packets.length - before, a.packets.length, "no longer than the packet");
  for (const packet of a.packets) a.receivePacket(packet);
  assertEquals(new Set(reasons(a)), new Set(["wrong_session"]));
  b.start();
  for (const packet of a.packets) b.receivePacket(packet);
  assertEquals([b.delivered.length, b.link.held.messages], [1, 0]);
});

Deno.test("a captured ack acknowledges no other message", () => {
  const pair = new LinkPair({ seed: 7 });
  const { a, b } = pair;
  b.peer = { degraded: "udp" };
  a.send("b", MESSAGE);
  pair.pass(10);
  const acks = [...b.packets];
  pair.network.cutPackets(b.host.address);
  a.send("b", MESSAGE);
  pair.pass(10);
  for (const ack of acks) a.receivePacket(ack);
  pair.pass(10_000);
  assertEquals(a.results, [[1, true], [2, false]]);
});

Deno.test("the ack of another message on a stream does not acknowledge this one", () => {
  const pair = new LinkPair({ seed: 8 });
  const { a, b } = pair;
  let ack: Uint8Array | undefined;
  const answer = (bytes: Uint8Array) => ack ??= b.link.receiveStream(b.host.address, bytes);
  a.endStreams((bytes) => ({ type: "closed", answer: answer(bytes)! }));
  a.send("b", MESSAGE);
  a.send("b", MESSAGE);
  pair.pass(100);
  assertEquals(a.results.toSorted(), [[1, true], [2, false]]);
});

Deno.test("without room for one more sender, no message addressed to the session is accepted", () => {
  const renewed: string[] = [];
  const sessions = sessionsOf({ renewed });
  const nameOf = (index: number) => `n${index}`;
  for (let index = 0; index < LINK_SESSIONS_MAX; index++) sessions.accept(headerOf(nameOf(index)));
  assertEquals([renewed, sessions.check(headerOf("n0"))?.reason], [[], "replayed"]);
  sessions.accept(headerOf(nameOf(LINK_SESSIONS_MAX)));
  assertEquals(renewed, ["07".repeat(8)]);
  for (const index of [0, LINK_SESSIONS_MAX]) {
    assertEquals(sessions.check(headerOf(nameOf(index)))?.reason, "wrong_session");
  }
});

Deno.test("a new session has room for as many senders again, and all headers carry it", () => {
  const renewed: string[] = [];
  const sessions = sessionsOf({ renewed, maxSessions: 2 });
  for (const name of ["a", "b", "c", "d"]) sessions.accept(headerOf(name));
  assertEquals([renewed.length, sessions.session], [1, "07".repeat(8)]);
  sessions.accept(headerOf("e"));
  assertEquals(renewed.length, 2);
  assertEquals(sessions.next("a")?.fromSession, sessions.session);
  assertEquals(sessions.ackHeader(headerOf("a"), "message_ack").fromSession, sessions.session);
});

Deno.test("sequence numbers to a member rise even if the member was evicted meanwhile", () => {
  const sessions = sessionsOf();
  for (let each = 0; each < 3; each++) sessions.next("first");
  for (let index = 0; index < LINK_SESSIONS_MAX; index++) sessions.next(`n${index}`);
  assertEquals(sessions.next("first")?.sequence, 4);
});

Deno.test("the least recently used member is evicted, beyond the limit", () => {
  const sessions = sessionsOf({ maxSessions: 2 });
  const sequences = (names: string) => [...names].map((name) => sessions.next(name)?.sequence);
  assertEquals(sequences("aaab"), [1, 2, 3, 1]);
  assertEquals(sequences("a"), [4], "nobody was evicted for the second");
  assertEquals(sequences("c"), [1], "b was evicted, whose last was 1");
  assertEquals(sequences("a"), [5]);
  assertEquals(sequences("b"), [2], "above the floor that b left");
  assertEquals(sequences("c"), [2], "c was evicted as well, whose last was 1");
  assertEquals(sequences("d"), [6], "a was evicted, whose last was 5");
  assertEquals(sequences("b"), [6], "b was evicted, and a's last was 5");
});

Deno.test("sequence numbers end at their maximum, which is accepted once", () => {
  const sessions = sessionsOf();
  const header = headerOf("a", SEQUENCE_MAX);
  assertEquals(sessions.check(header), undefined);
  sessions.accept(header);
  assertEquals(sessions.check(header)?.duplicate, true);
});

Deno.test("a message and its ack carry the sessions and the number, in opposite directions", () => {
  const sessions = sessionsOf();
  const header = { from: "self", fromSession: OWN_SESSION, toSession: PEER_SESSION };
  assertEquals(sessions.next("a"), { ...header, kind: "message", sequence: 1 });
  const ack = sessions.ackHeader(headerOf("a", 5), "fragment_ack");
  assertEquals(ack, { ...header, kind: "fragment_ack", sequence: 5 });
  assertEquals(sessions.next("unknown"), undefined);
});

Deno.test("a header is current as long as both sessions are", () => {
  const sessions = sessionsOf();
  const header = sessions.next("a")!;
  const other = "0".repeat(16);
  assertEquals(sessions.isCurrent("a", header), true);
  assertEquals(sessions.isCurrent("a", { ...header, toSession: other }), false);
  assertEquals(sessions.isCurrent("a", { ...header, fromSession: other }), false);
  assertEquals(sessions.isCurrent("unknown", header), false);
});

Deno.test("a refusal names the session or the number at fault", () => {
  const sessions = sessionsOf();
  const detail = (header: LinkHeader) => sessions.check(header)?.detail;
  const other = "0".repeat(16);
  sessions.accept(headerOf("a", REPLAY_WINDOW + 5));
  assertEquals(
    [
      { ...headerOf("a"), toSession: other },
      { ...headerOf("a"), fromSession: other },
      headerOf("unknown"),
      headerOf("a", REPLAY_WINDOW + 5),
      headerOf("a", 5),
      headerOf("a", 6),
    ].map(detail),
    [
      "receiver session 0000000000000000 is not this node's session 0000000000000001",
      "sender session 0000000000000000 is not current (known: 00000000000000aa)",
      "sender session 00000000000000aa is not current (known: none)",
      "sequence number 8165 was received before",
      "sequence number 5 is below the replay window of 8160",
      undefined,
    ],
  );
  assertEquals(sessions.check(headerOf("a", 5))?.duplicate, false);
});
