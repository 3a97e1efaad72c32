import { assertEquals } from "@std/assert";
import type { DropReason } from "../errors.ts";
import { encodeFragment, encodeFragmentAck } from "./fragments.ts";
import { decodeLinkHeader, encodeLinkHeader, type LinkHeader, withLinkHeader } from "./header.ts";
import { Link } from "./link.ts";
import type { LinkPeer, LinkTimer, StreamSend } from "./types.ts";

const MESSAGE = new Uint8Array(50).fill(9);
const OWN = "0000000000000001";
const PEER = "00000000000000aa";
const OTHER = "ffffffffffffffff";
const AT = { host: "10.9.9.9", port: 9 };
/** The header of the ack of the first message to `b`. */
const ACK: LinkHeader = {
  ...{ kind: "message_ack", toSession: OWN, from: "b", fromSession: PEER, sequence: 1 },
};

/** The machine of a node that has one peer, `b`, with a record of its effects. */
class Bench {
  peer: LinkPeer | undefined = { state: "alive", session: PEER };
  readonly streams: StreamSend[] = [];
  readonly packets: Uint8Array[] = [];
  readonly timers: [LinkTimer, delayMs: number][] = [];
  readonly results: [number, boolean][] = [];
  readonly delivered: [Uint8Array, string][] = [];
  readonly reachable: [string, boolean][] = [];
  readonly drops: [DropReason, string, string][] = [];
  readonly link: Link;

  constructor() {
    this.link = new Link({
      peers: { self: { name: "a" }, peer: (name) => name === "b" ? this.peer : undefined },
      session: OWN,
      packetRoomBytes: () => 1_350,
      clock: { nowMs: () => 0, wallMs: () => 0 },
      random: { next: () => 0, bytes: (length) => new Uint8Array(length) },
      effects: {
        openStream: (send) => this.streams.push(send),
        sendPacket: (_to, payload) => this.packets.push(payload),
        setTimer: (delayMs, timer) => this.timers.push([timer, delayMs]),
        sent: (id, ok) => this.results.push([id, ok]),
        deliver: (message, from) => this.delivered.push([message, from]),
        reachable: (name, ok) => this.reachable.push([name, ok]),
        drop: (reason, { from, detail }) => this.drops.push([reason, from, detail]),
        sessionChanged: () => {},
      },
    });
  }

  send(id: number, options: { readonly timeoutMs?: number } = {}): void {
    const { timeoutMs = 10_000 } = options;
    this.link.send({ id, to: { name: "b", address: AT }, message: MESSAGE, timeoutMs });
  }

  /** Sends a message whose stream is closed with this answer. */
  answered(answer: Uint8Array): [number, boolean] | undefined {
    this.send(7);
    this.link.streamEnded(7, { type: "closed", answer });
    return this.results.at(-1);
  }
}

Deno.test("a message to a member without a session fails at once, but not inside the call", () => {
  const bench = new Bench();
  bench.peer = { state: "alive" };
  bench.send(5);
  assertEquals([bench.results, bench.streams], [[], []]);
  assertEquals(bench.timers, [[{ type: "send_failed", id: 5 }, 0]]);
  bench.link.fire({ type: "send_failed", id: 5 });
  assertEquals(bench.results, [[5, false]]);
});

Deno.test("a message whose stream failed is sent in packets only to a member that may receive them", () => {
  const cases: [LinkPeer | undefined, boolean][] = [
    [{ state: "alive", session: PEER }, true],
    [{ state: "suspect", session: PEER }, true],
    [{ state: "dead", session: PEER }, false],
    [{ state: "left", session: PEER }, false],
    [{ state: "alive", session: PEER, degraded: "udp" }, true],
    [{ state: "alive", session: PEER, degraded: "tcp" }, false],
    [{ state: "alive", session: OTHER }, false],
    [{ state: "alive" }, false],
    [undefined, false],
  ];
  for (const [peer, expected] of cases) {
    const bench = new Bench();
    bench.send(1);
    bench.peer = peer;
    bench.link.streamEnded(1, { type: "failed" });
    assertEquals(bench.reachable, [["b", false]]);
    assertEquals(bench.packets.length, expected ? 1 : 0, JSON.stringify(peer));
    assertEquals(bench.results, expected ? [] : [[1, false]]);
  }
});

Deno.test("fragments have the header of the message, and fit a packet", () => {
  const bench = new Bench();
  bench.send(1);
  bench.link.streamEnded(1, { type: "failed" });
  bench.peer = { state: "alive", session: PEER, degraded: "udp" };
  bench.link.send({
    ...{ id: 2, to: { name: "b", address: AT }, timeoutMs: 1 },
    message: new Uint8Array(5_000),
  });
  const headers = bench.packets.map((packet) => decodeLinkHeader(packet).header);
  const fragment = { kind: "fragment", toSession: PEER, from: "a", fromSession: OWN };
  assertEquals(headers[0], { ...fragment, sequence: 1 });
  assertEquals(headers[1], { ...fragment, sequence: 2 });
  assertEquals(Math.max(...bench.packets.map(({ length }) => length)), 1_350);
});

