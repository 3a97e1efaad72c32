/**
 * Ports for programs that cannot pick one themselves, or that must have the same one after a restart.
 * @module
 */
import { join } from "@std/path";
import { testCache } from "./test_cache.ts";

/**
 * Outside of the ranges from which Linux, macOS and Windows take a port for a socket that asks for
 * any, so that nobody gets the port of a program while it restarts.
 */
const FIRST_PORT = 10_000;
const PORTS = 20_000;
/** More of them in a row are never in use by other programs. */
const MAX_ATTEMPTS = 100;

/**
 * A loopback port that is free for UDP and TCP. All test processes of this user draw from one
 * sequence of {@linkcode PORTS} ports, so that two of them that run at the same time never get the
 * same one.
 */
export function freePort(hostname = "127.0.0.1"): number {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const port = nextPort();
    try {
      Deno.listen({ hostname, port }).close();
      Deno.listenDatagram({ transport: "udp", hostname, port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(`${MAX_ATTEMPTS} ports of ${hostname} in a row are in use`);
}

/** The next port of the sequence, which a file of the cache keeps; the file's lock makes it unique. */
function nextPort(): number {
  using file = Deno.openSync(join(testCache(), "port"), { create: true, read: true, write: true });
  file.lockSync(true);
  const buffer = new Uint8Array(5);
  const last = Number(new TextDecoder().decode(buffer.subarray(0, file.readSync(buffer) ?? 0)));
  const port = last >= FIRST_PORT && last < FIRST_PORT + PORTS - 1 ? last + 1 : FIRST_PORT;
  file.seekSync(0, Deno.SeekMode.Start);
  file.writeSync(new TextEncoder().encode(String(port)));
  return port;
}
