/**
 * Keeps the events that a process under test has reported, and waits for further ones.
 * @module
 */

/**
 * Timeout of every wait that does not set one. It is not a promise about speed: a busy machine with
 * two cores needs far less for fifty daemons.
 */
export const PATIENCE_MS = 240_000;

/** How long to wait for an event, and for what. */
export interface WaitOptions {
  /** What is awaited, for the error message. */
  readonly what: string;
  /** Timeout in milliseconds; {@linkcode PATIENCE_MS} by default. */
  readonly timeoutMs?: number;
  /** Index of the first event to look at; 0 by default. */
  readonly since?: number;
}

interface Waiter {
  look(): void;
  fail(reason: string): void;
}

/** A list of events, in order, that can be waited for. */
export class EventLog<T> {
  readonly #all: T[] = [];
  readonly #waiters = new Set<Waiter>();
  readonly #followers: ((event: T) => void)[] = [];
  #closed: string | undefined;

  /** All events so far. */
  get all(): readonly T[] {
    return this.#all;
  }

  /** Adds an event and resolves the waits that it matches. */
  push(event: T): void {
    this.#all.push(event);
    for (const follower of this.#followers) follower(event);
    for (const waiter of [...this.#waiters]) waiter.look();
  }

  /** Calls `follower` with every event: those until now, and every later one. */
  follow(follower: (event: T) => void): void {
    this.#all.forEach(follower);
    this.#followers.push(follower);
  }

  /** Says that no further event will come: every wait rejects with `reason`. */
  close(reason: string): void {
    this.#closed = reason;
    for (const waiter of [...this.#waiters]) waiter.fail(reason);
  }

  /** Resolves to the first event from `since` on that `matches`. Rejects after `timeoutMs` and when the log is closed. */
  wait(matches: (event: T) => boolean, options: WaitOptions): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const { timeoutMs = PATIENCE_MS } = options;
    let next = options.since ?? 0;
    const end = () => {
      clearTimeout(timer);
      this.#waiters.delete(waiter);
    };
    const waiter: Waiter = {
      look: () => {
        while (next < this.#all.length) {
          const event = this.#all[next++] as T;
          if (!matches(event)) continue;
          end();
          resolve(event);
          return;
        }
      },
      fail: (reason) => {
        end();
        const tail = this.#all.slice(-15).map((event) => JSON.stringify(event).slice(0, 300));
        reject(new Error(`no ${options.what}: ${reason}; the last events:\n${tail.join("\n")}`));
      },
    };
    const timer = setTimeout(
      () => waiter.fail(`waited for ${timeoutMs} ms`),
      timeoutMs,
    );
    this.#waiters.add(waiter);
    waiter.look();
    if (this.#closed !== undefined && this.#waiters.has(waiter)) waiter.fail(this.#closed);
    return promise;
  }
}
