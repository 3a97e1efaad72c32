/**
 * Writes log events to a stream as lines, in text or JSON, and limits their rate.
 * @module
 */
import { jsonText, printable } from "../printable.ts";
import type { Clock, Log, LogFields, LogLevel } from "../runtime.ts";

/** In rising severity. */
const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];
/** Window of the rate limit. */
const WINDOW_MS = 10_000;
/**
 * Maximum number of lines with the same event name in a window. Events that a peer can provoke
 * (dropped input) are `debug` or `warn`; the rate of `info` is limited by the changes of the
 * cluster.
 */
const LINES_PER_WINDOW: Readonly<Record<LogLevel, number>> = {
  debug: 1000,
  info: 200,
  warn: 20,
  error: 20,
};

/** Format of log lines: text, or one JSON object per line. */
export type LogFormat = "text" | "json";

/** Options of a `StderrLog`. */
export interface StderrLogOptions {
  /** Minimum level of the events that are written. */
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Writes one line, which ends with a line feed. */
  readonly write: (line: string) => void;
  /** For the time of each line and the rate limit. */
  readonly clock: Clock;
}

/** Lines with one event name that were written and suppressed in the current window. */
interface Rate {
  readonly startedMs: number;
  readonly level: LogLevel;
  written: number;
  leftOut: number;
}

/**
 * Writes log events. The rate of lines with the same event name is limited: events over the limit
 * are counted, and the count is written after the window (with the next event of any name).
 */
export class StderrLog implements Log {
  readonly #options: StderrLogOptions;
  readonly #rates = new Map<string, Rate>();

  /** Writes nothing yet. */
  constructor(options: StderrLogOptions) {
    this.#options = options;
  }

  /** Writes one event, or counts it if it exceeds the rate limit. Never throws. */
  write(...[level, event, message, fields = {}]: Parameters<Log["write"]>): void {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(this.#options.level)) return;
    const nowMs = this.#options.clock.nowMs();
    this.#closeWindows(nowMs);
    let rate = this.#rates.get(event);
    if (rate === undefined) {
      rate = { startedMs: nowMs, level, written: 0, leftOut: 0 };
      this.#rates.set(event, rate);
    }
    if (rate.written >= LINES_PER_WINDOW[level]) {
      rate.leftOut++;
      return;
    }
    rate.written++;
    this.#line({ level, event, message, fields });
  }

  /** Writes the counts of suppressed events. To be called before the program ends. */
  flush(): void {
    this.#closeWindows(Number.POSITIVE_INFINITY);
  }

  #closeWindows(nowMs: number): void {
    for (const [event, rate] of this.#rates) {
      if (nowMs - rate.startedMs < WINDOW_MS) continue;
      this.#rates.delete(event);
      if (rate.leftOut === 0) continue;
      this.#line({
        level: rate.level,
        event,
        message: `suppressed ${rate.leftOut} more events "${event}" (rate limit)`,
        fields: { leftOut: rate.leftOut },
      });
    }
  }

  #line(entry: { level: LogLevel; event: string; message: string; fields: LogFields }): void {
    const time = new Date(this.#options.clock.wallMs()).toISOString();
    try {
      this.#options.write(
        this.#options.format === "json"
          ? jsonLine({ time, level: entry.level, event: entry.event }, entry)
          : textLine(time, entry),
      );
    } catch {
      // A log that cannot be written (a closed pipe) must not stop the node.
    }
  }
}

/** The keys of every event come first and override a field of the same name. */
function jsonLine(
  head: { time: string; level: string; event: string },
  entry: { message: string; fields: LogFields },
): string {
  const own = { ...head, message: entry.message };
  return jsonText({ ...own, ...entry.fields, ...own }) + "\n";
}

function textLine(
  time: string,
  entry: { level: LogLevel; message: string; fields: LogFields },
): string {
  const fields = Object.entries(entry.fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${quoteIfNeeded(String(value))}`);
  return `${time} ${entry.level.padEnd(5)} ${printable(entry.message)}${fields.join("")}\n`;
}

function quoteIfNeeded(value: string): string {
  return /^[\w.:@/,[\]+*%-]+$/.test(value) ? value : jsonText(value);
}