Deno.test("a stream has 3.5 seconds to open, or its timeout if that is shorter or only TCP works", () => {
  const bench = new Bench();
  const connectTimeouts = [10_000, 3_000].map((timeoutMs, index) => {
    bench.send(index, { timeoutMs });
    return bench.streams.at(-1)?.connectTimeoutMs;
  });
  assertEquals(connectTimeouts, [3_500, 3_000]);
  bench.peer = { state: "alive", session: PEER, degraded: "tcp" };
  bench.send(3);
  const { connectTimeoutMs, timeoutMs, header, message } = bench.streams.at(-1)!;
  assertEquals([connectTimeoutMs, timeoutMs], [10_000, 10_000]);
  const expected = { ...ACK, kind: "message", toSession: PEER, from: "a", fromSession: OWN };
  assertEquals(decodeLinkHeader(header).header, { ...expected, sequence: 3 } as LinkHeader);
  assertEquals(message, MESSAGE);
});

Deno.test("only the ack of the very message acknowledges it", () => {
  const good = new Bench();
  assertEquals(good.answered(encodeLinkHeader(ACK)), [7, true]);
  assertEquals(good.reachable, [["b", true]]);
  const changes: Partial<LinkHeader>[] = [
    { kind: "message" },
    { kind: "fragment_ack" },
    { from: "c" },
    { fromSession: OTHER },
    { toSession: OTHER },
    { sequence: 2 },
  ];
  for (const change of changes) {
    const bench = new Bench();
    assertEquals(bench.answered(encodeLinkHeader({ ...ACK, ...change })), [7, false]);
    assertEquals([bench.reachable, bench.drops, bench.packets], [[], [], []]);
  }
  const empty = new Bench();
  assertEquals([empty.answered(new Uint8Array(0)), empty.drops], [[7, false], []]);
  const bad = new Bench();
  assertEquals(bad.answered(Uint8Array.of(3)), [7, false]);
  const detail = "unsupported link protocol version 3 (this node speaks 1)";
  assertEquals(bad.drops, [["bad_version", "b", detail]]);
});

Deno.test("the end of a stream counts once, and that of an unknown one not at all", () => {
  const bench = new Bench();
  bench.send(1);
  bench.link.streamEnded(2, { type: "failed" });
  assertEquals([bench.results, bench.reachable], [[], []]);
  const answer = encodeLinkHeader(ACK);
  bench.link.streamEnded(1, { type: "closed", answer });
  bench.link.streamEnded(1, { type: "closed", answer });
  bench.link.streamEnded(1, { type: "failed" });
  assertEquals([bench.results, bench.reachable], [[[1, true]], [["b", true]]]);
});

Deno.test("input that does not belong on its transport, or not here, is dropped by its kind", () => {
  const bench = new Bench();
  const header: LinkHeader = { ...ACK, kind: "message", sequence: 5 };
  const kinds = ["message", "message_ack", "fragment", "fragment_ack"] as const;
  const fragment = encodeFragment({
    ...{ totalBytes: 600, fragmentBytes: 600, index: 0, ackNow: false },
    bytes: new Uint8Array(600),
  });
  const bodies = [
    Uint8Array.of(1, 2, 3),
    new Uint8Array(0),
    fragment,
    encodeFragmentAck("complete"),
  ];
  for (const toSession of [OWN, OTHER]) {
    kinds.forEach((kind, index) => {
      const payload = withLinkHeader({ ...header, kind, toSession }, bodies[index]!);
      const ack = bench.link.receiveStream(AT, payload);
      assertEquals(ack !== undefined, kind === "message" && toSession === OWN);
      bench.link.receivePacket(AT, payload);
    });
  }
  const onStream = "unexpected on a stream, expected message";
  const inPacket = "unexpected in a packet, expected fragment or fragment_ack";
  const here = `receiver session ${OTHER} is not this node's session ${OWN}`;
  assertEquals(bench.drops, [
    ["unexpected", "b", `message: ${inPacket}`],
    ["unexpected", "b", `message_ack: ${onStream}`],
    ["unexpected", "b", `message_ack: ${inPacket}`],
    ["unexpected", "b", `fragment: ${onStream}`],
    ["unexpected", "b", `fragment_ack: ${onStream}`],
    ["wrong_session", "b", `message: ${here}`],
    ["unexpected", "b", `message: ${inPacket}`],
    ["unexpected", "b", `message_ack: ${onStream}`],
    ["unexpected", "b", `message_ack: ${inPacket}`],
    ["unexpected", "b", `fragment: ${onStream}`],
    ["wrong_session", "b", `fragment: ${here}`],
    ["unexpected", "b", `fragment_ack: ${onStream}`],
    ["wrong_session", "b", `fragment_ack: ${here}`],
  ]);
  assertEquals(bench.delivered, [[Uint8Array.of(1, 2, 3), "b"]]);
});

Deno.test("bytes that are no message are dropped under their address", () => {
  const bench = new Bench();
  assertEquals(bench.link.receiveStream(AT, Uint8Array.of(1)), undefined);
  bench.link.receivePacket(
    AT,
    withLinkHeader({ ...ACK, kind: "fragment" }, Uint8Array.of(1, 2, 3)),
  );
  bench.link.receivePacket(AT, withLinkHeader({ ...ACK, kind: "fragment_ack" }, Uint8Array.of(1)));
  assertEquals(bench.drops.map(([reason, from]) => [reason, from]), [
    ["truncated", "10.9.9.9:9"],
    ["truncated", "b"],
    ["malformed", "b"],
  ]);
});

Deno.test("an ack that ends a message is still valid after its receiver renewed its session", () => {
  const bench = new Bench();
  bench.peer = { state: "alive", session: PEER, degraded: "udp" };
  bench.send(1);
  bench.peer = { state: "alive", session: OTHER };
  const ack = withLinkHeader({ ...ACK, kind: "fragment_ack" }, encodeFragmentAck("complete"));
  bench.link.receivePacket(AT, ack);
  assertEquals(bench.results, [[1, true]]);
});
