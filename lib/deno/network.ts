/**
 * UDP, TCP and name resolution on Deno.
 * @module
 */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { formatAddress } from "../address.ts";
import { AddressError, StreamError } from "../errors.ts";
import { DATAGRAM_MAX_BYTES } from "../limits.ts";
import type {
  Address,
  ByteStream,
  Datagram,
  DatagramSocket,
  Network,
  StreamListener,
} from "../runtime.ts";

/** How an IPv6 socket names an IPv4 peer (RFC 4291, section 2.5.5.2). */
const MAPPED_PREFIX = "::ffff:";

/** The network of the host that this program runs on. */
export class DenoNetwork implements Network {
  /** Binds a UDP socket; port 0 binds a free port. Raises `AddressError`. */
  listenDatagrams(local: Address): DatagramSocket {
    try {
      const { host: hostname, port } = local;
      return new DenoDatagramSocket(Deno.listenDatagram({ transport: "udp", hostname, port }));
    } catch (error) {
      throw listenError(error, { local, transport: "UDP" });
    }
  }

  /** Binds a TCP socket; port 0 binds a free port. Raises `AddressError`. */
  listenStreams(local: Address): StreamListener {
    try {
      const { host: hostname, port } = local;
      return new DenoStreamListener(Deno.listen({ transport: "tcp", hostname, port }));
    } catch (error) {
      throw listenError(error, { local, transport: "TCP" });
    }
  }

  /**
   * Opens a connection. Rejects with `StreamError` if it is refused, unreachable, aborted or not
   * open after `timeoutMs`.
   */
  async connect(
    to: Address,
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<ByteStream> {
    // The rest of a deadline that has passed is negative.
    const timeoutMs = Math.max(0, Math.ceil(options.timeoutMs));
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = options.signal === undefined
      ? timeout
      : AbortSignal.any([timeout, options.signal]);
    try {
      const connection = await Deno.connect({ hostname: to.host, port: to.port, signal });
      // The signal may have aborted between the end of the handshake and this line.
      if (signal.aborted) {
        connection.close();
        throw signal.reason;
      }
      // Each message is one write: Nagle's algorithm would only delay it.
      connection.setNoDelay(true);
      return new DenoByteStream(connection);
    } catch (error) {
      const reason = timeout.aborted ? `no answer within ${timeoutMs} ms` : shortReason(error);
      throw new StreamError(`cannot connect to ${formatAddress(to)} (TCP): ${reason}`, {
        cause: error,
      });
    }
  }

  /**
   * Resolves a name to its IPv4 and IPv6 addresses; an IP address is returned as it is. Uses the
   * resolver of the operating system, `/etc/hosts` included. Rejects with `AddressError`.
   */
  async resolve(hostname: string): Promise<string[]> {
    if (isIP(hostname) !== 0) return [hostname];
    try {
      const found = await lookup(hostname, { all: true });
      return [...new Set(found.map(({ address }) => unmapped(address)))];
    } catch (error) {
      throw new AddressError(
        `cannot resolve the name ${JSON.stringify(hostname)}: ${resolveReason(error)}`,
        { cause: error },
      );
    }
  }

  /** The addresses of the host's network interfaces, loopback included, without zones. */
  interfaceAddresses(): string[] {
    return Deno.networkInterfaces().map(({ address }) => address.split("%", 1)[0] ?? address);
  }
}

class DenoDatagramSocket implements DatagramSocket {
  readonly #socket: Deno.DatagramConn;
  readonly #isIpv6: boolean;
  readonly #buffer = new Uint8Array(DATAGRAM_MAX_BYTES);
  #closed = false;
  readonly local: Address;

  constructor(socket: Deno.DatagramConn) {
    this.#socket = socket;
    this.local = addressOf(socket.addr);
    this.#isIpv6 = isIP(this.local.host) === 6;
  }

