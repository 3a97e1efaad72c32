/**
 * The hosts of a virtual network: each has a clock and runs one process at a time, which can be
 * stopped, continued and killed, and which gets its network and its timers from here.
 * @module
 */
import { formatAddress, isUnspecified } from "../../lib/address.ts";
import { AddressError, StreamError } from "../../lib/errors.ts";
import type { Address, ByteStream, Clock, Network, Timers } from "../../lib/runtime.ts";
import type { VirtualNetwork } from "./world_network.ts";
import { VirtualDatagramSocket, VirtualListener, type VirtualStream } from "./world_streams.ts";

/** The wall time at the start of every simulation. */
const WALL_START_MS = Date.UTC(2025, 0, 1);
/** Ports of sockets whose port does not matter. */
const FIRST_FREE_PORT = 40_000;
const LAST_FREE_PORT = 59_999;

/** One host. */
export class VirtualHost {
  /** Its IP address, and a port for its node. */
  readonly address: Address;
  /** Its clock; it goes on from one process to the next. */
  readonly clock: Clock;
  readonly #network: VirtualNetwork;
  #process: VirtualProcess | undefined;
  #monotonicSkewMs = 0;
  #wallSkewMs = 0;

  /** Made by `VirtualNetwork.addHost`. */
  constructor(options: { readonly network: VirtualNetwork; readonly address: Address }) {
    this.#network = options.network;
    this.address = options.address;
    const { schedule } = options.network;
    this.clock = {
      nowMs: () => schedule.nowMs + this.#monotonicSkewMs,
      wallMs: () => WALL_START_MS + schedule.nowMs + this.#wallSkewMs,
    };
  }

  /** Whether a process runs on it, stopped or not. */
  get running(): boolean {
    return this.#process !== undefined;
  }

  /** The process that runs on it. */
  get process(): VirtualProcess | undefined {
    return this.#process;
  }

  /** Starts a process; kills the one that runs. */
  start(): VirtualProcess {
    this.end();
    this.#process = new VirtualProcess({ network: this.#network, host: this });
    return this.#process;
  }

  /** Kills the process at once, as `kill -9` does. */
  end(): void {
    const process = this.#process;
    this.#process = undefined;
    process?.kill();
  }

  /** Stops the process for a time, as SIGSTOP does; what arrives waits for it. */
  pause(ms: number): void {
    this.#process?.pause(ms);
  }

  /** Makes the clocks jump; `monotonicMs` only forward. */
  jumpClock(jump: { readonly monotonicMs?: number; readonly wallMs?: number }): void {
    this.#monotonicSkewMs += Math.max(jump.monotonicMs ?? 0, 0);
    this.#wallSkewMs += jump.wallMs ?? 0;
  }
}

/** One process, with its network and its timers. Once killed it is never called back. */
export class VirtualProcess implements Network, Timers {
  readonly host: VirtualHost;
  readonly network: VirtualNetwork;
  /** Its open connections. */
  readonly streams = new Set<VirtualStream>();
  readonly #sockets = new Map<number, VirtualDatagramSocket>();
  readonly #listeners = new Map<number, VirtualListener>();
  readonly #heldTimers: (() => void)[] = [];
  readonly #heldInput: (() => void)[] = [];
  #killed = false;
  #paused = false;
  #nextPort = FIRST_FREE_PORT;

  /** Made by `VirtualHost.start`. */
  constructor(options: { readonly network: VirtualNetwork; readonly host: VirtualHost }) {
    this.network = options.network;
    this.host = options.host;
  }

