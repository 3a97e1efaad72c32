/**
 * Properties of the link machine: two nodes on a network that loses, reorders, duplicates and replays
 * what they send, while they restart, pause and renew their sessions.
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { type LinkNode, LinkPair } from "../../tests/support/link_pair.ts";
import { SeededRandom } from "../../tests/support/world_time.ts";
import type { DropReason } from "../errors.ts";
import {
  ASSEMBLIES_MAX,
  ASSEMBLIES_MAX_BYTES,
  ASSEMBLIES_MAX_BYTES_PER_SENDER,
  ASSEMBLIES_MAX_PER_SENDER,
  GOSSIP_MESSAGE_MAX_BYTES,
} from "../limits.ts";
import { encodeFragment } from "./fragments.ts";
import { withLinkHeader } from "./header.ts";
import type { Link } from "./link.ts";

const SEEDS = 60;
const STEPS = 80;

/** A message; it begins with its number. */
interface Sent {
  readonly by: LinkNode;
  readonly id: number;
  readonly message: Uint8Array;
  /** The link machine that sent it, which may have ended since. */
  readonly link: Link;
  delivered: boolean;
  result: boolean | undefined;
}

/** One run of both nodes. */
class Run {
  readonly pair: LinkPair;
  readonly random: SeededRandom;
  readonly sent: Sent[] = [];
  readonly captured: { readonly bytes: Uint8Array; readonly stream: boolean }[] = [];
  readonly reasons = new Set<DropReason>();
  readonly #pausedUntilMs = new Map<LinkNode, number>();
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
    this.random = new SeededRandom(`link ${seed}`);
    const maxSessions = this.random.chance(0.5) ? {} : { maxSessions: 1 + this.random.below(3) };
    this.pair = new LinkPair({ seed, ...maxSessions });
    const { network } = this.pair;
    for (const node of this.pair.nodes) {
      node.onStream = (_id, bytes) => {
        this.captured.push({ bytes, stream: true });
        return false;
      };
    }
    const carry = network.carry.bind(network);
    network.carry = (from, packet) => {
      this.captured.push({ bytes: packet.bytes, stream: false });
      carry(from, packet);
    };
  }

  /** One random action. */
  step(): void {
    const { random, pair } = this;
    const node = random.pick(pair.nodes);
    const actions: (() => void)[] = [
      ...new Array<() => void>(12).fill(() => this.send(node)),
      () => this.#restart(node),
      () => node.peer = random.pick([{}, { degraded: "udp" }, { degraded: "tcp" }]),
      () => node.peer = { state: random.pick(["alive", "suspect", "dead"]) },
      () => pair.network.cutStreams(node.host.address),
      () => pair.network.cutPackets(node.host.address),
      () => pair.network.cut(node.host.address, this.#other(node).host.address),
      () => pair.network.mend(),
      () => pair.network.mend(),
      () => this.#pause(node),
      () => this.#setQuality(),
      () => this.#replay(node),
      () => this.#flood(node),
    ];
    random.pick(actions)();
    pair.pass(random.chance(0.1) ? random.below(20_000) : random.below(500));
    this.check();
  }

  send(node: LinkNode): Sent {
    const { random, sent } = this;
    const message = new Uint8Array(random.pick([4, 100, 1_290, 5_000, 60_000]));
    new DataView(message.buffer).setUint32(0, sent.length);
    const id = node.send(this.#other(node).name, message);
    const one: Sent = {
      by: node,
      id,
      message,
      link: node.link,
      delivered: false,
      result: undefined,
    };
    sent.push(one);
    return one;
  }

  /** What must hold at any time, of everything since the last call. */
  check(): void {
    for (const node of this.pair.nodes) {
      for (const { from, message } of node.delivered.splice(0)) {
        const sent = this.sent[numberOf(message)]!;
        assertEquals({ from, message }, { from: sent.by.name, message: sent.message });
        assert(sent.by !== node && !sent.delivered, this.#at(`${numberOf(message)} comes twice`));
        sent.delivered = true;
      }
      const { messages, bytes } = node.link.held;
      assert(messages <= ASSEMBLIES_MAX && bytes <= ASSEMBLIES_MAX_BYTES, this.#at("held"));
    }
    for (const node of this.pair.nodes) {
      for (const [id, ok] of node.results.splice(0)) {
        const sent = this.sent.find((one) => one.by === node && one.id === id)!;
        assertEquals(sent.result, undefined, this.#at(`${node.name} ${id} has two results`));
        sent.result = ok;
        assert(sent.delivered || !ok, this.#at(`${node.name} ${id} is not delivered`));
      }
      for (const { reason } of node.drops.splice(0)) this.reasons.add(reason);
    }
  }

  /** The network is whole again, and all know all: every message ends, and new ones are delivered. */
  settle(): void {
    const { pair } = this;
    pair.network.mend();
    pair.network.quality = { loss: 0, delayMs: 5, jitterMs: 5, duplicate: 0 };
    for (const node of pair.nodes) {
      node.peer = {};
      node.session = node.link.session;
    }
    pair.pass(60_000);
    this.check();
    for (const degraded of ["udp", "tcp"] as const) {
      for (const node of pair.nodes) {
        this.#other(node).peer = { degraded };
        const sent = this.send(node);
        pair.pass(1_000);
        this.check();
        assertEquals(sent.result, true, this.#at(`${node.name} by ${degraded}`));
      }
    }
    pair.pass(60_000);
    this.check();
    for (const { by, id, link, result } of this.sent) {
      if (link === by.link) {
        assert(result !== undefined, this.#at(`${by.name} ${id} has no result`));
      }
    }
    for (const node of pair.nodes) {
      assertEquals(node.link.held, { messages: 0, bytes: 0 }, this.#at("held at the end"));
    }
    assertEquals(pair.network.schedule.pending, 0, this.#at("timers at the end"));
  }

  #other(node: LinkNode): LinkNode {
    return node === this.pair.a ? this.pair.b : this.pair.a;
  }

  /** The other node learns the new session at once or later. */
  #restart(node: LinkNode): void {
    // The network does not report the end of a stream whose reader ends while it is paused.
    if ((this.#pausedUntilMs.get(node) ?? 0) > this.pair.network.schedule.nowMs) return;
    node.start({ known: this.random.chance(0.5) });
    const { link } = node;
    this.pair.network.schedule.after(this.random.below(5_000), () => {
      if (node.link === link) node.session = link.session;
    });
  }

  #pause(node: LinkNode): void {
    const ms = this.random.below(15_000);
    node.host.pause(ms);
    this.#pausedUntilMs.set(node, this.pair.network.schedule.nowMs + ms);
  }

  #setQuality(): void {
    const { random } = this;
    this.pair.network.quality = {
      loss: random.pick([0, 0.1, 0.4]),
      delayMs: random.pick([1, 50]),
      jitterMs: random.pick([1, 200]),
      duplicate: random.pick([0, 0.3]),
    };
  }

  /** An attacker replays what it captured, to either node. */
  #replay(node: LinkNode): void {
    if (!node.host.running) return;
    for (let each = 0; each < 20 && this.captured.length > 0; each++) {
      const { bytes, stream } = this.random.pick(this.captured);
      if (stream) node.receiveStream(bytes);
      else node.receivePacket(bytes);
    }
  }

  /** The other node is malicious: it starts messages and completes none. */
  #flood(node: LinkNode): void {
    const sender = this.#other(node);
    const limits = { messages: node.link.held.messages, bytes: node.link.held.bytes };
    for (let each = 0; each < 200; each++) {
      const bytes = new Uint8Array(1_000);
      const totalBytes = this.random.pick([2_000, GOSSIP_MESSAGE_MAX_BYTES]);
      const body = encodeFragment({
        totalBytes,
        fragmentBytes: 1_000,
        index: 0,
        ackNow: false,
        bytes,
      });
      node.receivePacket(withLinkHeader({
        ...{ kind: "fragment", toSession: node.link.session, from: sender.name },
        ...{ fromSession: sender.session, sequence: 2 ** 40 + this.random.below(2 ** 30) },
      }, body));
    }
    const { messages, bytes } = node.link.held;
    assert(messages <= limits.messages + ASSEMBLIES_MAX_PER_SENDER, this.#at("messages of one"));
    assert(bytes <= limits.bytes + ASSEMBLIES_MAX_BYTES_PER_SENDER, this.#at("bytes of one"));
  }

  #at(what: string): string {
    return `${what} (seed ${this.#seed})`;
  }
}

function numberOf(message: Uint8Array): number {
  return new DataView(message.buffer, message.byteOffset).getUint32(0);
}

Deno.test("a message is delivered at most once, and was delivered if it is acknowledged", () => {
  const reasons = new Set<DropReason>();
  const counts = { delivered: 0, acknowledged: 0, unacknowledged: 0, failed: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const run = new Run(seed);
    for (let step = 0; step < STEPS; step++) run.step();
    run.settle();
    for (const reason of run.reasons) reasons.add(reason);
    for (const { delivered, result } of run.sent) {
      if (delivered) counts.delivered++;
      if (result) counts.acknowledged++;
      else if (delivered) counts.unacknowledged++;
      else counts.failed++;
    }
  }
  // Otherwise the runs do not exercise what they are for.
  for (const count of Object.values(counts)) assertGreater(count, SEEDS, JSON.stringify(counts));
  const expected: DropReason[] = ["replayed", "too_many", "timed_out", "wrong_session"];
  assertEquals([...reasons].sort(), expected.sort());
});
