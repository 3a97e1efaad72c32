/**
 * Readers of flag values: text in, value out, `UsageError` or `AddressError` with what was
 * expected. They do not know which flag they read; `parseFlags` puts its name in front.
 * @module
 */
import { type HostPort, isUnspecified, splitHostPort } from "../address.ts";
import { formatDuration, parseDuration } from "../duration.ts";
import { UsageError } from "../errors.ts";
import { LABEL_MAX_BYTES, NAME_MAX_BYTES } from "../limits.ts";
import { utf8Length } from "../utf8.ts";

/** The least and the most that a number may be. */
export interface Range {
  /** The least, in the value's unit. */
  readonly least: number;
  /** The most, in the value's unit. */
  readonly most: number;
}

/** `20s`, `1m30s`, `500ms`: milliseconds within `range`. */
export function durationIn(range: Range): (text: string) => number {
  return (text) => {
    const durationMs = parseDuration(text);
    if (durationMs === undefined) {
      const shown = JSON.stringify(text);
      throw new UsageError(`bad duration ${shown}: expected one such as 500ms, 20s or 1m30s`);
    }
    if (durationMs < range.least || durationMs > range.most) {
      throw new UsageError(`${text} is out of range: expected ${durationRange(range)}`);
    }
    return durationMs;
  };
}

/** A range of durations as a user would type it. */
export function durationRange(range: Range): string {
  return `${formatDuration(range.least)} to ${formatDuration(range.most)}`;
}

/** A whole number within `range`. */
export function integerIn(range: Range): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (!(value >= range.least && value <= range.most)) {
      throw new UsageError(
        `bad number ${JSON.stringify(text)}: expected ${range.least} to ${range.most}`,
      );
    }
    return value;
  };
}

/** One of the given words. */
export function oneOfWords<const T extends string>(words: readonly T[]): (text: string) => T {
  return (text) => {
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    throw new UsageError(`bad value ${JSON.stringify(text)}: expected ${words.join(", ")}`);
  };
}

/** Where to listen: `host:port`, or `:port` for all interfaces. */
export function readBindAddress(text: string): HostPort {
  return splitHostPort(text);
}

/** Where to connect, or what to tell others to connect to: no wildcard, a port that can be reached. */
export function readRemoteAddress(text: string): HostPort {
  const address = splitHostPort(text);
  if (address.hostname === "" || isUnspecified(address.hostname)) {
    throw new UsageError(`${JSON.stringify(text)} names no host: expected host:port`);
  }
  if (address.port === 0) {
    throw new UsageError(`${JSON.stringify(text)} has port 0: expected 1 to 65535`);
  }
  return address;
}

/** The entries of a comma-separated list, without blanks around them; empty ones are passed over. */
export function readList(text: string): readonly string[] {
  return text.split(",").map((entry) => entry.trim()).filter((entry) => entry !== "");
}

/** As `readList`, with at least one entry. */
export function readSomeList(text: string): readonly string[] {
  const entries = readList(text);
  if (entries.length === 0) throw new UsageError("the list is empty");
  return entries;
}

/** `role=web,zone=b`. */
export function readTags(text: string): ReadonlyMap<string, string> {
  const tags = new Map<string, string>();
  for (const entry of readList(text)) {
    const at = entry.indexOf("=");
    const key = at < 0 ? "" : entry.slice(0, at).trim();
    if (key === "") {
      throw new UsageError(`bad tag ${JSON.stringify(entry)}: expected key=value,key=value`);
    }
    if (tags.has(key)) throw new UsageError(`tag ${JSON.stringify(key)} is given twice`);
    tags.set(key, entry.slice(at + 1).trim());
  }
  return tags;
}

/** A member's name: something that can be read, at most 255 bytes. */
export function readName(text: string): string {
  if (text.trim() === "" || /\p{C}/u.test(text)) {
    const shown = JSON.stringify(text);
    throw new UsageError(`bad name ${shown}: expected visible characters`);
  }
  const bytes = utf8Length(text);
  if (bytes > NAME_MAX_BYTES) {
    throw new UsageError(`a name of ${bytes} bytes: expected at most ${NAME_MAX_BYTES}`);
  }
  return text;
}

/** A file's path, or `-`. */
export function readPath(text: string): string {
  if (text === "" || text.includes("\0")) throw new UsageError("no path: expected a file, or -");
  return text;
}

/** A directory's path, or `none`. */
export function readDirectory(text: string): string {
  if (text === "" || text.includes("\0")) {
    throw new UsageError("no path: expected a directory, or none");
  }
  return text;
}

/** A file that is read again and again, so not stdin. */
export function readFile(text: string): string {
  if (text === "" || text === "-" || text.includes("\0")) {
    throw new UsageError("no path: expected a file");
  }
  return text;
}

/** A text that may be a secret: not empty, and never repeated in an error. */
export function readWord(text: string): string {
  if (text === "") throw new UsageError("the value is empty");
  return text;
}

/** A cluster's label. */
export function readLabel(text: string): string {
  if (utf8Length(text) > LABEL_MAX_BYTES) {
    throw new UsageError(`the label is too long: expected at most ${LABEL_MAX_BYTES} bytes`);
  }
  return text;
}
