/**
 * What a process under test has said so far, and waiting for what it will say.
 * @module
 */

/** How long to wait for an event, and for what. */
export interface WaitOptions {
  /** Names the awaited thing in the error. */
  readonly what: string;
  /** After this the wait fails. */
  readonly timeoutMs: number;
  /** Events before this index do not count; 0 by default. */
  readonly since?: number;
}

interface Waiter {
  look(): void;
  fail(reason: string): void;
}

/** Everything that was said, in order, with waiting for more. */
export class EventLog<T> {
  readonly #all: T[] = [];
  readonly #waiters = new Set<Waiter>();
  readonly #followers: ((event: T) => void)[] = [];
  #closed: string | undefined;

  /** Every event until now. */
  get all(): readonly T[] {
    return this.#all;
  }

  /** Adds an event and wakes who waited for it. */
  push(event: T): void {
    this.#all.push(event);
    for (const follower of this.#followers) follower(event);
    for (const waiter of [...this.#waiters]) waiter.look();
  }

  /** Hands every event, those until now first, to `follower`. */
  follow(follower: (event: T) => void): void {
    this.#all.forEach(follower);
    this.#followers.push(follower);
  }

  /** No event will come any more: fails every wait with `reason`. */
  close(reason: string): void {
    this.#closed = reason;
    for (const waiter of [...this.#waiters]) waiter.fail(reason);
  }

  /** The first event from `since` on that `matches`. Rejects after `timeoutMs`, and when the log is closed. */
  wait(matches: (event: T) => boolean, options: WaitOptions): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
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
      () => waiter.fail(`waited for ${options.timeoutMs} ms`),
      options.timeoutMs,
    );
    this.#waiters.add(waiter);
    waiter.look();
    if (this.#closed !== undefined && this.#waiters.has(waiter)) waiter.fail(this.#closed);
    return promise;
  }
}
