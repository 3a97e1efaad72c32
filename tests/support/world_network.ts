/**
 * A network in virtual time: hosts that exchange packets and streams, and everything that can go
 * wrong between them. It knows no protocol.
 * @module
 */
import type { Address, Clock } from "../../lib/runtime.ts";
import { Schedule, SeededRandom } from "./world_time.ts";

/** How a link behaves in one direction. */
export interface LinkQuality {
  /** Probability that a packet is lost; streams lose time instead. */
  readonly loss: number;
  /** What every packet takes. */
  readonly delayMs: number;
  /** What it may take on top, at random; more than the gap between two packets reorders them. */
  readonly jitterMs: number;
  /** Probability that a packet arrives twice. */
  readonly duplicate: number;
}

/** What a host does with what arrives. */
export interface HostHandlers {
  /** One packet. */
  packet(from: Address, bytes: Uint8Array): void;
  /** All that came on a stream; what to write back, if anything. */
  stream(from: Address, bytes: Uint8Array): Uint8Array | undefined;
}

/** How an exchange over a stream ended: with bytes (none where no reply was asked for) or a reason. */
export type StreamEnd =
  | { readonly ok: true; readonly reply: Uint8Array | undefined }
  | { readonly ok: false; readonly reason: string };

/** One stream to open. */
export interface StreamRequest {
  /** What to write. */
  readonly bytes: Uint8Array;
  /** When it counts as failed. */
  readonly timeoutMs: number;
  /** When it does where it is not even open; default the same. */
  readonly connectTimeoutMs?: number;
  /** Whether to wait for an answer. */
  readonly wantsReply: boolean;
}

/** What went over the network. */
export interface Traffic {
  /** Packets sent. */
  packets: number;
  /** Bytes in them. */
  packetBytes: number;
  /** The largest. */
  largestPacketBytes: number;
  /** Streams opened. */
  streams: number;
  /** Bytes written on them, replies included. */
  streamBytes: number;
}

/** TCP's first retransmission, and how often it doubles before it gives up. */
const RETRANSMIT_MS = 1_000;
const RETRANSMITS_MAX = 6;

/** All hosts and links of one world. */
export class VirtualNetwork {
  /** When things happen. */
  readonly schedule = new Schedule();
  /** Chance of the network alone. */
  readonly random: SeededRandom;
  /** Counted since the beginning. */
  readonly traffic: Traffic = {
    packets: 0,
    packetBytes: 0,
    largestPacketBytes: 0,
    streams: 0,
    streamBytes: 0,
  };
  /** How links behave that have no entry of their own. */
  quality: LinkQuality = { loss: 0, delayMs: 0.5, jitterMs: 0.5, duplicate: 0 };
  readonly #hosts = new Map<string, VirtualHost>();
  readonly #cut = new Set<string>();
  readonly #cutPackets = new Set<string>();
  readonly #cutStreams = new Set<string>();

  /** No hosts yet. */
  constructor(options: { readonly seed: number }) {
    this.random = new SeededRandom(`network ${options.seed}`);
  }

  /** A new host, its process not running until it is given handlers. */
  addHost(address: Address): VirtualHost {
    const host = new VirtualHost({ network: this, address });
    this.#hosts.set(key(address), host);
    return host;
  }

  /** Takes a host away for ever; its process has ended. */
  removeHost(address: Address): void {
    this.#hosts.delete(key(address));
  }

  /** The host at an address. */
  hostAt(address: Address): VirtualHost | undefined {
    return this.#hosts.get(key(address));
  }

  /** Nothing gets from one host to the other any more; the other way is not touched. */
  cut(from: Address, to: Address): void {
    this.#cut.add(link(from, to));
  }

  /** Nothing crosses between the groups. Adds to what was cut before. */
  partition(groups: readonly (readonly Address[])[]): void {
    for (const one of groups) {
      for (const other of groups) {
        if (one === other) continue;
        for (const from of one) for (const to of other) this.cut(from, to);
      }
    }
  }

  /** No packet reaches or leaves this host any more; streams do. */
  cutPackets(host: Address): void {
    this.#cutPackets.add(key(host));
  }

