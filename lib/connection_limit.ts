/**
 * Limits the open connections of a server. If the limit is reached, a new connection evicts the
 * oldest one that is not authenticated, so that idle connections cannot block the server.
 * @module
 */
import type { ByteStream, Timers } from "./runtime.ts";

/**
 * Result of `ConnectionLimit.accept`. `accepted`: the new connection counts from now on; the caller
 * closes the connection that it evicted, if any. `refused`: all open connections are authenticated;
 * the caller closes the new one.
 */
export type AcceptResult =
  | { readonly type: "accepted"; readonly evicted: ByteStream | undefined }
  | { readonly type: "refused" };

/** Maximum numbers of open connections. */
export interface ConnectionLimits {
  readonly max: number;
  /** From one IP address. Default: `max`. */
  readonly maxPerHost?: number;
  /** Default: `max`. */
  readonly maxAuthenticated?: number;
}

/**
 * Counts the connections of one server and chooses which one to evict. It closes none.
 *
 * @example
 *
 *     const limit = new ConnectionLimit({ max: 1024, maxPerHost: 256 });
 *     const result = limit.accept(stream);
 *     if (result.type === "refused") stream.close();
 *     else result.evicted?.close();
 */
export class ConnectionLimit {
  readonly #limits: Required<ConnectionLimits>;
  readonly #open = new Set<ByteStream>();
  readonly #byHost = new Map<string, Set<ByteStream>>();
  /**
   * Connections that are not authenticated, oldest first. An idle one is evicted before an active
   * one.
   */
  readonly #idle = new Set<ByteStream>();
  readonly #active = new Set<ByteStream>();

  /** Starts without connections. */
  constructor(limits: ConnectionLimits) {
    this.#limits = { maxPerHost: limits.max, maxAuthenticated: limits.max, ...limits };
  }

  /** Number of open connections. */
  get size(): number {
    return this.#open.size;
  }

  /** Whether the connection was accepted, and neither evicted nor removed since. */
  has(stream: ByteStream): boolean {
    return this.#open.has(stream);
  }

  /** All open connections, in no particular order. */
  connections(): Iterable<ByteStream> {
    return this.#open;
  }

  /** Connections that have sent data but are not authenticated, oldest first. */
  active(): Iterable<ByteStream> {
    return this.#active;
  }

  /**
   * Accepts a new connection as idle. If it exceeds a limit, it evicts the oldest idle connection
   * (or else the oldest active one); if the limit of its IP address is reached, one from that
   * address.
   */
  accept(stream: ByteStream): AcceptResult {
    const { max, maxPerHost } = this.#limits;
    const ofHost = this.#byHost.get(stream.remote.host) ?? new Set();
    const candidates = ofHost.size >= maxPerHost ? ofHost : this.#open;
    let evicted: ByteStream | undefined;
    if (candidates === ofHost || candidates.size >= max) {
      evicted = first(this.#idle, (one) => candidates.has(one)) ??
        first(this.#active, (one) => candidates.has(one));
      if (evicted === undefined) return { type: "refused" };
      this.remove(evicted);
    }
    this.#open.add(stream);
    this.#idle.add(stream);
    this.#byHost.set(stream.remote.host, ofHost.add(stream));
    return { type: "accepted", evicted };
  }

  /** Marks an idle connection as active: it has sent data. */
  markActive(stream: ByteStream): void {
    if (this.#idle.delete(stream)) this.#active.add(stream);
  }

  /**
   * Marks a connection as authenticated, which protects it from eviction. Returns false if
   * `maxAuthenticated` is reached, or if the connection is not open.
   */
  authenticate(stream: ByteStream): boolean {
    if (!this.#idle.has(stream) && !this.#active.has(stream)) return this.has(stream);
    const authenticated = this.#open.size - this.#idle.size - this.#active.size;
    if (authenticated >= this.#limits.maxAuthenticated) return false;
    this.#idle.delete(stream);
    this.#active.delete(stream);
    return true;
  }

  /** Removes a connection that was closed. Does nothing if it is not open. */
  remove(stream: ByteStream): void {
    if (!this.#open.delete(stream)) return;
    this.#idle.delete(stream);
    this.#active.delete(stream);
    const ofHost = this.#byHost.get(stream.remote.host);
    ofHost?.delete(stream);
    if (ofHost?.size === 0) this.#byHost.delete(stream.remote.host);
  }
}

function first<T>(items: Iterable<T>, matches: (item: T) => boolean): T | undefined {
  for (const item of items) if (matches(item)) return item;
  return undefined;
}

/**
 * The pause of a server after it has evicted or refused a connection. It limits the processor time
 * that a flood of connections costs, and gives each accepted connection time to send data before it
 * can be evicted.
 */
export class EvictionPause {
  readonly #timers: Timers;
  #cancel = () => {};
  #end = () => {};
  #closed = false;

  /** Starts no timer before `wait`. */
  constructor(options: { timers: Timers }) {
    this.#timers = options.timers;
  }

  /** Resolves after `ms`, or as soon as `close` is called. */
  async wait(ms: number): Promise<void> {
    if (this.#closed) return;
    await new Promise<void>((resolve) => {
      this.#end = resolve;
      this.#cancel = this.#timers.after(ms, resolve);
    });
  }

  /** Ends the current pause; further ones end at once. */
  close(): void {
    this.#closed = true;
    this.#cancel();
    this.#end();
  }
}
