/**
 * Parses and formats IP addresses and `host:port` text. The canonical text of an IP address is the
 * dotted form for IPv4 (also for an IPv4-mapped IPv6 address), and that of RFC 5952, without a
 * zone, for IPv6.
 * @module
 */
import { AddressError, WireError } from "./errors.ts";
import type { Address } from "./runtime.ts";
import { ipaddr, type IPv4, type IPv6 } from "./std/ipaddr.ts";

/** A host name or IP address with a port, before the name is resolved. */
export interface HostPort {
  /** A DNS name, an IP address in canonical text, or empty if only a port was given. */
  readonly hostname: string;
  /** 0 to 65535; a socket bound to port 0 gets a free port. */
  readonly port: number;
}

/** The name of a node and the address where it listens for other nodes. */
export interface NodeReference {
  /** Unique in the cluster. */
  readonly name: string;
  readonly address: Address;
}

/** Formats an address or an unresolved name with its port: `1.2.3.4:5`, `[::1]:5`, `web-1:5`. */
export function formatAddress(address: Address | HostPort): string {
  const host = "host" in address ? address.host : address.hostname;
  return host.includes(":") ? `[${host}]:${address.port}` : `${host}:${address.port}`;
}

/** Whether two addresses are the same endpoint, in whatever text form the IP addresses are. */
export function sameAddress(a: Address, b: Address): boolean {
  if (a.port !== b.port) return false;
  if (a.host === b.host) return true;
  const first = parseIp(a.host);
  return first !== undefined && first.toString() === parseIp(b.host)?.toString();
}

/**
 * Whether `host` is an IP address: four decimal parts, or IPv6 without brackets and without a zone.
 */
export function isIp(host: string): boolean {
  return host.includes(":")
    ? !host.includes("%") && ipaddr.IPv6.isValid(host)
    : ipaddr.IPv4.isValidFourPartDecimal(host);
}

/** Whether `host` is a loopback address. */
export function isLoopback(host: string): boolean {
  return parseIp(host)?.range() === "loopback";
}

/** Whether `host` is an IP address of a private network (RFC 1918, RFC 4193). */
export function isPrivate(host: string): boolean {
  const range = parseIp(host)?.range();
  return range === "private" || range === "uniqueLocal";
}

/** Whether `host` is the unspecified address, which means all interfaces: `0.0.0.0` or `::`. */
export function isUnspecified(host: string): boolean {
  const address = parseIp(host);
  // The library puts all of 0.0.0.0/8 in the range "unspecified".
  return address !== undefined && address.toByteArray().every((byte) => byte === 0);
}

/**
 * Converts an IP address to its 4 or 16 bytes. Raises `AddressError` if `host` is not an IP
 * address.
 */
export function ipToBytes(host: string): Uint8Array<ArrayBuffer> {
  const number = ipv4ToNumber(host);
  if (number !== undefined) {
    return Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number);
  }
  const address = parseIp(host);
  if (address === undefined) {
    throw new AddressError(`"${host}" is not an IP address; expected IPv4, or IPv6 without a zone`);
  }
  return new Uint8Array(address.toByteArray());
}

/**
 * Converts 4 or 16 bytes to the canonical text. Raises `WireError` (`bad_address`) on another
 * length.
 */
export function ipFromBytes(bytes: Uint8Array): string {
  if (bytes.length === 4) return dotted(bytes, 0);
  if (bytes.length !== 16) {
    throw new WireError(
      "bad_address",
      `an IP address is ${bytes.length} bytes long; expected 4 or 16`,
    );
  }
  if (isMapped(bytes)) return dotted(bytes, 12);
  return ipaddr.fromByteArray(Array.from(bytes)).toString();
}

/**
 * Parses `host:port`, `:3505` (all interfaces), `[::1]:2000`, and, if `defaultPort` is given,
 * `host`, `[::1]` and `::1`. Raises `AddressError` with the text and the expected form.
 *
 * @example
 *
 *     splitHostPort("[::1]:2000"); // { hostname: "::1", port: 2000 }
 *     splitHostPort("web-1", { defaultPort: 3505 }); // { hostname: "web-1", port: 3505 }
 */
export function splitHostPort(text: string, options: { defaultPort?: number } = {}): HostPort {
  const { defaultPort } = options;
  const bracketed = /^\[([^\[\]]*)\](?::(.*))?$/s.exec(text);
  if (bracketed !== null) {
    const [, host = "", port] = bracketed;
    if (!host.includes(":") || !isIp(host)) {
      throw badAddress(text, "expected an IPv6 address without a zone in the brackets");
    }
    return { hostname: canonical(host), port: portOf(text, port ?? defaultPort) };
  }
  const colon = text.lastIndexOf(":");
  if (colon !== text.indexOf(":")) {
    if (defaultPort === undefined || !isIp(text)) {
      throw badAddress(text, "an IPv6 address with a port must be in brackets, as in [::1]:2000");
    }
    return { hostname: canonical(text), port: defaultPort };
  }
  const host = colon < 0 ? text : text.slice(0, colon);
  const port = portOf(text, colon < 0 ? defaultPort : text.slice(colon + 1));
  if (host === "" ? colon < 0 : !/^[^\s\/\[\]@?#,%:]{1,253}$/.test(host)) {
    throw badAddress(text, "expected host:port, :port or [IPv6]:port");
  }
  return { hostname: isIp(host) ? canonical(host) : host, port };
}

function parseIp(host: string): IPv4 | IPv6 | undefined {
  return isIp(host) ? ipaddr.process(host) : undefined;
}

function canonical(host: string): string {
  return ipaddr.process(host).toString();
}

function portOf(text: string, port: string | number | undefined): number {
  if (typeof port === "number") return port;
  if (port === undefined) throw badAddress(text, "the port is missing; expected host:port");
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw badAddress(text, "the port must be a number from 0 to 65535");
  }
  return Number(port);
}

function badAddress(text: string, expected: string): AddressError {
  return new AddressError(`bad address ${JSON.stringify(text)}: ${expected}`);
}

function isMapped(bytes: Uint8Array): boolean {
  for (let index = 0; index < 10; index++) if (bytes[index] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}

/**
 * Converts a dotted IPv4 address to an unsigned 32-bit number; `undefined` for any other text.
 * Codecs call it for each address, so it does not use the slower parser of the library.
 */
export function ipv4ToNumber(host: string): number | undefined {
  let number = 0;
  let part = 0;
  let value = 0;
  let digits = 0;
  for (let index = 0; index <= host.length; index++) {
    const digit = host.charCodeAt(index) - 0x30;
    if (digit >= 0 && digit <= 9) {
      // Leading zeros are refused: some systems read such a part as octal.
      if (digits > 0 && value === 0) return undefined;
      value = 10 * value + digit;
      digits++;
      continue;
    }
    if (digits === 0 || value > 255 || part > 3) return undefined;
    if (index < host.length && host[index] !== ".") return undefined;
    number = number * 256 + value;
    part++;
    value = 0;
    digits = 0;
  }
  return part === 4 ? number : undefined;
}

function dotted(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}