  /** No stream reaches or leaves this host any more; packets do. */
  cutStreams(host: Address): void {
    this.#cutStreams.add(key(host));
  }

  /** Everything that was cut is whole again. */
  mend(): void {
    this.#cut.clear();
    this.#cutPackets.clear();
    this.#cutStreams.clear();
  }

  /** Carries one packet, or loses it. */
  carry(from: Address, packet: { readonly to: Address; readonly bytes: Uint8Array }): void {
    const { traffic, quality, random } = this;
    const { to, bytes } = packet;
    traffic.packets++;
    traffic.packetBytes += bytes.length;
    traffic.largestPacketBytes = Math.max(traffic.largestPacketBytes, bytes.length);
    const copies = random.chance(quality.duplicate) ? 2 : 1;
    if (this.#cut.size > 0 && this.#cut.has(link(from, to))) return;
    if (
      this.#cutPackets.size > 0 &&
      (this.#cutPackets.has(key(from)) || this.#cutPackets.has(key(to)))
    ) return;
    for (let copy = 0; copy < copies; copy++) {
      if (random.chance(quality.loss)) continue;
      this.schedule.after(this.#legMs(), () => this.hostAt(to)?.deliverPacket(from, bytes));
    }
  }

  /** Opens a stream, writes, and reads the answer; `done` is called exactly once, later. */
  open(from: Address, stream: StreamRequest & { to: Address; done(end: StreamEnd): void }): void {
    const { to, bytes, timeoutMs, done } = stream;
    this.traffic.streams++;
    this.traffic.streamBytes += bytes.length;
    const fail = (afterMs: number, reason: string) =>
      this.schedule.after(Math.min(afterMs, timeoutMs), () => done({ ok: false, reason }));
    const connectTimeoutMs = stream.connectTimeoutMs ?? timeoutMs;
    if (!this.#streamsPass(from, to)) return fail(connectTimeoutMs, "timed out");
    const target = this.hostAt(to);
    const connectMs = this.#reliableLegMs() + this.#reliableLegMs();
    if (connectMs >= connectTimeoutMs) return fail(connectTimeoutMs, "timed out");
    if (target === undefined || !target.running) return fail(connectMs, "refused");
    const requestMs = connectMs + this.#reliableLegMs();
    if (requestMs >= timeoutMs) return fail(timeoutMs, "timed out");
    this.schedule.after(requestMs, () => {
      if (!this.#streamsPass(from, to)) return fail(timeoutMs - requestMs, "timed out");
      const startedMs = this.schedule.nowMs;
      const answer = (reply?: Uint8Array) => {
        const leftMs = timeoutMs - requestMs - (this.schedule.nowMs - startedMs);
        this.traffic.streamBytes += reply?.length ?? 0;
        const replyMs = this.#reliableLegMs();
        if (stream.wantsReply && reply === undefined) {
          return fail(replyMs, "closed without a reply");
        }
        if (replyMs >= leftMs) return fail(Math.max(leftMs, 0), "timed out");
        this.schedule.after(replyMs, () => done({ ok: true, reply }));
      };
      target.deliverStream(from, { bytes, reply: answer });
    });
  }

  #streamsPass(from: Address, to: Address): boolean {
    // Mostly nothing is cut, and to name links takes longer than all else.
    if (this.#cut.size === 0 && this.#cutStreams.size === 0) return true;
    return !this.#cut.has(link(from, to)) && !this.#cut.has(link(to, from)) &&
      !this.#cutStreams.has(key(from)) && !this.#cutStreams.has(key(to));
  }

  #legMs(): number {
    return this.quality.delayMs + this.random.next() * this.quality.jitterMs;
  }

  /** TCP does not lose, it takes longer: each loss costs a retransmission timeout, doubled each time. */
  #reliableLegMs(): number {
    let ms = this.#legMs();
    for (let attempt = 0; attempt < RETRANSMITS_MAX; attempt++) {
      if (!this.random.chance(this.quality.loss)) return ms;
      ms += RETRANSMIT_MS * 2 ** attempt;
    }
    return Infinity;
  }
}

/** One host with one process on it, which can be stopped, continued, ended and given a false clock. */
export class VirtualHost {
  /** Where it listens. */
  readonly address: Address;
  /** Its clock. */
  readonly clock: Clock;
  readonly #network: VirtualNetwork;
  #handlers: HostHandlers | undefined;
  #life = 0;
  #paused = false;
  #monotonicSkewMs = 0;
  #wallSkewMs = 0;
  readonly #heldTimers: (() => void)[] = [];
  readonly #heldInput: (() => void)[] = [];

  /** Made by `VirtualNetwork.addHost`. */
  constructor(options: { readonly network: VirtualNetwork; readonly address: Address }) {
    this.#network = options.network;
    this.address = options.address;
    this.clock = {
      nowMs: () => this.#network.schedule.nowMs + this.#monotonicSkewMs,
      wallMs: () => Date.UTC(2025, 0, 1) + this.#network.schedule.nowMs + this.#wallSkewMs,
    };
  }

  /** Whether its process runs, be it stopped for a while. */
  get running(): boolean {
    return this.#handlers !== undefined;
  }

  /** Its process begins. */
  start(handlers: HostHandlers): void {
    this.#life++;
    this.#handlers = handlers;
  }

  /** Its process is gone, with all its timers. */
  end(): void {
    this.#life++;
    this.#handlers = undefined;
    this.#paused = false;
    this.#heldTimers.length = 0;
    this.#heldInput.length = 0;
  }

  /** Stops the process, as SIGSTOP does, for a time; what arrives waits, as in a socket's buffer. */
  pause(ms: number): void {
    if (!this.running || this.#paused) return;
    this.#paused = true;
    const life = this.#life;
    this.#network.schedule.after(ms, () => {
      if (life === this.#life) this.#resume();
    });
  }

  /** Lets its clocks jump: `monotonicMs` only ever forward. */
  jumpClock(jump: { readonly monotonicMs?: number; readonly wallMs?: number }): void {
    this.#monotonicSkewMs += Math.max(jump.monotonicMs ?? 0, 0);
    this.#wallSkewMs += jump.wallMs ?? 0;
  }

  /** A timer of its process. */
  after(delayMs: number, callback: () => void): void {
    this.#later(callback, { delayMs, held: this.#heldTimers });
  }

  /** Sends a packet. */
  sendPacket(to: Address, bytes: Uint8Array): void {
    if (this.running) this.#network.carry(this.address, { to, bytes });
  }

  /** Opens a stream to `to`; `done` is called once unless the process ends before. */
  openStream(to: Address, stream: StreamRequest & { done(end: StreamEnd): void }): void {
    const life = this.#life;
    const done = (end: StreamEnd) => {
      if (life === this.#life) this.#input(() => stream.done(end));
    };
    this.#network.open(this.address, { ...stream, to, done });
  }

  /** For the network: a packet arrives. */
  deliverPacket(from: Address, bytes: Uint8Array): void {
    this.#input(() => this.#handlers?.packet(from, bytes));
  }

  /** For the network: a stream's bytes arrive. */
  deliverStream(
    from: Address,
    stream: { bytes: Uint8Array; reply(bytes?: Uint8Array): void },
  ): void {
    const source = { host: from.host, port: 40_000 + from.port % 20_000 };
    this.#input(() => stream.reply(this.#handlers?.stream(source, stream.bytes)));
  }

  #input(handle: () => void): void {
    if (!this.running) return;
    if (this.#paused) this.#heldInput.push(handle);
    else handle();
  }

  #later(callback: () => void, options: { delayMs: number; held: (() => void)[] }): void {
    const life = this.#life;
    this.#network.schedule.after(options.delayMs, () => {
      if (life !== this.#life) return;
      if (this.#paused) options.held.push(callback);
      else callback();
    });
  }

  /** All timers that came due fire before anything is read: the harder order for the process. */
  #resume(): void {
    this.#paused = false;
    for (const held of [this.#heldTimers.splice(0), this.#heldInput.splice(0)]) {
      for (const handle of held) {
        if (this.running) handle();
      }
    }
  }
}

function key(address: Address): string {
  return `${address.host} ${address.port}`;
}

function link(from: Address, to: Address): string {
  return `${key(from)}>${key(to)}`;
}
