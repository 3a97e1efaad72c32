import { assertEquals } from "@std/assert";
import { Schedule } from "../../tests/support/world_time.ts";
import { decodeFragment, type Fragment, type FragmentAck, fragmentBytesFor } from "./fragments.ts";
import { FragmentSender, type RetransmitTimer } from "./fragment_sender.ts";
import { type LinkHeader, linkHeaderBytes } from "./header.ts";

const ROOM_BYTES = 1_050;
/** Content of a packet that has a name of one byte. */
const FRAGMENT_BYTES = fragmentBytesFor(ROOM_BYTES - linkHeaderBytes("a"));
const MIB = 1024 * 1024;

/** A packet as it was sent. */
interface Packet {
  readonly sequence: number;
  readonly body: Uint8Array;
  readonly atMs: number;
}

/** A sender in virtual time, with a record of its effects. */
class Bench {
  readonly schedule = new Schedule();
  readonly packets: Packet[] = [];
  readonly done: [id: number, ok: boolean, atMs: number][] = [];
  current = true;
  /** The timer set last. */
  timer: RetransmitTimer | undefined;
  readonly sender: FragmentSender;
  #last = 0;

  /** With `timersRun: false` only `fireAt` fires a timer. */
  constructor(options: { readonly timersRun?: boolean } = {}) {
    const nowMs = () => this.schedule.nowMs;
    this.sender = new FragmentSender({
      clock: { nowMs, wallMs: nowMs },
      effects: {
        sendPacket: (_to, { header: { sequence }, body }) =>
          this.packets.push({ sequence, body, atMs: nowMs() }),
        setTimer: (delayMs, timer) => {
          this.timer = timer;
          if (options.timersRun ?? true) {
            this.schedule.after(delayMs, () => this.sender.fire(timer));
          }
        },
        done: (id, ok) => this.done.push([id, ok, nowMs()]),
        isCurrent: () => this.current,
      },
    });
  }

  /** Sends a message of a length to `b`; its id and sequence number are the same. */
  send(length: number, to = "b"): number {
    const id = ++this.#last;
    const message = new Uint8Array(length);
    this.sender.send({ id, to, header: headerOf(id), message, roomBytes: ROOM_BYTES });
    return id;
  }

  /** Acknowledges fragments of a message; `complete` by default. */
  ack(sequence: number, indices?: readonly number[]): void {
    this.sender.acknowledged(ackHeader(sequence), ackOf(indices));
  }

  /** The fragments sent since the last call. */
  fragments(): Fragment[] {
    return this.packets.splice(0).map(({ body }) => decodeFragment(body));
  }

  /** What was sent since the last call, as `sequence:index`. */
  sent(): string[] {
    return this.packets.splice(0)
      .map(({ sequence, body }) => `${sequence}:${decodeFragment(body).index}`);
  }

  /** The sequence numbers of what was sent since the last call. */
  sequences(): Set<number> {
    return new Set(this.packets.splice(0).map(({ sequence }) => sequence));
  }

  /** Fires the latest timer at a time; returns how many messages have ended by then. */
  fireAt(atMs: number): number {
    this.schedule.pass(atMs - this.schedule.nowMs);
    this.sender.fire(this.timer!);
    return this.done.length;
  }

  pass(ms: number): void {
    this.schedule.pass(ms);
  }
}

function headerOf(sequence: number): LinkHeader {
  return { kind: "fragment", toSession: "bb", from: "a", fromSession: "aa", sequence };
}

function ackHeader(sequence: number): LinkHeader {
  return { kind: "fragment_ack", toSession: "aa", from: "b", fromSession: "bb", sequence };
}

function ackOf(indices: readonly number[] | undefined): FragmentAck {
  if (indices === undefined) return { complete: true };
  const bitmap = new Uint8Array(256);
  for (const index of indices) bitmap[index >> 3]! |= 1 << (index & 7);
  return { complete: false, base: 0, bitmap };
}

/** `count` indices from `first`. */
function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

