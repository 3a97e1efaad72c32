/**
 * The daemon's end of the client protocol. Connections are bounded in number, and every step has a
 * deadline, so that a client that sends or reads nothing holds one slot for a short time.
 * @module
 */
import type { ByteStream, Log, Random, StreamListener, Timers } from "../runtime.ts";
import { formatAddress } from "../address.ts";
import { ConnectionLimit, EvictionPause } from "../connection_limit.ts";
import {
  type DropReason,
  GossipcheckError,
  StreamError,
  UsageError,
  WireError,
} from "../errors.ts";
import {
  CLIENT_CONNECTIONS_MAX,
  CLIENT_FRAME_MAX_BYTES,
  CLIENT_FRAME_TIMEOUT_MS,
  CLIENT_HANDSHAKE_MAX_BYTES,
  CLIENT_HANDSHAKE_TIMEOUT_MS,
  CLIENT_REQUEST_MAX_BYTES,
  CLIENT_UNAUTHENTICATED_MAX,
  EVICTION_PAUSE_MS,
} from "../limits.ts";
import { utf8Length } from "../utf8.ts";
import { Channel } from "./channel.ts";
import { decodeHandshake, decodeRequest, encodeHandshake, encodeReply } from "./codec.ts";
import { encodeFrame, readFrame } from "./frames.ts";
import { isProof, proofOf, type SessionSecrets } from "./proof.ts";
import {
  CLIENT_PROTOCOL_NAME,
  CLIENT_PROTOCOL_VERSION,
  type Handshake,
  NONCE_BYTES,
  type Reply,
  type Request,
  TOKEN_PATH_MAX_BYTES,
} from "./protocol.ts";

/** Answers requests. */
export interface ClientService {
  /** This node's name in the cluster, which is sent to clients. */
  readonly node: string;
  /**
   * The replies to one request, in the order that `Request` documents. They are pulled as fast as the
   * client reads them, so what waits should be bounded or replaced by what is newer. Must end soon
   * after `signal` aborts (the client has disconnected). A `UsageError` reaches the client as
   * `bad_request`, any other error as `internal`.
   */
  handle(request: Request, signal: AbortSignal): AsyncIterable<Reply>;
}

/** What a `ClientServer` is made of. */
export interface ClientServerOptions {
  /** Where clients connect; the server closes it. */
  readonly listener: StreamListener;
  /** What answers. */
  readonly service: ClientService;
  /** Where refusals and broken connections are logged. */
  readonly log: Log;
  /** Counts dropped input by its reason and logs its sender and what was wrong. */
  readonly drop: (input: { reason: DropReason; from: string; detail: string }) => void;
  /** For the deadlines. */
  readonly timers: Timers;
  /** For the nonces. */
  readonly random: Random;
  /** The token that a client must prove to know; absent if there is none. */
  readonly token?: Uint8Array;
  /** The path of the token's file, which is sent to clients. */
  readonly tokenFile?: string;
}

