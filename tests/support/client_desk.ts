/**
 * The server of the client protocol in memory and in virtual time, and clients that speak to it.
 * @module
 */
import { Client } from "../../lib/client/client.ts";
import { decodeHandshake, encodeHandshake, encodeRequest } from "../../lib/client/codec.ts";
import { encodeFrame, readFrame } from "../../lib/client/frames.ts";
import {
  CLIENT_PROTOCOL_VERSION,
  type Handshake,
  type Reply,
  type Request,
} from "../../lib/client/protocol.ts";
import { ClientServer, type ClientService } from "../../lib/client/server.ts";
import type { ByteStream, Log, Random } from "../../lib/runtime.ts";
import { MemoryNetwork } from "./memory_network.ts";
import { VirtualTime } from "./virtual_time.ts";

/** The address that the daemon listens on. */
export const SERVER = { host: "127.0.0.1", port: 5924 };
/** A request that has one reply. */
export const MEMBERS: Request = { type: "members" };

/** A source of bytes that differ from call to call. */
export class Counter implements Random {
  #value = 0;
  next(): number {
    return 0.5;
  }
  bytes(length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(length).fill(++this.#value);
  }
}

/** The server of the client protocol on a memory network, with the controls that a test needs. */
export class Desk implements AsyncDisposable {
  readonly network: MemoryNetwork;
  readonly time = new VirtualTime();
  readonly events: string[] = [];
  /** The messages logged so far. */
  readonly lines: string[] = [];
  readonly server: ClientServer;
  readonly #running: Promise<void>;

  constructor(options: {
    handle?: ClientService["handle"];
    token?: string;
    tokenFile?: string;
    bufferBytes?: number;
  } = {}) {
    const { bufferBytes, token, tokenFile } = options;
    this.network = new MemoryNetwork({
      names: new Map([["daemon.example", ["10.9.9.9", SERVER.host]]]),
      ...(bufferBytes === undefined ? {} : { bufferBytes }),
    });
    const log: Log = {
      write: (...[, event, message]) => {
        this.events.push(event);
        this.lines.push(message);
      },
    };
    this.server = new ClientServer({
      listener: this.network.listenStreams(SERVER),
      service: { node: "desk", handle: options.handle ?? answerDone },
      log,
      drop: ({ reason }) => this.events.push(`dropped: ${reason}`),
      timers: this.time,
      random: new Counter(),
      ...(token === undefined ? {} : { token: new TextEncoder().encode(token) }),
      ...(tokenFile === undefined ? {} : { tokenFile }),
    });
    this.#running = this.server.run();
  }

  client(
    options: { token?: string; hostname?: string; findToken?: (file: string) => Uint8Array } = {},
  ): Client {
    const { token, hostname, ...rest } = options;
    return new Client({
      network: this.network,
      timers: this.time,
      random: new Counter(),
      server: hostname === undefined ? SERVER : { hostname, port: SERVER.port },
      timeoutMs: 5_000,
      ...rest,
      ...(token === undefined ? {} : { token: new TextEncoder().encode(token) }),
    });
  }

  connect(): Promise<ByteStream> {
    return this.network.connect(SERVER, { timeoutMs: 1_000 });
  }

  async [Symbol.asyncDispose]() {
    this.server.close();
    await this.#running;
  }
}

/** The default replies of the service. */
export async function* answerDone(): AsyncGenerator<Reply> {
  yield await Promise.resolve<Reply>({ type: "done" });
}

/** Reads all replies. */
export async function collect(replies: AsyncIterable<Reply>): Promise<Reply[]> {
  return await Array.fromAsync(replies);
}

/** The first message of `gcheck`. */
export function hello(version = CLIENT_PROTOCOL_VERSION): Handshake {
  const nonce = new Uint8Array(32).fill(200);
  return { type: "hello", protocol: "gossipcheck-client", version, nonce };
}

/** Sends a handshake message. */
export async function say(stream: ByteStream, message: Handshake): Promise<void> {
  await stream.write(encodeFrame(encodeHandshake(message)));
}

/** Sends a request without encryption, as on a connection without a token. */
export async function sayRequest(stream: ByteStream, request: Request): Promise<void> {
  await stream.write(encodeFrame(encodeRequest(request)));
}

/** Reads the next handshake message of the daemon. */
export async function hear(stream: ByteStream): Promise<Handshake | undefined> {
  const payload = await readFrame(stream, { maxBytes: 1024 });
  return payload && decodeHandshake(payload);
}