Deno.test("a packet that is not acknowledged is retransmitted with back-off, for five seconds", () => {
  const bench = new Bench();
  bench.send(100);
  bench.pass(60_000);
  const times = bench.packets.map(({ atMs }) => atMs);
  assertEquals(times.slice(0, 3), [0, 250, 575]);
  // Each timer is half a timeout.
  [250, 325, 422, 549, 714, 928].forEach((timeoutMs, index) => {
    const elapsedMs = times[index + 1]! - times[index]!;
    assertEquals(elapsedMs >= timeoutMs && elapsedMs < 1.6 * timeoutMs, true, `${times}`);
  });
  assertEquals(bench.done.map(([id, ok]) => [id, ok]), [[1, false]]);
  assertEquals(Math.floor(bench.done[0]![2] / 1_000), 5);
  assertEquals(times.at(-1)! < 5_000, true);
  assertEquals(bench.schedule.pending, 0, "no timer is left");
});

Deno.test("the timer of a message runs at half the timeout", () => {
  const bench = new Bench();
  bench.current = false;
  bench.send(100);
  bench.pass(124);
  assertEquals(bench.done, []);
  bench.pass(1);
  assertEquals(bench.done, [[1, false, 125]], "its receiver has another session by now");
});

Deno.test("once a fragment was acknowledged, a message has 15 seconds for the next", () => {
  const bench = new Bench();
  bench.send(3 * FRAGMENT_BYTES);
  bench.pass(1_000);
  bench.ack(1, [0]);
  bench.pass(13_000);
  assertEquals(bench.done, [], "13 s after the ack, 14 s after the start");
  bench.ack(1, [0, 1]);
  bench.pass(14_900);
  assertEquals(bench.done, [], "the second ack started the time again");
  bench.pass(1_200);
  assertEquals(bench.done.map(([id, ok]) => [id, ok]), [[1, false]]);
});

Deno.test("an ack of nothing new does not extend the time", () => {
  const bench = new Bench();
  bench.send(2 * FRAGMENT_BYTES);
  for (let each = 0; each < 6; each++) {
    bench.pass(1_000);
    bench.ack(1, []);
  }
  assertEquals(bench.done.length, 1);
  bench.send(2 * FRAGMENT_BYTES);
  bench.ack(2, [0]);
  for (let each = 0; each < 17; each++) {
    bench.pass(1_000);
    bench.ack(2, [0]);
  }
  assertEquals(bench.done.length, 2);
});

Deno.test("the timeouts are exact: 5 s to the first ack, 15 s to the next, 300 s in all", () => {
  const first = new Bench({ timersRun: false });
  first.send(100);
  assertEquals([4_999, 5_000].map((atMs) => first.fireAt(atMs)), [0, 1]);
  const next = new Bench({ timersRun: false });
  next.send(2 * FRAGMENT_BYTES);
  next.pass(100);
  next.ack(1, [0]);
  assertEquals([15_099, 15_100].map((atMs) => next.fireAt(atMs)), [0, 1]);
  const total = new Bench({ timersRun: false });
  total.pass(7_000);
  total.send(100 * FRAGMENT_BYTES);
  for (let each = 0; each < 30; each++) {
    total.ack(1, range(0, each + 1));
    total.pass(9_990);
  }
  assertEquals([306_999, 307_000].map((atMs) => total.fireAt(atMs)), [0, 1]);
  const loss = new Bench({ timersRun: false });
  loss.send(100);
  const sentBy = (atMs: number) => (loss.fireAt(atMs), loss.packets.length);
  assertEquals([249, 250].map(sentBy), [1, 2], "the retransmission timeout");
});

Deno.test("if a receiver has never answered, the messages that wait fail with the first", () => {
  const bench = new Bench();
  const ids = [bench.send(8 * MIB), bench.send(MIB), bench.send(2 * MIB)];
  bench.pass(6_500);
  assertEquals(bench.done.map(([id, ok]) => [id, ok]), ids.map((id) => [id, false]));
});

Deno.test("if a receiver has answered before, the messages that wait are tried on their own", () => {
  const bench = new Bench();
  const ids = [bench.send(8 * MIB), bench.send(MIB)];
  bench.ack(1, [0]);
  bench.pass(16_500);
  assertEquals(bench.done.map(([id]) => id), [ids[0]]);
  bench.sequences();
  bench.pass(3_000);
  assertEquals(bench.sequences(), new Set([ids[1]!]));
});

