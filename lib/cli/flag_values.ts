/**
 * The kinds of values that flags take: placeholder, range and parser of each. A parser raises
 * `UsageError` or `AddressError` that says what was expected; `parseFlags` puts the flag's name in
 * front.
 * @module
 */
import { type HostPort, isUnspecified, splitHostPort } from "../address.ts";
import { formatDuration, parseDuration } from "../duration.ts";
import { UsageError } from "../errors.ts";
import { LABEL_MAX_BYTES, NAME_MAX_BYTES } from "../limits.ts";
import { utf8Length } from "../utf8.ts";
import type { ValueKind } from "./flags.ts";

/** The bounds of a number, in its unit. */
export interface Range {
  /** Minimum, included. */
  readonly least: number;
  /** Maximum, included. */
  readonly most: number;
}

/** A whole number: `0`, `100`. */
export function integerBetween({ least, most }: Range): ValueKind<number> {
  const range = `${least} to ${most}`;
  return {
    placeholder: "N",
    range,
    parse: (text) => {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
      if (value >= least && value <= most) return value;
      throw new UsageError(`bad number ${JSON.stringify(text)}: expected ${range}`);
    },
  };
}

/** A duration with units, in milliseconds: `500ms`, `20s`, `1m30s`. */
export function durationBetween({ least, most }: Range): ValueKind<number> {
  const range = `${formatDuration(least)} to ${formatDuration(most)}`;
  return {
    placeholder: "DURATION",
    range,
    parse: (text) => {
      const durationMs = parseDuration(text);
      if (durationMs === undefined) {
        const shown = JSON.stringify(text);
        throw new UsageError(`bad duration ${shown}: expected one such as 500ms, 20s or 1m30s`);
      }
      if (durationMs >= least && durationMs <= most) return durationMs;
      throw new UsageError(`${text} is out of range: expected ${range}`);
    },
  };
}

/** A duration, or `never` for 0. */
export function durationOrNever(bounds: Range): ValueKind<number> {
  const duration = durationBetween(bounds);
  return {
    placeholder: "DURATION|never",
    range: `${duration.range}, or never`,
    parse: (text, earlier) => text === "never" ? 0 : duration.parse(text, earlier),
  };
}

/** One of the given words. */
export function oneOf<const T extends string>(
  words: readonly T[],
  options: { readonly placeholder: string },
): ValueKind<T> {
  return {
    placeholder: options.placeholder,
    parse: (text) => {
      const found = words.find((word) => word === text);
      if (found !== undefined) return found;
      throw new UsageError(`bad value ${JSON.stringify(text)}: expected ${words.join(", ")}`);
    },
  };
}

/** An address to listen on: `host:port`, or `:port` for all interfaces; port 0 picks a free one. */
export const LISTEN_ADDRESS: ValueKind<HostPort> = {
  placeholder: "HOST:PORT",
  parse: (text) => splitHostPort(text),
};

/** An address that others can connect to: not a wildcard, and a port other than 0. */
export const REMOTE_ADDRESS: ValueKind<HostPort> = {
  placeholder: "HOST:PORT",
  parse: (text) => {
    const address = splitHostPort(text);
    const shown = JSON.stringify(text);
    if (address.hostname === "" || isUnspecified(address.hostname)) {
      throw new UsageError(`${shown} has no host: expected host:port`);
    }
    if (address.port === 0) throw new UsageError(`${shown} has port 0: expected 1 to 65535`);
    return address;
  },
};

/** Addresses of peers to join through; one without a port gets the port of `bind`. */
export const PEER_LIST: ValueKind<readonly HostPort[]> = {
  placeholder: "HOST[:PORT],…",
  parse: (text, { bind }: { readonly bind: HostPort }) =>
    listEntries(text).map((peer) => {
      const address = splitHostPort(peer, { defaultPort: bind.port });
      const shown = JSON.stringify(peer);
      if (address.hostname === "") throw new UsageError(`${shown} has no host: expected host:port`);
      if (address.port !== 0) return address;
      throw new UsageError(`${shown} has no port, and -bind has none to use: expected host:port`);
    }),
};

