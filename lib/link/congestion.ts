/**
 * What is known of the way to one member by packets: how long an answer takes, and how many packets
 * may be on their way. Numbers only.
 * @module
 */

/** Packets that may be on their way before anything is known. */
const WINDOW_FIRST = 16;
/** So few go even where most are lost. */
const WINDOW_MIN = 4;
/** So many fit a receive buffer of Linux's default size, 208 KiB, twice over: a packet takes some 2.3 kB of it. */
const WINDOW_MAX = 48;
/** How long an answer is waited for before any has come. */
const TIMEOUT_FIRST_MS = 250;
/** Bounds on it once some have. */
const TIMEOUT_MIN_MS = 60;
const TIMEOUT_MAX_MS = 2_000;

/** Estimates as in TCP (RFC 6298); the window yields only where more is lost than comes. */
export class PathEstimate {
  #window = WINDOW_FIRST;
  #smoothedMs: number | undefined;
  #variationMs = 0;
  #backoff = 1;
  #acknowledged = 0;
  #lost = 0;

  /** Packets that may be on their way. */
  get window(): number {
    return Math.floor(this.#window);
  }

  /** A packet without an answer after this counts as lost. */
  get timeoutMs(): number {
    const plainMs = this.#smoothedMs === undefined
      ? TIMEOUT_FIRST_MS
      : this.#smoothedMs + 4 * this.#variationMs;
    return Math.min(TIMEOUT_MAX_MS, Math.max(TIMEOUT_MIN_MS, plainMs) * this.#backoff);
  }

  /** An answer to a packet that was sent once took so long. */
  measured(ms: number): void {
    if (this.#smoothedMs === undefined) {
      this.#smoothedMs = ms;
      this.#variationMs = ms / 2;
      return;
    }
    this.#variationMs += (Math.abs(this.#smoothedMs - ms) - this.#variationMs) / 4;
    this.#smoothedMs += (ms - this.#smoothedMs) / 8;
  }

  /** So many packets came. */
  acknowledged(packets: number): void {
    this.#backoff = 1;
    this.#acknowledged += packets;
    this.#window = Math.min(WINDOW_MAX, this.#window + packets / 2);
  }

  /**
   * So many were found lost at once. Loss by chance is no reason to slow down, so much of it that
   * a buffer must be full is.
   */
  lost(packets: number): void {
    if (packets === 0) return;
    this.#lost += packets;
    if (this.#acknowledged === 0) this.#backoff = Math.min(4, this.#backoff * 1.3);
    if (this.#lost > this.#acknowledged) this.#window = Math.max(WINDOW_MIN, this.#window / 2);
    this.#lost = 0;
    this.#acknowledged = 0;
  }
}