  after(delayMs: number, callback: () => void): () => void {
    let done = false;
    const fire = () => {
      if (done || this.#killed) return;
      if (this.#paused) {
        this.#heldTimers.push(fire);
        return;
      }
      done = true;
      callback();
    };
    const cancel = this.network.schedule.after(delayMs, fire);
    return () => {
      done = true;
      cancel();
    };
  }

  listenDatagrams(local: Address): VirtualDatagramSocket {
    const address = this.#bind(local, this.#sockets);
    const socket = new VirtualDatagramSocket(this, address);
    this.#sockets.set(address.port, socket);
    return socket;
  }

  listenStreams(local: Address): VirtualListener {
    const address = this.#bind(local, this.#listeners);
    const listener = new VirtualListener(this, address);
    this.#listeners.set(address.port, listener);
    return listener;
  }

  connect(
    to: Address,
    { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<ByteStream> {
    return new Promise((resolve, reject) => {
      let aborted = false;
      const failed = (reason: string) =>
        reject(new StreamError(`cannot connect to ${formatAddress(to)} (TCP): ${reason}`));
      const abort = () => {
        aborted = true;
        failed("aborted");
      };
      if (signal?.aborted) return abort();
      signal?.addEventListener("abort", abort, { once: true });
      this.network.dial(this, {
        ...{ to, timeoutMs, failed },
        opened: (stream) => {
          signal?.removeEventListener("abort", abort);
          if (aborted) stream.close();
          else resolve(stream);
        },
      });
    });
  }

  resolve(hostname: string): Promise<string[]> {
    if (/^[\d.]+$|:/.test(hostname)) return Promise.resolve([hostname]);
    return Promise.reject(new AddressError(`cannot resolve the name "${hostname}": no such name`));
  }

  interfaceAddresses(): string[] {
    return ["127.0.0.1", this.host.address.host];
  }

  /** The UDP socket on a port. */
  datagramSocket(port: number): VirtualDatagramSocket | undefined {
    return this.#sockets.get(port);
  }

  /** The TCP listener on a port. */
  listener(port: number): VirtualListener | undefined {
    return this.#listeners.get(port);
  }

  /** A port that is not in use. */
  freePort(): number {
    const port = this.#nextPort;
    this.#nextPort = port === LAST_FREE_PORT ? FIRST_FREE_PORT : port + 1;
    return port;
  }

  /** For sockets: it is closed. */
  forget(socket: VirtualDatagramSocket | VirtualListener): void {
    const { port } = socket.local;
    if (this.#sockets.get(port) === socket) this.#sockets.delete(port);
    if (this.#listeners.get(port) === socket) this.#listeners.delete(port);
  }

  /** For the network: something arrives. It is handled now, or when a stopped process continues. */
  input(handle: () => void): void {
    if (this.#killed) return;
    if (this.#paused) this.#heldInput.push(handle);
    else handle();
  }

  /** For the host. */
  kill(): void {
    this.#killed = true;
    for (const stream of this.streams) stream.cut();
    this.#sockets.clear();
    this.#listeners.clear();
    this.#heldTimers.length = 0;
    this.#heldInput.length = 0;
  }

  /** For the host. */
  pause(ms: number): void {
    if (this.#paused) return;
    this.#paused = true;
    this.network.schedule.after(ms, () => this.#resume());
  }

  /** All timers that fell due fire before anything is read: the harder order for the process. */
  #resume(): void {
    this.#paused = false;
    const timers = this.#heldTimers.splice(0);
    const input = this.#heldInput.splice(0).map((handle) => () => this.input(handle));
    for (const handle of [...timers, ...input]) this.network.schedule.after(0, handle);
  }

  #bind(local: Address, bound: ReadonlyMap<number, unknown>): Address {
    const { host } = this.host.address;
    const port = local.port === 0 ? this.freePort() : local.port;
    const address = { host: local.host, port };
    const isOwn = isUnspecified(local.host) || this.interfaceAddresses().includes(local.host);
    const reason = !isOwn
      ? `the host ${host} has no such address`
      : bound.has(port)
      ? "another program uses that port"
      : undefined;
    if (reason === undefined) return address;
    throw new AddressError(`cannot listen on ${formatAddress(address)}: ${reason}`);
  }
}
