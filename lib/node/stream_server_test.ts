/** What goes over TCP between nodes, at both ends, in memory and virtual time. */
import type { NodeReference } from "../address.ts";
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { MemoryNetwork } from "../../tests/support/memory_network.ts";
import { settle, VirtualTime } from "../../tests/support/virtual_time.ts";
import { newSession } from "../link/header.ts";
import type { Peer, PeerView } from "../gossip/types.ts";
import { STREAM_DEADLINE_MS, STREAMS_MAX_BYTES, STREAMS_MAX_PER_HOST } from "../limits.ts";
import type { ByteStream } from "../runtime.ts";
import type { Exchange } from "../swim/types.ts";
import { Envelope } from "../wire/envelope.ts";
import { Keyring } from "../wire/keyring.ts";
import type { StreamMessage } from "../wire/messages.ts";
import { Drops } from "./drops.ts";
import { GossipHost } from "./gossip_host.ts";
import { StreamServer } from "./stream_server.ts";
import { SwimHost } from "./swim_host.ts";

const AT = { host: "127.0.0.1", port: 7000 };
const PING: StreamMessage = { type: "ping", sequence: 7, targetName: "a" };
const ACK: StreamMessage = { type: "ack", sequence: 7, payload: new Uint8Array() };

const random = { next: () => 0.5, bytes: (length: number) => new Uint8Array(length) };
const log = { write() {} };

/** A server that acks pings and takes what its gossip host does, on a network of its own. */
function bench(options: { bufferBytes?: number; key?: Uint8Array } = {}) {
  const envelope = envelopeWith(options.key);
  const network = new MemoryNetwork({ bufferBytes: options.bufferBytes ?? 1000 });
  const time = new VirtualTime();
  const received: StreamMessage[] = [];
  const drops = new Drops({ log, timers: time });
  const peer = gossipEnd("peer", { envelope, network, time, drops });
  const server = new StreamServer({
    listener: network.listenStreams(AT),
    envelope,
    timers: time,
    drops,
    onMessage: (from, message) => {
      received.push(message);
      if (message.type === "user") {
        return peer.host.receiveUserMessage({ from, payload: message.payload, carrier: "stream" });
      }
      return message.type === "ping" ? envelope.sealStream(ACK) : undefined;
    },
  });
  const running = server.run();
  const close = async () => {
    server.close();
    await running;
  };
  const reasons = () => Object.fromEntries([...drops.counts()].filter(([, count]) => count > 0));
  return { envelope, network, time, drops, received, peer, reasons, close };
}

type Bench = ReturnType<typeof bench>;

function envelopeWith(key: Uint8Array | undefined): Envelope {
  const keyring = key && new Keyring({ keys: [key] });
  return new Envelope({ label: "", keyring, random, compress: false });
}

/** Everybody's session. */
const SESSIONS = new Map(
  ["me", "peer", "deaf"].map((name, index) => [
    name,
    newSession({ bytes: (length) => new Uint8Array(length).fill(index) }),
  ]),
);

function peersOf(self: string): PeerView {
  const peerOf = (name: string): Peer => ({
    ...{ name, address: AT, state: "alive", runsGossipcheck: true, tags: new Map() },
    ...(SESSIONS.has(name) ? { session: SESSIONS.get(name)! } : {}),
  });
  return { self: peerOf(self), peers: () => [], peer: peerOf };
}

/** What both ends of the gossip between nodes share. */
interface GossipSetting {
  readonly envelope: Envelope;
  readonly network: MemoryNetwork;
  readonly time: VirtualTime;
  readonly drops: Drops;
}

/** One end. */
function gossipEnd(name: string, { envelope, network, time, drops }: GossipSetting) {
  const sent: [number, boolean][] = [];
  const reachable: [string, boolean][] = [];
  const taken: [string, Uint8Array][] = [];
  const packets: [string, Uint8Array][] = [];
  const host = new GossipHost({
    ...{ network, timers: time, envelope, drops, random },
    clock: time,
    peers: peersOf(name),
    session: SESSIONS.get(name)!,
    members: {
      sendUserPacket: (to, payload) => packets.push([to, payload]) > 0,
      streamWorked: (to) => void reachable.push([to, true]),
      streamFailed: (to) => void reachable.push([to, false]),
    },
    machine: {
      fire() {},
      sent: (id, ok) => void sent.push([id, ok]),
      persisted() {},
      receive: (message, from) => void taken.push([from, message]),
    },
    store: { keep() {} },
    onEvent: () => {},
    onSession: () => {},
  });
  return { host, sent, reachable, taken, packets };
}

