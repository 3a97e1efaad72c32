/**
 * Addresses as text, as bytes and as what people type. The canonical text of an IP address is
 * dotted for IPv4, also where it came mapped into IPv6, and RFC 5952's for IPv6, without zone.
 * @module
 */
import { AddressError, WireError } from "./errors.ts";
import type { Address } from "./runtime.ts";
import { ipaddr, type IPv4, type IPv6 } from "./std/ipaddr.ts";

/** A name or IP address with a port, as an operator wrote it: not resolved yet. */
export interface HostPort {
  /** A DNS name, an IP address in canonical text, or empty where only a port was given. */
  readonly hostname: string;
  /** 0 to 65535; 0 lets the system pick one where something is bound. */
  readonly port: number;
}

/** `1.2.3.4:5`, or `[::1]:5`. Takes unresolved names as well. */
export function formatAddress(address: Address | HostPort): string {
  const host = "host" in address ? address.host : address.hostname;
  return host.includes(":") ? `[${host}]:${address.port}` : `${host}:${address.port}`;
}

/** Whether both name the same endpoint, whatever text form the IP addresses have. */
export function sameAddress(a: Address, b: Address): boolean {
  if (a.port !== b.port) return false;
  if (a.host === b.host) return true;
  const first = parseIp(a.host);
  return first !== undefined && first.toString() === parseIp(b.host)?.toString();
}

/** Whether `host` is an IP address: four decimal parts, or IPv6 without brackets and zone. */
export function isIp(host: string): boolean {
  return host.includes(":")
    ? !host.includes("%") && ipaddr.IPv6.isValid(host)
    : ipaddr.IPv4.isValidFourPartDecimal(host);
}

/** Whether `host` is an IP address that never leaves this host. */
export function isLoopback(host: string): boolean {
  return parseIp(host)?.range() === "loopback";
}

/** Whether `host` is an IP address of a private network (RFC 1918, RFC 4193). */
export function isPrivate(host: string): boolean {
  const range = parseIp(host)?.range();
  return range === "private" || range === "uniqueLocal";
}

/** Whether `host` is the address that stands for all interfaces: `0.0.0.0` or `::`. */
export function isUnspecified(host: string): boolean {
  const address = parseIp(host);
  // 0.0.0.0/8 is "this network"; only the all-zero address is the wildcard.
  return address !== undefined && address.toByteArray().every((byte) => byte === 0);
}

/** The 4 or 16 bytes of an IP address. Raises `AddressError` on anything else. */
export function ipToBytes(host: string): Uint8Array<ArrayBuffer> {
  const number = ipv4ToNumber(host);
  if (number !== undefined) {
    return Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number);
  }
  const address = parseIp(host);
  if (address === undefined) {
    throw new AddressError(`"${host}" is not an IP address: give IPv4 or IPv6 without a zone`);
  }
  return new Uint8Array(address.toByteArray());
}

/** The canonical text of 4 or 16 bytes. Raises `WireError` (`bad_address`) on another length. */
export function ipFromBytes(bytes: Uint8Array): string {
  if (bytes.length === 4) return dotted(bytes, 0);
  if (bytes.length !== 16) {
    throw new WireError(
      "bad_address",
      `an IP address of ${bytes.length} bytes arrived: expected 4 or 16`,
    );
  }
  if (isMapped(bytes)) return dotted(bytes, 12);
  return ipaddr.fromByteArray(Array.from(bytes)).toString();
}

/**
 * Takes apart `host:port`, `:3505` (all interfaces), `[::1]:2000`, and, where there is a
 * `defaultPort`, `host`, `[::1]` and `::1`. Raises `AddressError` naming the text and the form
 * that was expected.
 */
export function splitHostPort(text: string, options: { defaultPort?: number } = {}): HostPort {
  const { defaultPort } = options;
  const bracketed = /^\[([^\[\]]*)\](?::(.*))?$/s.exec(text);
  if (bracketed !== null) {
    const [, host = "", port] = bracketed;
    if (!host.includes(":") || !isIp(host)) {
      throw badAddress(text, "only an IPv6 address without a zone goes in brackets");
    }
    return { hostname: canonical(host), port: portOf(text, port ?? defaultPort) };
  }
  const colon = text.lastIndexOf(":");
  if (colon !== text.indexOf(":")) {
    if (defaultPort === undefined || !isIp(text)) {
      throw badAddress(text, "an IPv6 address with a port is written [::1]:2000");
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
  if (port === undefined) throw badAddress(text, "the port is missing: expected host:port");
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
 * A dotted IPv4 address as a number of 32 bits, without a sign; `undefined` for anything else. Every
 * packet that names an address comes by this, so IPv4 takes no detour through the parser.
 */
export function ipv4ToNumber(host: string): number | undefined {
  let number = 0;
  let part = 0;
  let value = 0;
  let digits = 0;
  for (let index = 0; index <= host.length; index++) {
    const digit = host.charCodeAt(index) - 0x30;
    if (digit >= 0 && digit <= 9) {
      // No leading zeros, which some systems read as octal.
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
