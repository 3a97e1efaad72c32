/**
 * A proxy in front of a node that counts compressed packets and streams.
 * @module
 */
import { type HostPort, splitHostPort } from "../../lib/address.ts";
import { MESSAGE_TYPE } from "../../lib/wire/messages.ts";

/** Numbers of packets or streams. */
export interface TapCounts {
  /** All of them. */
  all: number;
  /** Those with compressed content. */
  compressed: number;
}

/** Addresses of the proxy and the node, as host:port on 127.0.0.1. */
export interface WiretapOptions {
  /** Where the proxy listens, for UDP and TCP. */
  readonly at: string;
  /** The address of the node. */
  readonly target: string;
}

/** Bytes of type and checksum at the start of a packet of newer versions of memberlist. */
const CRC_BYTES = 5;

/** The proxy, for a node that advertises the proxy's address and has one unencrypted peer. */
export class Wiretap implements AsyncDisposable {
  /** Packets to the node, by compression. */
  readonly packets: TapCounts = { all: 0, compressed: 0 };
  /** Streams to the node. */
  readonly streams: TapCounts = { all: 0, compressed: 0 };
  readonly #target: HostPort;
  readonly #front: Deno.DatagramConn;
  readonly #back: Deno.DatagramConn;
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #running: Promise<unknown>;
  #client: Deno.Addr | undefined;

  /** Starts to listen. */
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
    // Either end may close the connection at any time.
    await Promise.allSettled([
      near.readable.pipeThrough(watched).pipeTo(far.writable),
      far.readable.pipeTo(near.writable),
    ]);
    this.#open.delete(near);
    this.#open.delete(far);
  }

  /** Stops the proxy. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#front.close();
    this.#back.close();
    this.#listener.close();
    for (const stream of this.#open) {
      try {
        stream.close();
      } catch {
        // The stream has already ended.
      }
    }
    await this.#running;
  }
}

function count(counts: TapCounts, content: Uint8Array): void {
  counts.all++;
  if (content[0] === MESSAGE_TYPE.compress) counts.compressed++;
}
