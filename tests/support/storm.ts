/**
 * Sends malformed input to a daemon as fast as it receives it.
 * @module
 */
import type { DropReason } from "../../lib/errors.ts";
import type { Envelope } from "../../lib/wire/envelope.ts";
import { encodeMessage } from "../../lib/wire/codec.ts";
import type { GossipcheckNode } from "./gossipcheck_node.ts";
import { type Carrier, Mutants } from "./mutants.ts";
import { PATIENCE_MS } from "./process_events.ts";
import { SeededRandom } from "./world_time.ts";

/** Bytes that are sent before the daemon must answer a ping: less than its socket buffer holds. */
const WINDOW_BYTES = 60_000;
/** What a datagram takes in that buffer in addition to its own bytes. */
const DATAGRAM_OVERHEAD_BYTES = 1_000;
/** Number of simultaneous connections to a daemon. */
const STREAMS_AT_ONCE = 8;

/** What to send. */
export interface StormOptions {
  /** The receiver. */
  readonly node: GossipcheckNode;
  /** The encryption and label of the cluster. */
  readonly envelope: Envelope;
  /** Number of packets and of streams. */
  readonly counts: Readonly<Record<Carrier, number>>;
  /** Seed of the input. */
  readonly seed: string;
}

/** Number of inputs that must be dropped for each reason. */
export type Sent = Map<DropReason, number>;

/** Sends the input to one daemon and waits until it has received all of it. */
export async function sendStorm(options: StormOptions): Promise<Record<Carrier, Sent>> {
  const mutants = (carrier: Carrier) =>
    new Mutants({
      carrier,
      envelope: options.envelope,
      random: new SeededRandom(`${options.seed} ${options.node.name} ${carrier}`),
    });
  const [packet, stream] = await Promise.all([
    sendPackets(mutants("packet"), options),
    sendStreams(mutants("stream"), options),
  ]);
  return { packet, stream };
}

async function sendPackets(
  mutants: Mutants,
  { node, envelope, counts }: StormOptions,
): Promise<Sent> {
  const sent: Sent = new Map();
  const to = { transport: "udp", ...addressOf(node) } as const;
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  using _closing = { [Symbol.dispose]: () => socket.close() };
  let room = WINDOW_BYTES;
  for (let index = 0; index < counts.packet; index++) {
    const { bytes, reason } = mutants.next();
    sent.set(reason, (sent.get(reason) ?? 0) + 1);
    await socket.send(bytes, to);
    room -= bytes.length + DATAGRAM_OVERHEAD_BYTES;
    if (room > 0 && index + 1 < counts.packet) continue;
    // The daemon answers once it has received everything before.
    const ping = encodeMessage({ type: "ping", sequence: index, targetName: node.name });
    await socket.send(envelope.sealPacket([ping]), to);
    await withPatience(socket.receive(), `answer of ${node.name} after ${index} packets`);
    room = WINDOW_BYTES;
  }
  return sent;
}

async function sendStreams(mutants: Mutants, { node, counts }: StormOptions): Promise<Sent> {
  const sent: Sent = new Map();
  let left = counts.stream;
  const sender = async () => {
    while (left-- > 0) {
      const { bytes, reason } = mutants.next();
      sent.set(reason, (sent.get(reason) ?? 0) + 1);
      await withPatience(sendStream(bytes, addressOf(node)), `end of a stream to ${node.name}`);
    }
  };
  await Promise.all(Array.from({ length: STREAMS_AT_ONCE }, sender));
  return sent;
}

/** Sends a stream and waits until the daemon closes the connection. */
async function sendStream(
  bytes: Uint8Array,
  to: { readonly hostname: string; readonly port: number },
): Promise<void> {
  using connection = await Deno.connect(to);
  try {
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    await connection.closeWrite();
    const buffer = new Uint8Array(4096);
    while (await connection.read(buffer) !== null);
  } catch {
    // The daemon closed the connection early.
  }
}

function addressOf(node: GossipcheckNode): { hostname: string; port: number } {
  const [hostname = "", port] = node.address.split(":");
  return { hostname, port: Number(port) };
}

async function withPatience<T>(promise: Promise<T>, what: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no ${what}`)), PATIENCE_MS);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Returns the resident memory of a process in bytes. */
export function residentBytes(pid: number): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/status`);
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1];
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/status has no VmRSS`);
  return Number(kibibytes) * 1024;
}