Deno.test("a window of packets is in flight; each ack makes room", () => {
  const bench = new Bench();
  bench.send(100 * FRAGMENT_BYTES);
  assertEquals(bench.sent(), range(0, 16).map((index) => `1:${index}`));
  bench.ack(1, [0, 1]);
  assertEquals(bench.sent(), range(16, 3).map((index) => `1:${index}`), "two, and one more");
  bench.ack(1, [0, 1]);
  assertEquals(bench.sent(), [], "nothing new was acknowledged");
  bench.ack(1, range(0, 19));
  assertEquals(bench.sent().length, 25, "19 make room, and the window is 17 + 17/2");
});

Deno.test("the end of a message, and of many, gives its room back", () => {
  const bench = new Bench();
  bench.send(16 * FRAGMENT_BYTES);
  bench.send(100 * FRAGMENT_BYTES);
  assertEquals(bench.sent().length, 16);
  bench.ack(1);
  assertEquals(bench.done, [[1, true, 0]]);
  assertEquals(bench.sent().length, 24, "the window is 16 + 16/2");
  for (let each = 0; each < 40; each++) {
    const id = bench.send(10 * FRAGMENT_BYTES);
    bench.pass(10);
    bench.ack(id);
  }
  assertEquals(bench.done.length, 41);
});

Deno.test("a message that failed is no longer in flight", () => {
  const bench = new Bench();
  bench.send(100 * FRAGMENT_BYTES);
  bench.ack(1, [0]);
  const second = bench.send(8_000 * FRAGMENT_BYTES);
  bench.sequences();
  // The first message has no further ack, the second one all of them.
  const acknowledgeSecond = () => {
    const indices = bench.packets.splice(0).filter(({ sequence }) => sequence === second)
      .map(({ body }) => decodeFragment(body).index);
    const base = Math.max(0, ...indices.map((index) => index + 1));
    const ack = { complete: false, base, bitmap: new Uint8Array(0) } as const;
    bench.sender.acknowledged(ackHeader(second), ack);
  };
  while (bench.done.length === 0) {
    bench.pass(100);
    acknowledgeSecond();
  }
  assertEquals(bench.done[0]?.slice(0, 2), [1, false]);
  for (let each = 0; each < 5; each++) acknowledgeSecond();
  assertEquals(bench.sent().length, 48, "the second has the whole window");
});

Deno.test("messages take turns, a fragment each", () => {
  const bench = new Bench();
  bench.send(100 * FRAGMENT_BYTES);
  bench.ack(1, range(0, 16));
  bench.sent();
  bench.send(3 * FRAGMENT_BYTES);
  bench.send(3 * FRAGMENT_BYTES);
  bench.ack(1, range(0, 23));
  assertEquals(bench.sent().slice(0, 6), ["1:40", "2:0", "3:0", "1:41", "2:1", "3:1"]);
});

Deno.test("large messages wait beyond 8 MiB in progress, small ones do not", () => {
  const bench = new Bench();
  bench.send(8 * MIB - 65_537);
  const fits = bench.send(65_537);
  const waits = bench.send(65_537);
  const small = bench.send(65_536);
  bench.ack(1, range(0, 16));
  assertEquals(bench.sequences(), new Set([1, fits, small]));
  bench.ack(small);
  assertEquals(bench.sequences().has(waits), false);
  bench.ack(fits);
  assertEquals(bench.sequences().has(waits), true);
});

Deno.test("a message larger than the limit starts if nothing else is in progress", () => {
  const bench = new Bench();
  const [large, next] = [bench.send(9 * MIB), bench.send(MIB)];
  bench.ack(large, range(0, 16));
  assertEquals(bench.sequences(), new Set([large]));
  bench.ack(large);
  assertEquals(bench.sequences(), new Set([next]));
});

Deno.test("an ack is requested by the last fragment, the last of the window and each retransmission", () => {
  const bench = new Bench();
  bench.send(20 * FRAGMENT_BYTES);
  const requested = () =>
    bench.fragments().filter(({ ackNow }) => ackNow).map(({ index }) => index);
  assertEquals(requested(), [15]);
  bench.ack(1, range(0, 12));
  assertEquals(requested(), [19]);
  bench.pass(125);
  assertEquals(requested(), range(12, 8));
});

