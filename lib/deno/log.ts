/**
 * The log as lines on a stream: text for people, or one JSON object a line.
 * @module
 */
import { jsonText, printable } from "../printable.ts";
import type { Clock, Log, LogFields, LogLevel } from "../runtime.ts";

/** From least to most important. */
const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];
/** Lines of one event name are counted over this long. */
const WINDOW_MS = 10_000;
/**
 * How many lines of one event name are written in a window. What a peer can provoke (dropped
 * input) is `debug` or `warn`; `info` is bounded by what the cluster does.
 */
const LINES_PER_WINDOW: Readonly<Record<LogLevel, number>> = {
  debug: 1000,
  info: 200,
  warn: 20,
  error: 20,
};

/** How log lines look: `json` has one object a line. */
export type LogFormat = "text" | "json";

/** What a `StderrLog` is made of. */
export interface StderrLogOptions {
  /** Events below this are not written. */
  readonly level: LogLevel;
  /** How a line looks. */
  readonly format: LogFormat;
  /** Takes one line, its line feed included. */
  readonly write: (line: string) => void;
  /** Dates the lines and bounds their rate. */
  readonly clock: Clock;
}

/** How many lines of one event name were written and left out in its window. */
interface Rate {
  readonly startedMs: number;
  readonly level: LogLevel;
  written: number;
  leftOut: number;
}

/**
 * Writes log events. Lines of one event name are bounded in rate: what is over the bound is
 * counted, and the count is written when the window has passed (with the next event of any name).
 */
export class StderrLog implements Log {
  readonly #options: StderrLogOptions;
  readonly #rates = new Map<string, Rate>();

  /** Writes nothing yet. */
  constructor(options: StderrLogOptions) {
    this.#options = options;
  }

  /** Takes one event. Never throws. */
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

  /** Writes what was counted and not yet written: to be called before the program ends. */
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
        message: `${rate.leftOut} more events "${event}" came in quick succession and are left out`,
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

/** The event's own keys come first and win over a field of the same name. */
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
    .map(([key, value]) => ` ${key}=${quoteWhereNeeded(String(value))}`);
  return `${time} ${entry.level.padEnd(5)} ${printable(entry.message)}${fields.join("")}\n`;
}

function quoteWhereNeeded(value: string): string {
  return /^[\w.:@/,[\]+*%-]+$/.test(value) ? value : jsonText(value);
}
