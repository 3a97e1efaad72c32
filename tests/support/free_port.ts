/**
 * Ports for programs that cannot pick one themselves.
 * @module
 */

/** A loopback port that is free for UDP and TCP alike at the moment of asking. */
export function freePort(hostname = "127.0.0.1"): number {
  for (let attempt = 0; attempt < 100; attempt++) {
    using stream = Deno.listen({ hostname, port: 0 });
    const { port } = stream.addr as Deno.NetAddr;
    try {
      Deno.listenDatagram({ transport: "udp", hostname, port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(`no port of ${hostname} is free for both UDP and TCP`);
}