Deno.test("fragments have the message's content, and the last one the rest", () => {
  const bench = new Bench();
  const message = Uint8Array.from({ length: 2 * FRAGMENT_BYTES + 5 }, (_, index) => index % 251);
  const request = { id: 7, to: "b", header: headerOf(7), message, roomBytes: ROOM_BYTES };
  bench.sender.send(request);
  const fragments = bench.fragments();
  assertEquals(Uint8Array.from(fragments.flatMap(({ bytes }) => [...bytes])), message);
  const lengths = fragments.map(({ bytes }) => bytes.length);
  assertEquals(lengths, [FRAGMENT_BYTES, FRAGMENT_BYTES, 5]);
});

Deno.test("a late ack of a fragment that counted as lost prevents its retransmission", () => {
  const bench = new Bench();
  bench.send(40 * FRAGMENT_BYTES);
  bench.sent();
  bench.pass(250);
  // All 16 were lost: the window is halved, and the others wait for their retransmission.
  assertEquals(bench.sent(), range(0, 8).map((index) => `1:${index}`));
  bench.ack(1, range(0, 15));
  const next = bench.sent();
  assertEquals(next.slice(0, 2), ["1:15", "1:16"]);
  // 8 in flight and 7 late ones were acknowledged: the window is 8 + 15/2.
  assertEquals(next.length, 15);
});

Deno.test("a retransmitted packet gives no round-trip time (Karn's algorithm)", () => {
  const bench = new Bench();
  bench.send(2 * FRAGMENT_BYTES);
  bench.pass(250);
  bench.pass(10);
  bench.sent();
  bench.ack(1, [0]);
  // Not 60 ms, as a sample of 10 ms would give: the timeout is the first one's without back-off.
  bench.pass(200);
  assertEquals(bench.sent(), []);
});

Deno.test("the round-trip time is that of the youngest packet that an ack acknowledges", () => {
  const bench = new Bench({ timersRun: false });
  bench.send(100 * FRAGMENT_BYTES);
  bench.pass(20);
  bench.ack(1, [0]);
  bench.pass(20);
  // Sent at 0 and at 20: the sample is 20, the timeout 20 + 4 * 7.5, at least 60.
  bench.ack(1, range(0, 17));
  bench.sent();
  const sentAt = (atMs: number) => (bench.fireAt(atMs), bench.sent().length > 0);
  assertEquals([99, 100].map(sentAt), [false, true]);
});

Deno.test("acks of another sender, session or message change nothing", () => {
  const bench = new Bench();
  bench.send(100 * FRAGMENT_BYTES);
  bench.sent();
  const header = ackHeader(1);
  for (const other of [{ from: "c" }, { fromSession: "cc" }, { sequence: 2 }]) {
    bench.sender.acknowledged({ ...header, ...other }, { complete: true });
    bench.sender.acknowledged({ ...header, ...other }, ackOf([0, 1, 2]));
  }
  assertEquals([bench.sent(), bench.done], [[], []]);
});

Deno.test("each receiver has its own window and its own timeouts", () => {
  const bench = new Bench();
  bench.send(100 * FRAGMENT_BYTES, "b");
  bench.send(100 * FRAGMENT_BYTES, "c");
  assertEquals(bench.sent().length, 32);
  bench.pass(4_000);
  bench.ack(1, [0]);
  bench.pass(2_500);
  assertEquals(bench.done.map(([id]) => id), [2]);
});

Deno.test("a stale timer changes nothing", () => {
  const bench = new Bench();
  bench.send(100);
  bench.pass(249);
  bench.sender.fire({ type: "retransmit", to: "b", token: 99 });
  bench.sender.fire({ type: "retransmit", to: "c", token: 1 });
  bench.sender.fire({ type: "retransmit", to: "b", token: 1 });
  assertEquals(bench.schedule.pending, 1);
  assertEquals(bench.sent().length, 1);
  bench.pass(1);
  assertEquals(bench.sent().length, 1);
  bench.send(100);
  assertEquals(bench.schedule.pending, 1, "there is one timer for all messages");
  bench.ack(1);
  bench.ack(2);
  bench.pass(1_000);
  assertEquals(bench.schedule.pending, 0);
});
