/**
 * Who is let in where more want to than there is room for. Whoever fills the room with connections
 * that say nothing must not keep the others out: a newcomer takes the place of the one that has
 * waited longest without having proven itself.
 * @module
 */
import type { ByteStream } from "./runtime.ts";

/** What became of a newcomer. */
export type Admitted =
  /** It is in; where the room was full, in the place of another, which is to be closed. */
  | {
    /** Says which. */
    readonly type: "in";
    /** Who is out now. */
    readonly inPlaceOf: ByteStream | undefined;
  }
  /** Everybody inside has proven itself: it stays out. */
  | {
    /** Says which. */
    readonly type: "out";
  };

/** The connections of one server: so many in all, and so many from one host. */
export class Admission {
  readonly #most: number;
  readonly #mostPerHost: number;
  readonly #inside = new Set<ByteStream>();
  readonly #byHost = new Map<string, Set<ByteStream>>();
  /** Those that have not proven themselves, oldest first. */
  readonly #unproven = new Set<ByteStream>();

  /** Nobody is in yet. `mostPerHost` defaults to `most`. */
  constructor(options: { most: number; mostPerHost?: number }) {
    this.#most = options.most;
    this.#mostPerHost = options.mostPerHost ?? options.most;
  }

  /** How many are in. */
  get size(): number {
    return this.#inside.size;
  }

  /** Whether it is in. */
  has(stream: ByteStream): boolean {
    return this.#inside.has(stream);
  }

  /** Everybody who is in, in no order. */
  inside(): Iterable<ByteStream> {
    return this.#inside;
  }

  /** Those who have not proven themselves, oldest first. */
  unproven(): Iterable<ByteStream> {
    return this.#unproven;
  }

  /** Lets a newcomer in where there is room or somebody to make it. */
  enter(stream: ByteStream): Admitted {
    const ofHost = this.#byHost.get(stream.remote.host);
    let inPlaceOf: ByteStream | undefined;
    if (ofHost !== undefined && ofHost.size >= this.#mostPerHost) {
      inPlaceOf = first(ofHost, (other) => this.#unproven.has(other));
      if (inPlaceOf === undefined) return { type: "out" };
    } else if (this.#inside.size >= this.#most) {
      inPlaceOf = first(this.#unproven, () => true);
      if (inPlaceOf === undefined) return { type: "out" };
    }
    if (inPlaceOf !== undefined) this.leave(inPlaceOf);
    this.#inside.add(stream);
    this.#unproven.add(stream);
    const host = this.#byHost.get(stream.remote.host) ?? new Set();
    this.#byHost.set(stream.remote.host, host.add(stream));
    return { type: "in", inPlaceOf };
  }

  /** From now on nobody takes its place. */
  prove(stream: ByteStream): void {
    this.#unproven.delete(stream);
  }

  /** Its place is free; one that is not in changes nothing. */
  leave(stream: ByteStream): void {
    if (!this.#inside.delete(stream)) return;
    this.#unproven.delete(stream);
    const ofHost = this.#byHost.get(stream.remote.host);
    ofHost?.delete(stream);
    if (ofHost?.size === 0) this.#byHost.delete(stream.remote.host);
  }
}

function first<T>(items: Iterable<T>, matches: (item: T) => boolean): T | undefined {
  for (const item of items) if (matches(item)) return item;
  return undefined;
}
