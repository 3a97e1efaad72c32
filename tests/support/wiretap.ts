/**
 * A place on the loopback that passes all it gets on to a node, and tells of what form it was.
 * @module
 */
import { type HostPort, splitHostPort } from "../../lib/address.ts";
import { MESSAGE_TYPE } from "../../lib/wire/messages.ts";

/** How many packets or streams there were. */
export interface TapCounts {
  /** All. */
  all: number;
  /** Those whose content was compressed. */
  compressed: number;
}

/** Where a tap listens and what stands behind it, both as host:port on 127.0.0.1. */
export interface WiretapOptions {
  /** UDP and TCP. */
  readonly at: string;
  /** The node. */
  readonly target: string;
}

/** Bytes of type and checksum in front of what memberlist's newer versions put into a packet. */
const CRC_BYTES = 5;

/** Stands in front of a node that tells others the tap's address. For one other node, unencrypted. */
export class Wiretap implements AsyncDisposable {
  /** Packets to the node. */
  readonly packets: TapCounts = { all: 0, compressed: 0 };
  /** What was asked of the node on streams. */
  readonly streams: TapCounts = { all: 0, compressed: 0 };
  readonly #target: HostPort;
  readonly #front: Deno.DatagramConn;
  readonly #back: Deno.DatagramConn;
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #running: Promise<unknown>;
  #client: Deno.Addr | undefined;

  /** Listens at once. */
  constructor(options: WiretapOptions) {
    const at = splitHostPort(options.at);
    this.#target = splitHostPort(options.target);
    this.#front = Deno.listenDatagram({ ...at, transport: "udp" });
    this.#back = Deno.listenDatagram({ hostname: at.hostname, port: 0, transport: "udp" });
    this.#listener = Deno.listen(at);
    this.#running = Promise.all([this.#passPackets(), this.#passAnswers(), this.#passStreams()]);
  }

  async #passPackets(): Promise<void> {
    for await (const [packet, from] of this.#front) {
      this.#client = from;
      count(this.packets, packet.subarray(packet[0] === MESSAGE_TYPE.hasCrc ? CRC_BYTES : 0));
      await this.#back.send(packet, { ...this.#target, transport: "udp" });
    }
  }

  async #passAnswers(): Promise<void> {
    for await (const [packet] of this.#back) {
      if (this.#client !== undefined) await this.#front.send(packet, this.#client);
    }
  }

  async #passStreams(): Promise<void> {
    const streams: Promise<void>[] = [];
    for await (const near of this.#listener) streams.push(this.#passStream(near));
    await Promise.all(streams);
  }

  async #passStream(near: Deno.TcpConn): Promise<void> {
    const far = await Deno.connect(this.#target);
    this.#open.add(near).add(far);
    let begun = false;
    const watched = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform: (chunk, controller) => {
        if (!begun) count(this.streams, chunk);
        begun = true;
        controller.enqueue(chunk);
      },
    });
    // Either end may hang up at any time: that is theirs to judge.
    await Promise.allSettled([
      near.readable.pipeThrough(watched).pipeTo(far.writable),
      far.readable.pipeTo(near.writable),
    ]);
    this.#open.delete(near);
    this.#open.delete(far);
  }

  /** Stops passing on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#front.close();
    this.#back.close();
    this.#listener.close();
    for (const stream of this.#open) {
      try {
        stream.close();
      } catch {
        // It has ended by itself.
      }
    }
    await this.#running;
  }
}

function count(counts: TapCounts, content: Uint8Array): void {
  counts.all++;
  if (content[0] === MESSAGE_TYPE.compress) counts.compressed++;
}
