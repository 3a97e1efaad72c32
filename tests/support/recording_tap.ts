/**
 * A place on the loopback that passes all it gets on to a node and keeps every byte of it, to be
 * sent again later.
 * @module
 */
import { concat } from "@std/bytes";
import { splitHostPort } from "../../lib/address.ts";

/** Where a tap listens and what stands behind it, both as host:port. */
export interface RecordingTapOptions {
  /** UDP and TCP. */
  readonly at: string;
  /** The node. */
  readonly target: string;
}

/** Stands in front of a node that tells others the tap's address. */
export class RecordingTap implements AsyncDisposable {
  /** What was written to the node on each stream, byte for byte. */
  readonly streams: Uint8Array<ArrayBuffer>[] = [];
  /** Each packet to the node. */
  readonly packets: Uint8Array<ArrayBuffer>[] = [];
  readonly #target: { readonly hostname: string; readonly port: number };
  readonly #socket: Deno.DatagramConn;
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #running: Promise<unknown>;

  /** Listens at once. */
  constructor(options: RecordingTapOptions) {
    const at = splitHostPort(options.at);
    this.#target = splitHostPort(options.target);
    this.#socket = Deno.listenDatagram({ ...at, transport: "udp" });
    this.#listener = Deno.listen(at);
    this.#running = Promise.all([this.#passPackets(), this.#passStreams()]);
  }

  async #passPackets(): Promise<void> {
    for await (const [packet, from] of this.#socket) {
      // What the node answers goes straight to whom it knows.
      if ((from as Deno.NetAddr).port === this.#target.port) continue;
      this.packets.push(packet);
      await this.#socket.send(packet, { ...this.#target, transport: "udp" });
    }
  }

  async #passStreams(): Promise<void> {
    const streams: Promise<void>[] = [];
    for await (const near of this.#listener) streams.push(this.#passStream(near));
    await Promise.all(streams);
  }

  async #passStream(near: Deno.TcpConn): Promise<void> {
    this.#open.add(near);
    const recorded: Uint8Array[] = [];
    try {
      const far = await Deno.connect(this.#target);
      this.#open.add(far);
      const watched = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform(chunk, controller) {
          recorded.push(chunk.slice());
          controller.enqueue(chunk);
        },
      });
      await Promise.allSettled([
        near.readable.pipeThrough(watched).pipeTo(far.writable),
        far.readable.pipeTo(near.writable),
      ]);
    } catch (error) {
      // Nobody is there while the node is down; whoever connects sees that.
      if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
      near.close();
    }
    if (recorded.length > 0) this.streams.push(concat(recorded));
  }

  /** Ends all that it passes on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    this.#listener.close();
    for (const stream of this.#open) {
      try {
        stream.close();
      } catch (error) {
        // Most are closed by their ends.
        if (!(error instanceof Deno.errors.BadResource)) throw error;
      }
    }
    await this.#running;
  }
}
