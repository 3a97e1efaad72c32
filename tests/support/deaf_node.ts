/**
 * A member that works over UDP, but accepts TCP connections without reading from them, like a node
 * whose disk or processor hangs.
 * @module
 */
import { SwimHost } from "../../lib/node/swim_host.ts";
import { DenoNetwork } from "../../lib/deno/network.ts";
import { DenoClock, DenoRandom, DenoTimers } from "../../lib/deno/runtime.ts";
import type { Address, ByteStream, DatagramSocket, StreamListener } from "../../lib/runtime.ts";
import { newSession } from "../../lib/link/header.ts";
import { LAN_SETTINGS } from "../../lib/swim/config.ts";
import { Membership } from "../../lib/swim/membership.ts";
import { encodeMeta } from "../../lib/swim/meta.ts";
import { Envelope } from "../../lib/wire/envelope.ts";

/** The member; runs until it is disposed of. */
export class DeafNode implements AsyncDisposable {
  readonly #socket: DatagramSocket;
  readonly #listener: StreamListener;
  readonly #host: SwimHost;
  readonly #membership: Membership;
  readonly #accepted: ByteStream[] = [];
  readonly #loops: Promise<unknown>;

  /** Starts the node and joins through `peer`. */
  constructor(options: { name: string; peer: Address }) {
    const network = new DenoNetwork();
    const random = new DenoRandom();
    const timers = new DenoTimers();
    this.#listener = network.listenStreams({ host: "127.0.0.1", port: 0 });
    this.#socket = network.listenDatagrams(this.#listener.local);
    const envelope = new Envelope({ label: "", keyring: undefined, random, compress: false });
    this.#host = new SwimHost({
      socket: this.#socket,
      network,
      timers,
      envelope,
      machine: {
        fire: (timer) => this.#membership.fire(timer),
        receiveReply: (exchange, message) => this.#membership.receiveReply(exchange, message),
        exchangeFailed: (exchange, reason) => this.#membership.exchangeFailed(exchange, reason),
      },
      onEvent: () => {},
    });
    this.#membership = new Membership({
      name: options.name,
      address: this.#listener.local,
      meta: encodeMeta(new Map(), newSession(random)),
      settings: LAN_SETTINGS,
      envelope,
      effects: this.#host,
      clock: new DenoClock(),
      random,
    });
    this.#membership.start();
    this.#membership.join([options.peer]);
    this.#loops = Promise.all([this.#receivePackets(), this.#acceptStreams()]);
  }

  /** Number of connections that it has accepted. */
  get accepted(): number {
    return this.#accepted.length;
  }

  /** Stops it without leaving the cluster. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#host.close();
    this.#socket.close();
    this.#listener.close();
    for (const stream of this.#accepted) stream.close();
    await this.#loops;
  }

  async #receivePackets(): Promise<void> {
    for (let datagram; (datagram = await this.#socket.receive()) !== undefined;) {
      this.#membership.receivePacket(datagram.from, datagram.bytes);
    }
  }

  async #acceptStreams(): Promise<void> {
    for (let stream; (stream = await this.#listener.accept()) !== undefined;) {
      this.#accepted.push(stream);
    }
  }
}
