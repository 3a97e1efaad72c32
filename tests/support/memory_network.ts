/**
 * TCP in memory, without time: streams are ordered and have bounded buffers, so that writers wait for
 * readers. `world_network.ts` has UDP as well, delays and losses.
 * @module
 */
import { formatAddress } from "../../lib/address.ts";
import { AddressError, StreamError } from "../../lib/errors.ts";
import type {
  Address,
  ByteStream,
  DatagramSocket,
  Network,
  StreamListener,
} from "../../lib/runtime.ts";

/** Default size of the buffer of each direction of a stream; a writer waits while it is full. */
const BUFFER_BYTES = 256 * 1024;

/** The loopback network of one machine, in memory. */
export class MemoryNetwork implements Network {
  readonly #listeners = new Map<string, MemoryListener>();
  readonly #names: ReadonlyMap<string, string[]>;
  readonly #bufferBytes: number;
  #nextPort = 40_000;

  /** `names`: addresses by host name; `bufferBytes`: buffer size of each direction of a stream. */
  constructor(options: { names?: ReadonlyMap<string, string[]>; bufferBytes?: number } = {}) {
    this.#names = options.names ?? new Map();
    this.#bufferBytes = options.bufferBytes ?? BUFFER_BYTES;
  }

  /** Raises `AddressError`: there is no UDP here. */
  listenDatagrams(local: Address): DatagramSocket {
    throw new AddressError(`cannot listen on ${formatAddress(local)} (UDP): only TCP is in memory`);
  }

  /** Binds; port 0 picks a free one. Raises `AddressError` if the port is in use. */
  listenStreams(local: Address): StreamListener {
    const address = { host: local.host, port: local.port === 0 ? this.#nextPort++ : local.port };
    const key = formatAddress(address);
    if (this.#listeners.has(key)) throw new AddressError(`cannot listen on ${key}: it is in use`);
    const listener = new MemoryListener(address, () => this.#listeners.delete(key));
    this.#listeners.set(key, listener);
    return listener;
  }

  /** Connects at once; rejects with `StreamError` if nothing listens. */
  connect(
    to: Address,
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<ByteStream> {
    const listener = this.#listeners.get(formatAddress(to));
    if (options.signal?.aborted || listener === undefined) {
      return Promise.reject(new StreamError(`cannot connect to ${formatAddress(to)}: refused`));
    }
    const from = { host: "127.0.0.1", port: this.#nextPort++ };
    const there = new Pipe(this.#bufferBytes);
    const back = new Pipe(this.#bufferBytes);
    listener.push(new MemoryStream({ remote: from, incoming: there, outgoing: back }));
    return Promise.resolve(new MemoryStream({ remote: to, incoming: back, outgoing: there }));
  }

  /** Looks up a name in `names`. */
  resolve(hostname: string): Promise<string[]> {
    if (/^[\d.]+$|:/.test(hostname)) return Promise.resolve([hostname]);
    const found = this.#names.get(hostname);
    if (found !== undefined) return Promise.resolve(found);
    return Promise.reject(new AddressError(`cannot resolve the name ${hostname}`));
  }

  /** Only the loopback interface. */
  interfaceAddresses(): string[] {
    return ["127.0.0.1"];
  }
}

class MemoryListener implements StreamListener {
  readonly local: Address;
  readonly #waiting: MemoryStream[] = [];
  readonly #onClose: () => void;
  #accepting: ((stream: ByteStream | undefined) => void) | undefined;
  #closed = false;

  constructor(local: Address, onClose: () => void) {
    this.local = local;
    this.#onClose = onClose;
  }

  push(stream: MemoryStream): void {
    if (this.#accepting === undefined) this.#waiting.push(stream);
    else this.#hand(stream);
  }

  accept(): Promise<ByteStream | undefined> {
    const stream = this.#waiting.shift();
    if (stream !== undefined || this.#closed) return Promise.resolve(stream);
    return new Promise((resolve) => this.#accepting = resolve);
  }

  close(): void {
    this.#closed = true;
    this.#onClose();
    for (const stream of this.#waiting.splice(0)) stream.close();
    this.#hand(undefined);
  }

  #hand(stream: ByteStream | undefined): void {
    this.#accepting?.(stream);
    this.#accepting = undefined;
  }
}

/** One direction of a stream. */
class Pipe {
  readonly #limitBytes: number;
  #bytes = new Uint8Array(0);
  #ended = false;
  #broken = false;
  #wake: (() => void)[] = [];

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  async read(buffer: Uint8Array): Promise<number | undefined> {
    while (this.#bytes.length === 0 && !this.#ended && !this.#broken) await this.#change();
    if (this.#broken) throw new StreamError("cannot read: the stream was closed here");
    if (this.#bytes.length === 0) return undefined;
    const count = Math.min(buffer.length, this.#bytes.length);
    buffer.set(this.#bytes.subarray(0, count));
    this.#bytes = this.#bytes.slice(count);
    this.#notify();
    return count;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0;) {
      if (this.#ended || this.#broken) throw new StreamError("cannot write: the stream is closed");
      const room = this.#limitBytes - this.#bytes.length;
      if (room <= 0) {
        await this.#change();
        continue;
      }
      const joined = new Uint8Array(this.#bytes.length + Math.min(room, rest.length));
      joined.set(this.#bytes);
      joined.set(rest.subarray(0, room), this.#bytes.length);
      this.#bytes = joined;
      rest = rest.subarray(room);
      this.#notify();
    }
  }

  /** Ends the direction; data already written can still be read. */
  end(): void {
    this.#ended = true;
    this.#notify();
  }

  /** Breaks the direction: the reader does not read any more. */
  break(): void {
    this.#broken = true;
    this.#notify();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

class MemoryStream implements ByteStream {
  readonly remote: Address;
  readonly #incoming: Pipe;
  readonly #outgoing: Pipe;

  constructor(options: { remote: Address; incoming: Pipe; outgoing: Pipe }) {
    this.remote = options.remote;
    this.#incoming = options.incoming;
    this.#outgoing = options.outgoing;
  }

  read(buffer: Uint8Array): Promise<number | undefined> {
    return this.#incoming.read(buffer);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#outgoing.write(bytes);
  }

  close(): void {
    this.#incoming.break();
    this.#outgoing.end();
  }
}
