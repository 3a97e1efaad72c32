/**
 * A cluster of real daemons under malformed input, sent as fast as they take it.
 * @module
 */
import type { DropReason } from "../../lib/errors.ts";
import type { Envelope } from "../../lib/wire/envelope.ts";
import { encodeMessage } from "../../lib/wire/codec.ts";
import type { GossipcheckNode } from "./gossipcheck_node.ts";
import { type Carrier, Mutants } from "./mutants.ts";
import { SeededRandom } from "./world_time.ts";

/** Bytes on their way to a daemon before it is asked whether it is still there: a socket's buffer holds more. */
const WINDOW_BYTES = 60_000;
/** What a datagram takes of that buffer beside its own bytes. */
const DATAGRAM_OVERHEAD_BYTES = 1_000;
/** Connections that are open to a daemon at once. */
const STREAMS_AT_ONCE = 8;
/** Nothing is asserted about it: a daemon that takes longer is taken for stuck. */
const PATIENCE_MS = 60_000;

/** What is sent. */
export interface StormOptions {
  /** To whom. */
  readonly node: GossipcheckNode;
  /** What the cluster speaks through. */
  readonly envelope: Envelope;
  /** How many pieces, for each way in which they travel. */
  readonly counts: Readonly<Record<Carrier, number>>;
  /** The same seed, the same input. */
  readonly seed: string;
}

/** How many pieces were sent that each reason refuses. */
export type Sent = Map<DropReason, number>;

/** Sends all of it to one daemon, and waits until it has taken it. */
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
    // Its answer says that it has taken everything before.
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

/** Sends it, and waits until the daemon closes the connection. */
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
    // It has seen enough and closed the connection.
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

/** How much memory of a process is resident, in bytes. */
export function residentBytes(pid: number): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/status`);
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1];
  if (kibibytes === undefined) throw new Error(`process ${pid} does not tell its memory`);
  return Number(kibibytes) * 1024;
}
