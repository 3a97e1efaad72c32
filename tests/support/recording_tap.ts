/**
 * A proxy in front of a node that records everything it forwards, for a test of replay protection.
 * @module
 */
import { concat } from "@std/bytes";
import { splitHostPort } from "../../lib/address.ts";

/** Addresses of the proxy and the node, as host:port. */
export interface RecordingTapOptions {
  /** Where the proxy listens, for UDP and TCP. */
  readonly at: string;
  /** The address of the node. */
  readonly target: string;
}

/** The proxy, for a node that advertises the proxy's address. */
export class RecordingTap implements AsyncDisposable {
  /** The bytes that were sent to the node on each stream. */
  readonly streams: Uint8Array<ArrayBuffer>[] = [];
  /** The packets that were sent to the node. */
  readonly packets: Uint8Array<ArrayBuffer>[] = [];
  readonly #target: { readonly hostname: string; readonly port: number };
  readonly #socket: Deno.DatagramConn;
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #running: Promise<unknown>;

  /** Starts to listen. */
  constructor(options: RecordingTapOptions) {
    const at = splitHostPort(options.at);
    this.#target = splitHostPort(options.target);
    this.#socket = Deno.listenDatagram({ ...at, transport: "udp" });
    this.#listener = Deno.listen(at);
    this.#running = Promise.all([this.#passPackets(), this.#passStreams()]);
  }

  async #passPackets(): Promise<void> {
    for await (const [packet, from] of this.#socket) {
      // The node sends its answers directly, not through the proxy.
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
      // The node is down; close the connection.
      if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
      near.close();
    }
    if (recorded.length > 0) this.streams.push(concat(recorded));
  }

  /** Closes all streams and stops the proxy. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    this.#listener.close();
    for (const stream of this.#open) {
      try {
        stream.close();
      } catch (error) {
        // Most streams are already closed.
        if (!(error instanceof Deno.errors.BadResource)) throw error;
      }
    }
    await this.#running;
  }
}
