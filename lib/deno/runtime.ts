/**
 * Clocks, random numbers and timers on Deno.
 * @module
 */
import type { Clock, Random, Timers } from "../runtime.ts";

/** Maximum delay of `setTimeout`: 2^31 - 1 ms; a longer one fires at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;
/** Maximum bytes of one call of `crypto.getRandomValues` (Web Cryptography API, section 10.1.1). */
const RANDOM_CHUNK_BYTES = 65_536;

/** The clocks of the host. */
export class DenoClock implements Clock {
  /** Monotonic milliseconds since the start of the program. */
  nowMs(): number {
    return performance.now();
  }
  /** Milliseconds since the Unix epoch. */
  wallMs(): number {
    return Date.now();
  }
}

/** Random numbers from V8 (fast, not for secrets), random bytes from the operating system. */
export class DenoRandom implements Random {
  /** Uniform in [0, 1). Not for secrets. */
  next(): number {
    return Math.random();
  }
  /** `length` random bytes from the operating system. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    for (let start = 0; start < length; start += RANDOM_CHUNK_BYTES) {
      crypto.getRandomValues(bytes.subarray(start, start + RANDOM_CHUNK_BYTES));
    }
    return bytes;
  }
}

/** One-shot timers on `setTimeout`, without its maximum delay. */
export class DenoTimers implements Timers {
  /** Calls back once after `delayMs`, unless the returned function is called before. */
  after(delayMs: number, callback: () => void): () => void {
    let handle: ReturnType<typeof setTimeout>;
    const wait = (remainingMs: number) => {
      const stepMs = Math.min(remainingMs, LONGEST_DELAY_MS);
      handle = setTimeout(
        () => remainingMs > stepMs ? wait(remainingMs - stepMs) : callback(),
        stepMs,
      );
    };
    wait(Math.max(0, delayMs));
    return () => clearTimeout(handle);
  }
}
