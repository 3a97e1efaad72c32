/**
 * Who is let in where more want to than there is room for. Whoever fills the room with connections
 * that say nothing must not keep the others out: a newcomer takes the place of the one that has
 * waited longest without having proven itself.
 * @module
 */
import type { ByteStream, Timers } from "./runtime.ts";

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

/** How many connections a server has room for. */
export interface AdmissionBounds {
  /** In all. */
  readonly most: number;
  /** From one host. Default: as `most`. */
  readonly mostPerHost?: number;
  /** That have proven themselves. Default: as `most`. */
  readonly mostProven?: number;
}

/** The connections of one server: so many in all, and so many from one host. */
export class Admission {
  readonly #bounds: Required<AdmissionBounds>;
  readonly #inside = new Set<ByteStream>();
  readonly #byHost = new Map<string, Set<ByteStream>>();
  /** Those that have said nothing yet, and those that have, oldest first: who goes first, first. */
  readonly #unproven = [new Set<ByteStream>(), new Set<ByteStream>()] as const;

  /** Nobody is in yet. */
  constructor(bounds: AdmissionBounds) {
    this.#bounds = { mostPerHost: bounds.most, mostProven: bounds.most, ...bounds };
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

  /** Those who have said something and have not proven themselves, oldest first. */
  speaking(): Iterable<ByteStream> {
    return this.#unproven[1];
  }

  /** Lets a newcomer in where there is room or somebody to make it. */
  enter(stream: ByteStream): Admitted {
    const { most, mostPerHost } = this.#bounds;
    const ofHost = this.#byHost.get(stream.remote.host) ?? new Set();
    const crowd = ofHost.size >= mostPerHost ? ofHost : this.#inside;
    let inPlaceOf: ByteStream | undefined;
    if (crowd === ofHost || crowd.size >= most) {
      for (const waiting of this.#unproven) inPlaceOf ??= first(waiting, (one) => crowd.has(one));
      if (inPlaceOf === undefined) return { type: "out" };
      this.leave(inPlaceOf);
    }
    this.#inside.add(stream);
    this.#unproven[0].add(stream);
    this.#byHost.set(stream.remote.host, ofHost.add(stream));
    return { type: "in", inPlaceOf };
  }

  /** It has said something: others that have not make room before it does. */
  speak(stream: ByteStream): void {
    if (this.#unproven[0].delete(stream)) this.#unproven[1].add(stream);
  }

  /** From now on nobody takes its place; false where there are too many of those already. */
  prove(stream: ByteStream): boolean {
    const [silent, speaking] = this.#unproven;
    if (!silent.has(stream) && !speaking.has(stream)) return this.has(stream);
    const proven = this.#inside.size - silent.size - speaking.size;
    if (proven >= this.#bounds.mostProven) return false;
    silent.delete(stream);
    speaking.delete(stream);
    return true;
  }

  /** Its place is free; one that is not in changes nothing. */
  leave(stream: ByteStream): void {
    if (!this.#inside.delete(stream)) return;
    for (const waiting of this.#unproven) waiting.delete(stream);
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
 * The moment that a server waits after a newcomer has taken another's place: so whoever is in has
 * that long, times the room, to say something, and those who press in cost no more than a part of
 * the processor.
 */
export class Breather {
  readonly #timers: Timers;
  #cancel = () => {};
  #end = () => {};
  #over = false;

  /** Not waiting yet. */
  constructor(options: { timers: Timers }) {
    this.#timers = options.timers;
  }

  /** Resolves after `ms`, or once it is over. */
  async wait(ms: number): Promise<void> {
    if (this.#over) return;
    await new Promise<void>((resolve) => {
      this.#end = resolve;
      this.#cancel = this.#timers.after(ms, resolve);
    });
  }

  /** Ends what waits, and waits no more. */
  close(): void {
    this.#over = true;
    this.#cancel();
    this.#end();
  }
}
