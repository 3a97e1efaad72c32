/**
 * Binds a node's sockets and derives the address that it advertises.
 * @module
 */
import { formatAddress, type HostPort, isLoopback, isPrivate, isUnspecified } from "../address.ts";
import { AddressError } from "../errors.ts";
import { inFlag } from "../flag_errors.ts";
import type { Address, DatagramSocket, Network, StreamListener } from "../runtime.ts";
import type { NodeSettings } from "./settings.ts";

/** The addresses that mean all interfaces; the one of IPv6 accepts IPv4 too. */
const WILDCARDS = ["::", "0.0.0.0"];
/** With port 0: how many UDP ports are tried until the same TCP port is free. */
const PORT_ATTEMPTS = 20;

/** UDP and TCP on one port. */
export interface NodeSockets {
  /** For packets. */
  readonly datagrams: DatagramSocket;
  /** For streams. */
  readonly streams: StreamListener;
}

/** Everything that a node listens on. */
export interface Bound {
  /** For other nodes. */
  readonly sockets: NodeSockets;
  /** For `gcheck`; absent if clients are not served. */
  readonly clients: StreamListener | undefined;
  /** The address that is advertised to other nodes. */
  readonly address: Address;
}

/**
 * Binds the chosen addresses and derives the one to advertise. Rejects with
 * `AddressError` and `UsageError`; then nothing is left open.
 */
export async function bindAll(network: Network, settings: NodeSettings): Promise<Bound> {
  using cleanup = new DisposableStack();
  const sockets = await bindNode(network, settings.bind);
  cleanup.defer(() => sockets.datagrams.close());
  cleanup.defer(() => sockets.streams.close());
  const clients = settings.clientBind && await bindClients(network, settings.clientBind);
  cleanup.defer(() => clients?.close());
  const bound = sockets.datagrams.local;
  const address = await advertisedAddress(network, { bound, advertise: settings.advertise });
  cleanup.move();
  return { sockets, clients, address };
}

/** Binds UDP and TCP to one address and port; port 0 picks one. Rejects with `AddressError`. */
async function bindNode(network: Network, bind: HostPort): Promise<NodeSockets> {
  return await bindFirst(network, {
    bind,
    flag: "-bind",
    listen: (local) => {
      for (let attempt = 1;; attempt++) {
        const datagrams = network.listenDatagrams(local);
        try {
          const streams = network.listenStreams({ host: local.host, port: datagrams.local.port });
          return { datagrams, streams };
        } catch (error) {
          datagrams.close();
          if (local.port !== 0 || attempt === PORT_ATTEMPTS) throw error;
        }
      }
    },
  });
}

/** Binds the port for `gcheck`. Rejects with `AddressError`. */
async function bindClients(network: Network, bind: HostPort): Promise<StreamListener> {
  const listen = (local: Address) => network.listenStreams(local);
  return await bindFirst(network, { bind, flag: "-cli-bind", listen });
}

/** Tries the addresses of the host name in their order. */
async function bindFirst<T>(
  network: Network,
  { bind, flag, listen }: { bind: HostPort; flag: string; listen: (local: Address) => T },
): Promise<T> {
  let first: AddressError | undefined;
  for (const host of await hostsOf(network, { bind, flag })) {
    try {
      return listen({ host, port: bind.port });
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      first ??= error;
    }
  }
  const reason = first?.message ?? `the name ${JSON.stringify(bind.hostname)} has no address`;
  throw new AddressError(`${reason}: give another address or port with ${flag}`, { cause: first });
}

async function hostsOf(
  network: Network,
  { bind, flag }: { bind: HostPort; flag: string },
): Promise<readonly string[]> {
  if (bind.hostname === "") return WILDCARDS;
  return await inFlag(flag, () => network.resolve(bind.hostname));
}

/**
 * The address to advertise: the one of `-advertise`; else the bound one; else, if bound to all interfaces,
 * the first private or then the first other address that is not loopback. Rejects with
 * `AddressError`.
 */
async function advertisedAddress(
  network: Network,
  { bound, advertise }: { bound: Address; advertise: HostPort | undefined },
): Promise<Address> {
  if (advertise !== undefined) {
    const [host] = await hostsOf(network, { bind: advertise, flag: "-advertise" });
    if (advertise.hostname === "" || host === undefined || isUnspecified(host)) {
      throw new AddressError(
        `-advertise ${formatAddress(advertise)} is no address that others could reach: ` +
          "give this node's own, as in -advertise 192.0.2.1:3505",
      );
    }
    return { host, port: advertise.port };
  }
  if (!isUnspecified(bound.host)) return bound;
  const host = reachableAddress(network.interfaceAddresses(), bound);
  if (host === undefined) {
    throw new AddressError(
      "this machine has no address but loopback: say with -advertise where other nodes reach it, " +
        "or bind to loopback alone with -bind 127.0.0.1:" + bound.port,
    );
  }
  return { host, port: bound.port };
}

/** IPv4 comes before IPv6, because peers without IPv6 are more common than peers without IPv4. */
function reachableAddress(addresses: readonly string[], bound: Address): string | undefined {
  const ipv4Only = !bound.host.includes(":");
  const candidates = addresses
    .filter((host) => !isLoopback(host) && !isLinkLocal(host))
    .filter((host) => !ipv4Only || !host.includes(":"))
    .sort((a, b) => Number(a.includes(":")) - Number(b.includes(":")));
  return candidates.find(isPrivate) ?? candidates[0];
}

/** Whether an address is link-local, and so useless without its interface (RFC 4291, 2.5.6; RFC 3927). */
function isLinkLocal(host: string): boolean {
  return /^(fe[89ab][0-9a-f]:|169\.254\.)/i.test(host);
}