function swimHost({ network, time, envelope }: Bench) {
  const calls: [Exchange, StreamMessage | string][] = [];
  const socket = {
    local: AT,
    send() {},
    receive: () => Promise.resolve(undefined),
    close() {},
  };
  const host = new SwimHost({
    socket,
    network,
    timers: time,
    envelope,
    machine: {
      fire() {},
      receiveReply: (exchange, message) => void calls.push([exchange, message]),
      exchangeFailed: (exchange, reason) => void calls.push([exchange, reason]),
    },
    onEvent: () => {},
  });
  return { host, calls };
}

const PEER: NodeReference = { name: "peer", address: AT };
const EXCHANGE: Exchange = { id: 1, purpose: "ping", to: AT };

async function connect(network: MemoryNetwork): Promise<ByteStream> {
  return await network.connect(AT, { timeoutMs: 1000 });
}

Deno.test("an exchange brings its one reply", async () => {
  const setting = bench();
  const { host, calls } = swimHost(setting);
  host.openExchange(EXCHANGE, setting.envelope.sealStream(PING), 500);
  assertEquals(calls, [], "never from inside the call");
  await setting.time.pass(0);
  assertEquals(calls, [[EXCHANGE, ACK]]);
  assertEquals(setting.time.pending, 0);
  await setting.close();
});

Deno.test("an exchange that is refused, unanswered or late fails once, with a reason", async () => {
  const setting = bench();
  const { host, calls } = swimHost(setting);
  const nowhere = { ...EXCHANGE, id: 2, to: { ...AT, port: 1 } };
  host.openExchange(nowhere, new Uint8Array(1), 500);
  await settle();
  const silent = setting.network.listenStreams({ ...AT, port: 7001 });
  const late = { ...EXCHANGE, id: 3, to: silent.local };
  host.openExchange(late, new Uint8Array(5000), 500);
  await setting.time.pass(499);
  assertEquals(calls.map(([{ id }]) => id), [2]);
  await setting.time.pass(1);
  assertEquals(calls.map(([{ id }]) => id), [2, 3]);
  assertStringIncludes(String(calls[1]?.[1]), "within 500 ms");
  await setting.close();
});

Deno.test("a send is done when the peer has taken it and closed", async () => {
  const setting = bench();
  const { host, sent, reachable } = gossipEnd("me", setting);
  const message = new Uint8Array(5000).fill(3);
  host.send({ id: 1, to: PEER, message, timeoutMs: 1000 });
  assertEquals(sent, []);
  await setting.time.pass(0);
  assertEquals([sent, reachable], [[[1, true]], [["peer", true]]]);
  assertEquals(setting.peer.taken, [["me", message]]);
  await setting.close();
});

Deno.test("a peer that takes no bytes, or takes them and says nothing, fails its own send alone", async () => {
  const setting = bench();
  const { host, sent, packets } = gossipEnd("me", setting);
  const deaf = {
    name: "deaf",
    address: setting.network.listenStreams({ ...AT, port: 7001 }).local,
  };
  host.send({ id: 1, to: deaf, message: new Uint8Array(50_000), timeoutMs: 1000 });
  host.send({ id: 2, to: deaf, message: new Uint8Array(10), timeoutMs: 1000 });
  host.send({ id: 3, to: PEER, message: new Uint8Array(50_000), timeoutMs: 1000 });
  await setting.time.pass(0);
  assertEquals(sent, [[3, true]]);
  await setting.time.pass(1000);
  // Streams failed, so packets have their turn, and nobody answers those either.
  assertEquals(sent, [[3, true]]);
  assertEquals([...new Set(packets.map(([to]) => to))], ["deaf"]);
  await setting.time.pass(7000);
  assertEquals(sent.toSorted(), [[1, false], [2, false], [3, true]]);
  await setting.close();
});

Deno.test("a message that was captured and comes again is not taken, not answered, and counted", async () => {
  const setting = bench();
  const { host } = gossipEnd("me", setting);
  host.send({ id: 1, to: PEER, message: new Uint8Array([7]), timeoutMs: 1000 });
  await setting.time.pass(0);
  const [captured] = setting.received;
  const again = await connect(setting.network);
  await again.write(setting.envelope.sealStream(captured!));
  assertEquals(await again.read(new Uint8Array(1)), undefined);
  assertEquals([setting.peer.taken.length, setting.reasons()], [1, { replayed: 1 }]);
  await setting.close();
});

Deno.test("after close nothing is called back", async () => {
  const setting = bench();
  const swim = swimHost(setting);
  const gossip = gossipEnd("me", setting);
  swim.host.openExchange(EXCHANGE, setting.envelope.sealStream(PING), 500);
  gossip.host.send({ id: 1, to: PEER, message: new Uint8Array(1), timeoutMs: 500 });
  swim.host.close();
  gossip.host.close();
  swim.host.setTimer(1, { type: "probe", generation: 1 });
  await setting.time.pass(1000);
  assertEquals([swim.calls, gossip.sent], [[], []]);
  await setting.close();
});