/** Serves one listener from `run` to `close`. */
export class ClientServer {
  readonly #options: ClientServerOptions;
  readonly #connections = new Map<ByteStream, Promise<void>>();
  readonly #limit = new ConnectionLimit({
    max: CLIENT_CONNECTIONS_MAX + CLIENT_UNAUTHENTICATED_MAX,
    maxAuthenticated: CLIENT_CONNECTIONS_MAX,
  });
  readonly #pause: EvictionPause;
  #crowded = false;
  #closed = false;

  /** Serves nothing before `run`. */
  constructor(options: ClientServerOptions) {
    this.#options = options;
    this.#pause = new EvictionPause(options);
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Accepts connections until `close`, then waits for the handlers to end. Never rejects. */
  async run(): Promise<void> {
    for (;;) {
      const stream = await this.#options.listener.accept();
      if (stream === undefined) break;
      // A connection may have been accepted just before `close`.
      if (this.#closed) stream.close();
      else await this.#accept(stream);
    }
    await Promise.all(this.#connections.values());
  }

  /** Stops accepting, closes every connection and so ends `run`. */
  close(): void {
    this.#closed = true;
    this.#pause.close();
    this.#options.listener.close();
    for (const stream of this.#connections.keys()) stream.close();
  }

  /** Accepts a connection; if there are too many, the oldest one that is not authenticated is closed. */
  async #accept(stream: ByteStream): Promise<void> {
    const result = this.#limit.accept(stream);
    if (result.type === "refused") stream.close();
    else this.#connections.set(stream, this.#serve(stream));
    if (result.type === "accepted" && result.evicted === undefined) return;
    if (result.type === "accepted") result.evicted?.close();
    this.#tellCrowded();
    await this.#pause.wait(EVICTION_PAUSE_MS);
  }

  /** Logs once each time that the connections reach their bound. */
  #tellCrowded(): void {
    if (this.#crowded) return;
    this.#crowded = true;
    const connections = this.#limit.size;
    this.#options.log.write(
      "warn",
      "client_connections_exhausted",
      `${connections} connections are open to gcheck's port: for each further one, the oldest that ` +
        "is not authenticated is closed",
      { connections },
    );
  }

  async #serve(stream: ByteStream): Promise<void> {
    try {
      const channel = await this.#greet(stream);
      if (channel === undefined) return;
      // Without a token a handshake proves nothing; then the request does.
      if (this.#options.token !== undefined) this.#limit.authenticate(stream);
      await this.#answer(stream, channel);
    } catch (error) {
      this.#report(stream, error);
    } finally {
      stream.close();
      this.#connections.delete(stream);
      this.#limit.remove(stream);
      if (this.#limit.size < CLIENT_UNAUTHENTICATED_MAX / 2) this.#crowded = false;
    }
  }

  #report(stream: ByteStream, error: unknown): void {
    const remote = formatAddress(stream.remote);
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof StreamError) {
      this.#options.log.write("debug", "client_gone", message, { remote });
    } else if (error instanceof WireError) {
      this.#options.drop({ reason: error.reason, from: remote, detail: message });
    } else {
      this.#options.log.write("error", "client_failed", message, { remote });
    }
  }

  /** The handshake; undefined if the client did not pass it. */
  async #greet(stream: ByteStream): Promise<Channel | undefined> {
    using deadline = this.#deadline(stream, CLIENT_HANDSHAKE_TIMEOUT_MS);
    const { random, token } = this.#options;
    const hello = await receive(stream, deadline);
    if (hello === undefined) return undefined;
    if (
      hello.type !== "hello" || hello.protocol !== CLIENT_PROTOCOL_NAME ||
      hello.nonce.length !== NONCE_BYTES
    ) throw new WireError("unexpected", "a client's first message is not gcheck's hello");
    this.#limit.markActive(stream);
    if (hello.version !== CLIENT_PROTOCOL_VERSION) this.#logVersion(stream, hello.version);
    const nonces = { clientNonce: hello.nonce, daemonNonce: random.bytes(NONCE_BYTES) };
    const secrets = token === undefined ? undefined : { token, ...nonces };
    await send(stream, this.#hello(nonces.daemonNonce, secrets));
    const answer = await receive(stream, deadline);
    // A gcheck of another version, or without the token, disconnects here: the hello told it why.
    if (answer === undefined) return undefined;
    if (hello.version !== CLIENT_PROTOCOL_VERSION) return await refuse(stream, "version");
    if (answer.type !== "proof") {
      throw new WireError("unexpected", "a client's second message is not its proof");
    }
    if (secrets !== undefined && !isProof(answer.proof, { prover: "gcheck", ...secrets })) {
      this.#options.log.write("warn", "client_unauthorised", "a client does not know the token", {
        remote: formatAddress(stream.remote),
      });
      return await refuse(stream, "unauthorised");
    }
    await send(stream, { type: "welcome" });
    return new Channel(stream, { self: "daemon", ...(secrets === undefined ? {} : { secrets }) });
  }

  #logVersion(stream: ByteStream, version: number): void {
    this.#options.log.write(
      "warn",
      "client_version_unsupported",
      `unsupported client protocol version ${version} (this daemon speaks ` +
        `${CLIENT_PROTOCOL_VERSION}): use one release of gcheck and gossipcheckd`,
      { remote: formatAddress(stream.remote) },
    );
  }

  #hello(nonce: Uint8Array, secrets: SessionSecrets | undefined): Handshake {
    const { service: { node }, tokenFile } = this.#options;
    const plain = {
      type: "hello",
      protocol: CLIENT_PROTOCOL_NAME,
      version: CLIENT_PROTOCOL_VERSION,
      nonce,
      node,
    } as const;
    if (secrets === undefined) return plain;
    const told = tokenFile !== undefined && utf8Length(tokenFile) <= TOKEN_PATH_MAX_BYTES
      ? { tokenFile }
      : {};
    const said = [node, told.tokenFile];
    return { ...plain, ...told, proof: proofOf({ prover: "daemon", ...secrets, said }) };
  }

  async #answer(stream: ByteStream, channel: Channel): Promise<void> {
    const request = await this.#request(stream, channel);
    if (request === undefined) return;
    if (request instanceof WireError) {
      await this.#write(stream, { channel, reply: badRequest(request) });
      throw request;
    }
    if (!this.#limit.authenticate(stream)) {
      return await this.#write(stream, { channel, reply: BUSY });
    }
    const gone = new AbortController();
    const watching = this.#watch(stream, gone);
    try {
      for await (const reply of this.#options.service.handle(request, gone.signal)) {
        if (gone.signal.aborted) break;
        await this.#write(stream, { channel, reply });
      }
    } catch (error) {
      if (!gone.signal.aborted && !(error instanceof StreamError)) {
        await this.#write(stream, { channel, reply: errorReply(error) });
      }
      throw error;
    } finally {
      gone.abort();
      stream.close();
      await watching;
    }
  }

  /** The client's request, or what is wrong with it. */
  async #request(
    stream: ByteStream,
    channel: Channel,
  ): Promise<Request | WireError | undefined> {
    using deadline = this.#deadline(stream, CLIENT_FRAME_TIMEOUT_MS);
    const payload = await channel.receive({ maxBytes: CLIENT_REQUEST_MAX_BYTES });
    deadline.check();
    if (payload === undefined) return undefined;
    try {
      return decodeRequest(payload);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return error;
    }
  }

  /** A client sends nothing after its request: the end of this read ends the request. */
  async #watch(stream: ByteStream, gone: AbortController): Promise<void> {
    try {
      await stream.read(new Uint8Array(1));
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
    } finally {
      gone.abort();
      stream.close();
    }
  }

  async #write(
    stream: ByteStream,
    { channel, reply }: { channel: Channel; reply: Reply },
  ): Promise<void> {
    let payload = encodeReply(reply);
    if (payload.length > CLIENT_FRAME_MAX_BYTES) {
      payload = encodeReply({
        type: "error",
        code: "too_large",
        message: `the reply is ${payload.length} bytes long; maximum ${CLIENT_FRAME_MAX_BYTES}`,
      });
    }
    using deadline = this.#deadline(stream, CLIENT_FRAME_TIMEOUT_MS);
    await channel.send(payload);
    deadline.check();
  }

  /** Closes the stream after `delayMs` unless disposed before; `check` raises after that. */
  #deadline(stream: ByteStream, delayMs: number): Deadline {
    let passed = false;
    const cancel = this.#options.timers.after(delayMs, () => {
      passed = true;
      stream.close();
    });
    return {
      check() {
        if (passed) throw new WireError("timed_out", `a client took more than ${delayMs} ms`);
      },
      [Symbol.dispose]: cancel,
    };
  }
}

const BUSY: Reply = {
  type: "error",
  code: "busy",
  message:
    `the daemon handles ${CLIENT_CONNECTIONS_MAX} requests of gcheck, its maximum: try again`,
};

interface Deadline extends Disposable {
  check(): void;
}

async function send(stream: ByteStream, message: Handshake): Promise<void> {
  await stream.write(encodeFrame(encodeHandshake(message)));
}

async function receive(stream: ByteStream, deadline: Deadline): Promise<Handshake | undefined> {
  const payload = await readFrame(stream, { maxBytes: CLIENT_HANDSHAKE_MAX_BYTES });
  deadline.check();
  return payload === undefined ? undefined : decodeHandshake(payload);
}

async function refuse(stream: ByteStream, code: "version" | "unauthorised"): Promise<undefined> {
  await send(stream, { type: "refused", code });
  return undefined;
}

function badRequest({ message }: WireError): Reply {
  return { type: "error", code: "bad_request", message };
}

function errorReply(error: unknown): Reply {
  const message = error instanceof GossipcheckError ? error.message : "the daemon's log says more";
  return { type: "error", code: error instanceof UsageError ? "bad_request" : "internal", message };
}
