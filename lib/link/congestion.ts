/**
 * Congestion control of the packets to one member: round-trip time estimate and retransmission
 * timeout (TCP's, RFC 6298), and the window of packets in flight.
 * @module
 */

/** Window at first. */
const WINDOW_FIRST = 16;
/** Smallest window, whatever the loss. */
const WINDOW_MIN = 4;
/** Largest window: a packet takes about 2.3 kB of Linux's default receive buffer of 208 KiB, so half of it. */
const WINDOW_MAX = 48;
/** Retransmission timeout before the first round-trip time was measured. */
const TIMEOUT_FIRST_MS = 250;
/** Smallest retransmission timeout. */
const TIMEOUT_MIN_MS = 60;
/** Largest retransmission timeout, back-off included. */
const TIMEOUT_MAX_MS = 2_000;
/** The back-off multiplies the timeout by this at each loss without an ack, up to `BACKOFF_MAX`. */
const BACKOFF_STEP = 1.3;
const BACKOFF_MAX = 4;

/** Round-trip time, retransmission timeout and window of one member. */
export class CongestionControl {
  #window = WINDOW_FIRST;
  /** `SRTT` of RFC 6298. */
  #smoothedMs: number | undefined;
  /** `RTTVAR` of RFC 6298. */
  #variationMs = 0;
  #backoff = 1;
  /** Packets acknowledged since the last loss. */
  #acknowledged = 0;

  /** Maximum number of packets in flight. */
  get window(): number {
    return Math.floor(this.#window);
  }

  /** A packet that is not acknowledged after this time counts as lost. */
  get timeoutMs(): number {
    const estimateMs = this.#smoothedMs === undefined
      ? TIMEOUT_FIRST_MS
      : this.#smoothedMs + 4 * this.#variationMs;
    return Math.min(TIMEOUT_MAX_MS, Math.max(TIMEOUT_MIN_MS, estimateMs) * this.#backoff);
  }

  /** Records a round-trip time, of a packet that was not retransmitted (Karn's algorithm). */
  sampleRtt(ms: number): void {
    if (this.#smoothedMs === undefined) {
      this.#smoothedMs = ms;
      this.#variationMs = ms / 2;
      return;
    }
    this.#variationMs += (Math.abs(this.#smoothedMs - ms) - this.#variationMs) / 4;
    this.#smoothedMs += (ms - this.#smoothedMs) / 8;
  }

  /** Packets were acknowledged: ends the back-off, and widens the window by half their number. */
  acknowledged(packets: number): void {
    this.#backoff = 1;
    this.#acknowledged += packets;
    this.#window = Math.min(WINDOW_MAX, this.#window + packets / 2);
  }

  /**
   * Packets timed out together. Random loss does not shrink the window; it is halved only if more
   * packets were lost than acknowledged since the last loss, which a full buffer causes.
   */
  lost(packets: number): void {
    if (packets === 0) return;
    if (this.#acknowledged === 0) {
      this.#backoff = Math.min(BACKOFF_MAX, this.#backoff * BACKOFF_STEP);
    }
    if (packets > this.#acknowledged) this.#window = Math.max(WINDOW_MIN, this.#window / 2);
    this.#acknowledged = 0;
  }
}