Deno.test("bad bytes close their connection, are counted, and reach no machine", async () => {
  const setting = bench();
  const bad = await connect(setting.network);
  await bad.write(new Uint8Array([99, 1, 2, 3]));
  assertEquals(await bad.read(new Uint8Array(1)), undefined);
  assertEquals(setting.reasons(), { unknown_type: 1 });
  assertEquals(setting.received, []);
  await setting.close();
});

Deno.test("no key, a wrong key and noise: the connection closes at once, without a byte", async () => {
  const setting = bench({ key: new Uint8Array(32).fill(1) });
  const message: StreamMessage = { type: "user", payload: new Uint8Array(100) };
  const wrong = envelopeWith(new Uint8Array(32).fill(2)).sealStream(message);
  const sayings: [string, Uint8Array][] = [
    ["not_encrypted", envelopeWith(undefined).sealStream(message)],
    ["not_encrypted", envelopeWith(undefined).sealStream(PING)],
    ["not_encrypted", new Uint8Array(wrong.length).fill(99)],
    ["not_decryptable", wrong],
    ["not_decryptable", wrong.map((byte, index) => index < 6 ? byte : byte ^ 5)],
  ];
  const counts: Record<string, number> = {};
  for (const [reason, bytes] of sayings) {
    const stream = await connect(setting.network);
    await stream.write(bytes);
    assertEquals(await stream.read(new Uint8Array(1)), undefined, reason);
    counts[reason] = (counts[reason] ?? 0) + 1;
    assertEquals([setting.time.nowMs(), setting.reasons()], [0, counts]);
  }
  const friend = await connect(setting.network);
  await friend.write(setting.envelope.sealStream(PING));
  assert(await friend.read(new Uint8Array(1)) !== undefined);
  await setting.close();
});

Deno.test("a message byte by byte is a message; a connection without a word is nothing", async () => {
  const setting = bench();
  const check = await connect(setting.network);
  check.close();
  const slow = await connect(setting.network);
  for (const byte of setting.envelope.sealStream(PING)) {
    await slow.write(new Uint8Array([byte]));
    await settle();
  }
  const buffer = new Uint8Array(100);
  const count = await slow.read(buffer);
  assertEquals(buffer.subarray(0, count), setting.envelope.sealStream(ACK));
  assertEquals([setting.received.length, setting.reasons()], [1, {}]);
  await setting.close();
});

Deno.test("a connection that ends within a message is counted", async () => {
  const setting = bench();
  const cut = await connect(setting.network);
  await cut.write(setting.envelope.sealStream(PING).subarray(0, -1));
  cut.close();
  await settle();
  assertEquals([setting.received.length, setting.reasons()], [0, { truncated: 1 }]);
  await setting.close();
});

Deno.test("a connection that dribbles is closed at the deadline", async () => {
  const setting = bench();
  const slow = await connect(setting.network);
  const bytes = setting.envelope.sealStream({ type: "user", payload: new Uint8Array(100) });
  for (let index = 0; index < 9; index++) {
    await slow.write(bytes.subarray(index, index + 1));
    await setting.time.pass(STREAM_DEADLINE_MS / 10);
  }
  assertEquals(setting.reasons(), {});
  await setting.time.pass(STREAM_DEADLINE_MS / 10);
  assertEquals(setting.reasons(), { timed_out: 1 });
  assertInstanceOf(await slow.write(new Uint8Array(1)).catch((error) => error), Error);
  await setting.close();
});

Deno.test("one host has so many connections, and its oldest silent one makes room for its next", async () => {
  const setting = bench();
  const open = await Promise.all(
    Array.from({ length: STREAMS_MAX_PER_HOST }, () => connect(setting.network)),
  );
  await settle();
  const next = await connect(setting.network);
  assertEquals(await open[0]?.read(new Uint8Array(1)), undefined);
  assertEquals(setting.reasons(), { too_many: 1 });
  for (const stream of [next, open[1]]) {
    await stream?.write(setting.envelope.sealStream(PING));
    assert(await stream?.read(new Uint8Array(1)) !== undefined);
  }
  await setting.close();
});

Deno.test("unfinished messages take so much memory in all, and the oldest large one is given up", async () => {
  const setting = bench({ bufferBytes: STREAMS_MAX_BYTES });
  const payload = new Uint8Array(STREAMS_MAX_BYTES / 5);
  const whole = setting.envelope.sealStream({ type: "user", payload });
  const [small, ...large] = await Promise.all([..."123456"].map(() => connect(setting.network)));
  await small?.write(whole.subarray(0, 1000));
  for (const stream of large) {
    await stream.write(whole.subarray(0, -1));
    await settle();
  }
  assertEquals(setting.reasons(), { too_many: 1 });
  assertEquals(await large[0]?.read(new Uint8Array(1)), undefined);
  await small?.write(whole.subarray(1000));
  await large[1]?.write(whole.subarray(-1));
  await settle();
  assertEquals(setting.received.length, 2);
  await setting.close();
});