/** Words separated by commas, at least one. */
export function wordList(options: { readonly placeholder: string }): ValueKind<readonly string[]> {
  return {
    placeholder: options.placeholder,
    parse: (text) => {
      const entries = listEntries(text);
      if (entries.length > 0) return entries;
      throw new UsageError("the list is empty: expected at least one entry");
    },
  };
}

/** Tags of a node: `role=web,zone=b`. */
export const TAGS: ValueKind<ReadonlyMap<string, string>> = {
  placeholder: "KEY=VALUE,…",
  parse: (text) => {
    const tags = new Map<string, string>();
    for (const entry of listEntries(text)) {
      const at = entry.indexOf("=");
      const key = at < 0 ? "" : entry.slice(0, at).trim();
      if (key === "") {
        throw new UsageError(`bad tag ${JSON.stringify(entry)}: expected key=value,key=value`);
      }
      if (tags.has(key)) throw new UsageError(`tag ${JSON.stringify(key)} is given twice`);
      tags.set(key, entry.slice(at + 1).trim());
    }
    return tags;
  },
};

/** The name of a node: visible characters, at most 255 bytes. */
export const NODE_NAME: ValueKind<string> = { placeholder: "NAME", parse: parseName };

/**
 * The name of a signing key: as `NODE_NAME`, one word, because it begins a line of `-trusted-keys`.
 */
export const SIGNER_NAME: ValueKind<string> = {
  placeholder: "NAME",
  parse: (text) => {
    const name = parseName(text);
    if (!/\s/.test(name) && !name.startsWith("#")) return name;
    throw new UsageError(`bad name ${JSON.stringify(text)}: expected one word without # in front`);
  },
};

/** The label of a cluster, at most 255 bytes. */
export const LABEL: ValueKind<string> = {
  placeholder: "TEXT",
  parse: (text) => {
    const bytes = utf8Length(text);
    if (bytes <= LABEL_MAX_BYTES) return text;
    throw new UsageError(`the label is ${bytes} bytes long; maximum ${LABEL_MAX_BYTES}`);
  },
};

/** A text that may be a secret: not empty, and never repeated in an error. */
export function secretText(options: { readonly placeholder: string }): ValueKind<string> {
  return {
    placeholder: options.placeholder,
    parse: (text) => {
      if (text !== "") return text;
      throw new UsageError("the value is empty");
    },
  };
}

/** The path of a file. */
export const FILE: ValueKind<string> = {
  placeholder: "FILE",
  parse: (text) => {
    if (text === "-") throw new UsageError('bad path "-": expected a file');
    return parsePath(text, { expected: "a file" });
  },
};

/** The path of a file, or `-` for stdin or stdout. */
export const FILE_OR_DASH: ValueKind<string> = {
  placeholder: "FILE",
  parse: (text) => parsePath(text, { expected: "a file, or -" }),
};

/** The path of a directory, or `none`. */
export const DIRECTORY_OR_NONE: ValueKind<string> = {
  placeholder: "DIR",
  parse: (text) => parsePath(text, { expected: "a directory, or none" }),
};

/** The entries of a list without blanks around them; empty ones are left out. */
function listEntries(text: string): readonly string[] {
  return text.split(",").map((entry) => entry.trim()).filter((entry) => entry !== "");
}

function parseName(text: string): string {
  if (text.trim() === "" || /\p{C}/u.test(text)) {
    throw new UsageError(`bad name ${JSON.stringify(text)}: expected visible characters`);
  }
  const bytes = utf8Length(text);
  if (bytes <= NAME_MAX_BYTES) return text;
  throw new UsageError(`the name is ${bytes} bytes long; maximum ${NAME_MAX_BYTES}`);
}

function parsePath(text: string, { expected }: { expected: string }): string {
  if (text !== "" && !text.includes("\0")) return text;
  throw new UsageError(`no path: expected ${expected}`);
}
