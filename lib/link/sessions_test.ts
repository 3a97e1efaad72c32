/** What was captured on its way is good for nothing: once, in its direction, and in its time. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { type LinkNode, LinkPair } from "../../tests/support/link_pair.ts";
import { LINK_SESSIONS_MAX } from "../limits.ts";
import type { Peer } from "../gossip/types.ts";
import { decodeLinkHead, encodeLinkHead, type LinkHead } from "./header.ts";
import { Links } from "./sessions.ts";
import { REPLAY_WINDOW, ReplayWindow } from "./replay_window.ts";

const MESSAGE = Uint8Array.of(1, 2, 3);

function reasons(node: LinkNode): string[] {
  return node.drops.map(({ reason }) => reason);
}

Deno.test("what came on a stream comes once", () => {
  const { a, b } = new LinkPair({ seed: 1 });
  const captured = a.capture("b", MESSAGE);
  assert(b.receive(captured));
  assert(!b.receive(captured), "no receipt for what was captured");
  assertEquals(b.taken, [{ from: "a", message: MESSAGE }]);
  assertEquals(reasons(b), ["replayed"]);
});

Deno.test("a message that is thrown back at its sender is refused", () => {
  const { a } = new LinkPair({ seed: 2 });
  assert(!a.receive(a.capture("b", MESSAGE)));
  assertEquals([a.taken, reasons(a)], [[], ["wrong_session"]]);
});

Deno.test("a message is good for its receiver alone, and not after that has started again", () => {
  const { a, b } = new LinkPair({ seed: 3 });
  const captured = a.capture("b", MESSAGE);
  const early = a.capture("b", MESSAGE);
  assert(b.receive(early));
  b.start();
  for (const bytes of [captured, early]) assert(!b.receive(bytes));
  assertEquals(b.taken.length, 1);
  assertEquals(reasons(b), ["wrong_session", "wrong_session"]);
  assert(b.receive(a.capture("b", MESSAGE)), "a knows b's new life");
});

Deno.test("a sender that has started again: its old messages are refused, its new ones taken once known", () => {
  const pair = new LinkPair({ seed: 4 });
  const { a, b } = pair;
  const used = a.capture("b", MESSAGE);
  const unused = a.capture("b", MESSAGE);
  assert(b.receive(used));
  const elder = a.session;
  a.start();
  assertEquals([b.receive(used), b.receive(unused)], [false, false]);
  assert(b.receive(a.capture("b", MESSAGE)));
  // An attacker brings the elder life's meta back: what came in it comes no more.
  a.session = elder;
  assert(!b.receive(used));
  assertEquals(reasons(b), ["wrong_session", "wrong_session", "replayed"]);
});

Deno.test("a sender whose new life is not known yet is refused, and has no receipt", () => {
  const pair = new LinkPair({ seed: 5 });
  const { a, b } = pair;
  a.start({ known: false });
  a.send("b", MESSAGE);
  pair.pass(10);
  assertEquals([a.results, b.taken], [[[1, false]], []]);
  a.session = a.transport.session;
  a.send("b", MESSAGE);
  pair.pass(10);
  assertEquals([a.results.at(-1), b.taken.length], [[2, true], 1]);
});

Deno.test("packets that are sent again later bring nothing and cost nothing", () => {
  const pair = new LinkPair({ seed: 6 });
  const { a, b } = pair;
  b.peer = { degraded: "udp" };
  a.send("b", new Uint8Array(10_000));
  pair.pass(100);
  assertEquals(b.taken.length, 1);
  const told = b.packets.length;
  for (const packet of a.packets) b.receivePacket(packet);
  assertEquals(b.taken.length, 1);
  assertEquals(b.transport.held, { messages: 0, bytes: 0 });
  assertEquals(b.packets.length - told, a.packets.length, "a word each, no longer than the packet");
  for (const packet of a.packets) a.receivePacket(packet);
  assertEquals(new Set(reasons(a)), new Set(["wrong_session"]));
  b.start();
  for (const packet of a.packets) b.receivePacket(packet);
  assertEquals([b.taken.length, b.transport.held.messages], [1, 0]);
});

Deno.test("a receipt and a word of parts is good for what it answers alone", () => {
  const pair = new LinkPair({ seed: 7 });
  const { a, b } = pair;
  b.peer = { degraded: "udp" };
  a.send("b", MESSAGE);
  pair.pass(10);
  const words = [...b.packets];
  pair.network.cutPackets(b.host.address);
  a.send("b", MESSAGE);
  pair.pass(10);
  for (const word of words) a.receivePacket(word);
  pair.pass(10_000);
  assertEquals(a.results, [[1, true], [2, false]]);
});

Deno.test("a receipt of another message does not pass for this one's", () => {
  const pair = new LinkPair({ seed: 8 });
  const { a, b } = pair;
  let receipt: Uint8Array | undefined;
  const answer = (bytes: Uint8Array) =>
    receipt ??= b.transport.receiveStream(b.host.address, bytes);
  b.host.start({ packet: () => {}, stream: (_from, bytes) => answer(bytes) });
  a.send("b", MESSAGE);
  a.send("b", MESSAGE);
  pair.pass(100);
  assertEquals(a.results.toSorted(), [[1, true], [2, false]]);
});

Deno.test("numbers that are far behind the highest count as come", () => {
  const window = new ReplayWindow();
  assertEquals(window.judge(1), "new");
  for (const number of [3, 1, 2, 40, REPLAY_WINDOW + 1]) {
    assertEquals(window.judge(number), "new", `${number}`);
    window.add(number);
    assertEquals(window.judge(number), "repeated", `${number}`);
  }
  assertEquals([window.judge(1), window.judge(4)], ["too_old", "new"]);
  window.add(10 * REPLAY_WINDOW);
  assertEquals(window.judge(9 * REPLAY_WINDOW), "too_old");
  assertEquals(window.judge(9 * REPLAY_WINDOW + 1), "new");
});

Deno.test("in any order, no number is new twice", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const window = new ReplayWindow();
    const come = new Set<number>();
    let state = seed;
    let highest = 0;
    for (let step = 0; step < 20_000; step++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      const jump = state % 1_000 === 0 ? 20_000 : 50;
      const number = Math.max(1, highest - REPLAY_WINDOW - 100 + state % (REPLAY_WINDOW + jump));
      const verdict = window.judge(number);
      if (come.has(number)) assertNotEquals(verdict, "new", `seed ${seed}: ${number}`);
      else assertEquals(verdict, number > highest - REPLAY_WINDOW ? "new" : "too_old");
      if (verdict !== "new") continue;
      window.add(number);
      come.add(number);
      highest = Math.max(highest, number);
    }
  }
});

Deno.test("where there is no room for one more sender all that was addressed here before is worth nothing", () => {
  const peerOf = (name: string): Peer => ({
    name,
    address: { host: "10.0.0.1", port: 1 },
    state: "alive",
    runsGossipcheck: true,
    tags: new Map(),
    session: "00000000000000aa",
  });
  const renewed: string[] = [];
  const links = new Links({
    peers: { self: peerOf("self"), peers: () => [], peer: peerOf },
    session: "0000000000000001",
    random: { next: () => 0, bytes: (length) => new Uint8Array(length).fill(7) },
    renewed: (session) => renewed.push(session),
  });
  const headOf = (index: number): LinkHead => ({
    kind: "message",
    to: "0000000000000001",
    from: `n${index}`,
    fromSession: "00000000000000aa",
    number: 1,
  });
  for (let index = 0; index < LINK_SESSIONS_MAX; index++) links.accept(headOf(index));
  assertEquals([renewed, links.check(headOf(0))?.reason], [[], "replayed"]);
  links.accept(headOf(LINK_SESSIONS_MAX));
  assertEquals(renewed, ["07".repeat(8)]);
  for (const index of [0, LINK_SESSIONS_MAX]) {
    assertEquals(links.check(headOf(index))?.reason, "wrong_session");
  }
});

Deno.test("numbers to a member rise also where it was forgotten between", () => {
  const { a } = new LinkPair({ seed: 9 });
  const view = { session: "00000000000000aa" };
  const peer = (name: string): Peer => ({
    ...{ name, address: a.host.address, state: "alive", runsGossipcheck: true, tags: new Map() },
    ...view,
  });
  const links = new Links({
    peers: { self: peer("self"), peers: () => [], peer },
    session: "0000000000000001",
    random: { next: () => 0, bytes: (length) => new Uint8Array(length) },
    renewed: () => {},
  });
  for (let each = 0; each < 3; each++) links.next("first", "message");
  for (let index = 0; index < LINK_SESSIONS_MAX; index++) links.next(`n${index}`, "message");
  assertEquals(links.next("first", "message")?.number, 4);
});

Deno.test("heads survive the way; every other form is refused", () => {
  const head: LinkHead = {
    kind: "fragment",
    to: "0123456789abcdef",
    from: "knüppel",
    fromSession: "fedcba9876543210",
    number: 2 ** 48 - 1,
  };
  const bytes = encodeLinkHead(head);
  assertEquals(decodeLinkHead(bytes), { head, body: new Uint8Array(0) });
  for (let length = 0; length < bytes.length; length++) {
    assertThrowsWire(bytes.subarray(0, length));
  }
  for (const [at, value] of [[0, 2], [1, 0], [1, 5], [24, 0], [25, 0xff]]) {
    const bad = bytes.slice();
    bad[at!] = value!;
    assertThrowsWire(bad);
  }
});

function assertThrowsWire(bytes: Uint8Array): void {
  try {
    decodeLinkHead(bytes);
  } catch (error) {
    return assertEquals((error as Error).name, "WireError");
  }
  throw new Error(`${bytes.toHex()} was taken for a head`);
}
