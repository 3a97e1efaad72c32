/**
 * Sockets of a virtual network: UDP sockets, TCP listeners and TCP connections between two processes.
 * Each can be used by promises, as `lib/runtime.ts` has it, or by a callback, for code without
 * promises.
 * @module
 */
import { formatAddress } from "../../lib/address.ts";
import { StreamError } from "../../lib/errors.ts";
import type {
  Address,
  ByteStream,
  Datagram,
  DatagramSocket,
  StreamListener,
} from "../../lib/runtime.ts";
import type { VirtualProcess } from "./world_host.ts";
import type { VirtualNetwork } from "./world_network.ts";

/** TCP's first retransmission timeout, and how often it doubles before TCP gives up. */
export const RETRANSMIT_MS = 1_000;
export const RETRANSMITS_MAX = 6;

/** What comes in one after the other, for a reader that may wait for the next one. */
class Inbox<T> {
  /** Called with each that comes, in place of keeping it. */
  handle: ((item: T) => void) | undefined;
  readonly #items: T[] = [];
  #waiting: ((item: T | undefined) => void) | undefined;
  #closed = false;

  push(item: T): void {
    if (this.handle !== undefined) this.handle(item);
    else if (this.#waiting === undefined) this.#items.push(item);
    else this.#settle(item);
  }

  next(): Promise<T | undefined> {
    const item = this.#items.shift();
    if (item !== undefined || this.#closed) return Promise.resolve(item);
    return new Promise((resolve) => this.#waiting = resolve);
  }

  /** Drops and returns what nobody has read. */
  close(): T[] {
    this.#closed = true;
    this.handle = undefined;
    this.#settle(undefined);
    return this.#items.splice(0);
  }

  #settle(item: T | undefined): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(item);
  }
}

/** A UDP socket. */
export class VirtualDatagramSocket implements DatagramSocket {
  readonly local: Address;
  readonly #process: VirtualProcess;
  readonly #inbox = new Inbox<Datagram>();

  /** Made by `VirtualProcess.listenDatagrams`. */
  constructor(process: VirtualProcess, local: Address) {
    this.#process = process;
    this.local = local;
  }

  /** Calls back with each datagram from now on. */
  set onDatagram(handle: (datagram: Datagram) => void) {
    this.#inbox.handle = handle;
  }

  send(to: Address, bytes: Uint8Array): void {
    if (this.#process.datagramSocket(this.local.port) !== this) return;
    const from = { host: this.#process.host.address.host, port: this.local.port };
    this.#process.network.carry(from, { to, bytes });
  }

  receive(): Promise<Datagram | undefined> {
    return this.#inbox.next();
  }

  close(): void {
    this.#process.forget(this);
    this.#inbox.close();
  }

  /** For the network: a datagram arrives. */
  arrived(datagram: Datagram): void {
    this.#inbox.push(datagram);
  }
}

/** A listening TCP socket. */
export class VirtualListener implements StreamListener {
  readonly local: Address;
  readonly #process: VirtualProcess;
  readonly #inbox = new Inbox<VirtualStream>();

  /** Made by `VirtualProcess.listenStreams`. */
  constructor(process: VirtualProcess, local: Address) {
    this.#process = process;
    this.local = local;
  }

  /** Calls back with each connection from now on. */
  set onStream(handle: (stream: VirtualStream) => void) {
    this.#inbox.handle = handle;
  }

  accept(): Promise<VirtualStream | undefined> {
    return this.#inbox.next();
  }

  close(): void {
    this.#process.forget(this);
    for (const stream of this.#inbox.close()) stream.close();
  }

  /** For the network: a connection is open. */
  arrived(stream: VirtualStream): void {
    if (this.#process.listener(this.local.port) === this) this.#inbox.push(stream);
    else stream.close();
  }
}

/** What one end sends to the other: the last part of the handshake, bytes, or the end of the stream. */
type Content = "open" | Uint8Array | "end";

interface Segment {
  readonly content: Content;
  readonly sentAtMs: number;
  readonly atMs: number;
}

/** One direction of a connection: what is sent arrives in order, later if packets are lost. */
class Direction {
  readonly #network: VirtualNetwork;
  readonly #from: VirtualStream;
  readonly #to: VirtualStream;
  readonly #segments: Segment[] = [];
  #lost = false;

  constructor(network: VirtualNetwork, ends: { from: VirtualStream; to: VirtualStream }) {
    this.#network = network;
    this.#from = ends.from;
    this.#to = ends.to;
  }

  send(content: Content): void {
    if (this.#lost) return;
    const { schedule } = this.#network;
    const sentAtMs = schedule.nowMs;
    const last = this.#segments.at(-1);
    // What is sent at the same moment is one segment.
    const atMs = last?.sentAtMs === sentAtMs
      ? last.atMs
      : Math.max(last?.atMs ?? 0, sentAtMs + this.#network.reliableLegMs());
    if (!Number.isFinite(atMs)) return this.#giveUp();
    this.#segments.push({ content, sentAtMs, atMs });
    if (this.#segments.length === 1) this.#arriveAfter(atMs - sentAtMs, 0);
  }

  #arriveAfter(delayMs: number, attempt: number): void {
    this.#network.schedule.after(delayMs, () => this.#arrive(attempt));
  }

  #arrive(attempt: number): void {
    const network = this.#network;
    if (!network.streamsPass(this.#from.local, this.#to.local)) {
      if (attempt === RETRANSMITS_MAX) return this.#giveUp();
      return this.#arriveAfter(RETRANSMIT_MS * 2 ** attempt, attempt + 1);
    }
    const { nowMs } = network.schedule;
    let next: Segment | undefined;
    while ((next = this.#segments[0]) !== undefined && next.atMs <= nowMs) {
      this.#segments.shift();
      const { content } = next;
      this.#to.process.input(() => this.#to.arrived(content));
    }
    if (next !== undefined) this.#arriveAfter(next.atMs - nowMs, 0);
  }

  /** Nothing more arrives in this direction; both ends find out by their deadlines. */
  #giveUp(): void {
    this.#lost = true;
    this.#segments.length = 0;
  }
}

/** One end of a TCP connection. */
export class VirtualStream implements ByteStream {
  readonly local: Address;
  readonly remote: Address;
  readonly process: VirtualProcess;
  /** Called whenever bytes have come, or the other end has closed. */
  onReadable: (() => void) | undefined;
  #outgoing!: Direction;
  #other!: VirtualStream;
  #listener: VirtualListener | undefined;
  readonly #chunks: Uint8Array[] = [];
  #ended = false;
  #closed = false;
  #wake: (() => void) | undefined;

  /** Made by `between`. */
  constructor(process: VirtualProcess, ends: { local: Address; remote: Address }) {
    this.process = process;
    this.local = ends.local;
    this.remote = ends.remote;
    process.streams.add(this);
  }

  /** A connection from a process to a listener of another; the end of the process that opened it. */
  static between(
    client: { readonly process: VirtualProcess; readonly local: Address },
    server: { readonly process: VirtualProcess; readonly listener: VirtualListener; to: Address },
  ): VirtualStream {
    const near = new VirtualStream(client.process, { local: client.local, remote: server.to });
    const far = new VirtualStream(server.process, { local: server.to, remote: client.local });
    const { network } = client.process;
    near.#outgoing = new Direction(network, { from: near, to: far });
    far.#outgoing = new Direction(network, { from: far, to: near });
    near.#other = far;
    far.#other = near;
    far.#listener = server.listener;
    near.#outgoing.send("open");
    return near;
  }

  /** Whether the other end has closed and all that it sent was taken. */
  get isAtEnd(): boolean {
    return this.#ended && this.#chunks.length === 0;
  }

  /** Takes all bytes that are there. */
  take(): Uint8Array {
    const [first, ...rest] = this.#chunks.splice(0);
    if (first === undefined) return new Uint8Array(0);
    if (rest.length === 0) return first;
    const total = rest.reduce((sum, { length }) => sum + length, first.length);
    const bytes = new Uint8Array(total);
    let at = 0;
    for (const chunk of [first, ...rest]) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }

  read(buffer: Uint8Array): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const attempt = () => {
        if (this.#closed) reject(this.#error("read from", "the connection was closed"));
        else if (this.#chunks.length > 0) resolve(this.#fill(buffer));
        else if (this.#ended) resolve(undefined);
        else this.#wake = attempt;
      };
      attempt();
    });
  }

  /** Takes the bytes over: the writer must not change them any more. */
  write(bytes: Uint8Array): Promise<void> {
    if (this.#closed) {
      return Promise.reject(this.#error("write to", "the connection was closed"));
    }
    if (this.#ended) {
      return Promise.reject(this.#error("write to", "the other end closed the connection"));
    }
    this.process.network.traffic.streamBytes += bytes.length;
    this.#outgoing.send(bytes);
    return Promise.resolve();
  }

  close(): void {
    if (this.#closed) return;
    this.cut();
    this.#notify();
  }

  /** For the process: it was killed, so its kernel closes the connection and nothing is called back. */
  cut(): void {
    this.#closed = true;
    this.#chunks.length = 0;
    this.process.streams.delete(this);
    if (!this.#other.#closed) this.#outgoing.send("end");
  }

  /** For the network: something arrives from the other end. */
  arrived(content: Content): void {
    if (this.#closed) return;
    if (content === "open") return this.#listener?.arrived(this);
    if (content === "end") this.#ended = true;
    else this.#chunks.push(content);
    this.#notify();
  }

  #fill(buffer: Uint8Array): number {
    const chunk = this.#chunks[0]!;
    const count = Math.min(buffer.length, chunk.length);
    buffer.set(count === chunk.length ? chunk : chunk.subarray(0, count));
    if (count === chunk.length) this.#chunks.shift();
    else this.#chunks[0] = chunk.subarray(count);
    return count;
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
    this.onReadable?.();
  }

  #error(doing: string, reason: string): StreamError {
    return new StreamError(`cannot ${doing} ${formatAddress(this.remote)} (TCP): ${reason}`);
  }
}