  send(to: Address, bytes: Uint8Array): void {
    if (this.#closed) return;
    // An IPv6 socket reaches IPv4 peers by their IPv4-mapped address.
    const hostname = this.#isIpv6 && isIP(to.host) === 4 ? MAPPED_PREFIX + to.host : to.host;
    // A packet that cannot be sent is lost, which SWIM tolerates.
    this.#socket.send(bytes, { transport: "udp", hostname, port: to.port }).catch(() => {});
  }

  async receive(): Promise<Datagram | undefined> {
    while (!this.#closed) {
      try {
        const [bytes, from] = await this.#socket.receive(this.#buffer);
        return { from: addressOf(from), bytes: bytes.slice() };
      } catch {
        // On an open socket it is an ICMP error for a packet that was sent (ECONNREFUSED) or similar,
        // and the next datagram may be valid. The pause limits the load if an error persists.
        if (!this.#closed) await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
    return undefined;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }
}

class DenoStreamListener implements StreamListener {
  readonly #listener: Deno.TcpListener;
  #closed = false;
  readonly local: Address;

  constructor(listener: Deno.TcpListener) {
    this.#listener = listener;
    this.local = addressOf(listener.addr);
  }

  async accept(): Promise<ByteStream | undefined> {
    while (!this.#closed) {
      try {
        const connection = await this.#listener.accept();
        connection.setNoDelay(true);
        return new DenoByteStream(connection);
      } catch {
        // The listener is closed, or a connection ended before it was accepted, or the process has no
        // free file descriptor. The pause limits the load of the retries in the last case.
        if (!this.#closed) await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
    return undefined;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
  }
}

class DenoByteStream implements ByteStream {
  readonly #connection: Deno.TcpConn;
  #closed = false;
  readonly remote: Address;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    this.remote = addressOf(connection.remoteAddr);
  }

  async read(buffer: Uint8Array): Promise<number | undefined> {
    try {
      return await this.#connection.read(buffer) ?? undefined;
    } catch (error) {
      throw this.#error("read from", error);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let start = 0; start < bytes.length;) {
        start += await this.#connection.write(bytes.subarray(start));
      }
    } catch (error) {
      throw this.#error("write to", error);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close();
  }

  #error(doing: string, error: unknown): StreamError {
    const reason = this.#closed ? "the connection was closed" : shortReason(error);
    return new StreamError(`cannot ${doing} ${formatAddress(this.remote)} (TCP): ${reason}`, {
      cause: error,
    });
  }
}

function addressOf(address: Deno.Addr): Address {
  if (address.transport !== "tcp" && address.transport !== "udp") {
    throw new AddressError(`expected an IP socket, found a ${address.transport} one`);
  }
  return { host: unmapped(address.hostname), port: address.port };
}

function unmapped(host: string): string {
  const rest = host.slice(MAPPED_PREFIX.length);
  return host.startsWith(MAPPED_PREFIX) && isIP(rest) === 4 ? rest : host;
}

function listenError(
  error: unknown,
  { local, transport }: { local: Address; transport: "UDP" | "TCP" },
): AddressError {
  const where = `cannot listen on ${formatAddress(local)} (${transport})`;
  const reason = error instanceof Deno.errors.AddrInUse
    ? "another program uses that port"
    : error instanceof Deno.errors.AddrNotAvailable
    ? "this host has no such address"
    : error instanceof Deno.errors.PermissionDenied
    ? "this user is not allowed to use that port"
    : shortReason(error);
  return new AddressError(`${where}: ${reason}`, { cause: error });
}

function shortReason(error: unknown): string {
  if (error instanceof Deno.errors.ConnectionRefused) return "connection refused";
  if (error instanceof Deno.errors.ConnectionReset) return "connection reset";
  if (error instanceof Deno.errors.BrokenPipe) return "the other end closed the connection";
  if (error instanceof Deno.errors.NetworkUnreachable) return "network unreachable";
  if (error instanceof DOMException && error.name === "AbortError") return "aborted";
  if (!(error instanceof Error)) return String(error);
  return error.message.replace(/ \(os error \d+\)/, "");
}

function resolveReason(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOTFOUND") return "no such name";
  if (code === "EAI_AGAIN") return "the name server does not answer";
  return shortReason(error);
}
