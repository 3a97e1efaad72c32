/**
 * The answering end of the client protocol: bounded connections, each with a deadline over every
 * step, so that a client that says nothing or takes nothing costs one slot for a short while.
 * @module
 */
import type { ByteStream, Log, Random, StreamListener, Timers } from "../runtime.ts";
import { formatAddress } from "../address.ts";
import { Admission, Breather } from "../connection_limit.ts";
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
  CLIENT_STRANGERS_MAX,
  CROWDED_PAUSE_MS,
} from "../limits.ts";
import { utf8Length } from "../utf8.ts";
import { Channel } from "./channel.ts";
import { decodeHandshake, decodeRequest, encodeClientMessage } from "./codec.ts";
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

/** What answers requests. */
export interface ClientService {
  /** This node's name in the cluster, which clients are told. */
  readonly node: string;
  /**
   * The replies to one request, in the order that `Request` documents. Pulled no faster than the
   * client takes them, so what waits meanwhile should be bounded or replaced by what is newer.
   * Owes an end soon after `signal` aborts (the client is gone); a `UsageError` reaches the client
   * as `bad_request`, any other error as `internal`.
   */
  handle(request: Request, signal: AbortSignal): AsyncIterable<Reply>;
}

/** What a `ClientServer` is made of. */
export interface ClientServerOptions {
  /** Where clients connect; the server closes it. */
  readonly listener: StreamListener;
  /** What answers. */
  readonly service: ClientService;
  /** Where refusals and broken connections are told. */
  readonly log: Log;
  /** Counts input that was dropped, by its reason, and says who sent it and what was wrong. */
  readonly drop: (input: { reason: DropReason; from: string; detail: string }) => void;
  /** For the deadlines. */
  readonly timers: Timers;
  /** For the nonces. */
  readonly random: Random;
  /** The secret that a client must prove to know; absent where none is asked for. */
  readonly token?: Uint8Array;
  /** Where the token's file is, which clients are told so that they find it by themselves. */
  readonly tokenFile?: string;
}

/** Serves one listener from `run` to `close`. */
export class ClientServer {
  readonly #options: ClientServerOptions;
  readonly #connections = new Map<ByteStream, Promise<void>>();
  readonly #admission = new Admission({
    most: CLIENT_CONNECTIONS_MAX + CLIENT_STRANGERS_MAX,
    mostProven: CLIENT_CONNECTIONS_MAX,
  });
  readonly #breather: Breather;
  #crowded = false;
  #closed = false;

  /** Serves nothing before `run`. */
  constructor(options: ClientServerOptions) {
    this.#options = options;
    this.#breather = new Breather(options);
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Accepts until `close`, then waits for the handlers to end. Never rejects. */
  async run(): Promise<void> {
    for (;;) {
      const stream = await this.#options.listener.accept();
      if (stream === undefined) break;
      // One may have been handed over just before `close`.
      if (this.#closed) stream.close();
      else await this.#admit(stream);
    }
    await Promise.all(this.#connections.values());
  }

  /** Stops accepting, closes every connection and so ends `run`. */
  close(): void {
    this.#closed = true;
    this.#breather.close();
    this.#options.listener.close();
    for (const stream of this.#connections.keys()) stream.close();
  }

  /** Whoever says nothing, or does not know the token, makes room for whoever comes. */
  async #admit(stream: ByteStream): Promise<void> {
    const admitted = this.#admission.enter(stream);
    if (admitted.type === "out") stream.close();
    else this.#connections.set(stream, this.#serve(stream));
    if (admitted.type === "in" && admitted.inPlaceOf === undefined) return;
    if (admitted.type === "in") admitted.inPlaceOf?.close();
    this.#tellCrowded();
    await this.#breather.wait(CROWDED_PAUSE_MS);
  }

  /** Told once for each time that the room runs out, however many come. */
  #tellCrowded(): void {
    if (this.#crowded) return;
    this.#crowded = true;
    const connections = this.#admission.size;
    this.#options.log.write(
      "warn",
      "client_connections_exhausted",
      `${connections} connections are open to gcheck's port: for each further one, the oldest that ` +
        "has not proven itself is closed",
      { connections },
    );
  }

  async #serve(stream: ByteStream): Promise<void> {
    try {
      const channel = await this.#greet(stream);
      if (channel === undefined) return;
      // Where no token is asked for, a greeting proves nothing: the request then has to come.
      if (this.#options.token !== undefined) this.#admission.prove(stream);
      await this.#answer(stream, channel);
    } catch (error) {
      this.#report(stream, error);
    } finally {
      stream.close();
      this.#connections.delete(stream);
      this.#admission.leave(stream);
      if (this.#admission.size < CLIENT_STRANGERS_MAX / 2) this.#crowded = false;
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

  /** What the client may go on with; undefined where it may not. */
  async #greet(stream: ByteStream): Promise<Channel | undefined> {
    using deadline = this.#deadline(stream, CLIENT_HANDSHAKE_TIMEOUT_MS);
    const { random, token } = this.#options;
    const hello = await receive(stream, deadline);
    if (hello === undefined) return undefined;
    if (
      hello.type !== "hello" || hello.protocol !== CLIENT_PROTOCOL_NAME ||
      hello.nonce.length !== NONCE_BYTES
    ) throw new WireError("unexpected", "a client's first message is not gcheck's hello");
    this.#admission.speak(stream);
    const nonces = { clientNonce: hello.nonce, daemonNonce: random.bytes(NONCE_BYTES) };
    const secrets = token === undefined ? undefined : { token, ...nonces };
    await send(stream, this.#hello(nonces.daemonNonce, secrets));
    const answer = await receive(stream, deadline);
    // A gcheck of another version, or without the token, leaves here: it has read why.
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
    if (!this.#admission.prove(stream)) return await this.#write(stream, { channel, reply: BUSY });
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

  async #request(stream: ByteStream, channel: Channel): Promise<Request | undefined> {
    using deadline = this.#deadline(stream, CLIENT_FRAME_TIMEOUT_MS);
    const payload = await channel.receive({ maxBytes: CLIENT_REQUEST_MAX_BYTES });
    deadline.check();
    return payload === undefined ? undefined : decodeRequest(payload);
  }

  /** A client says nothing after its request: whatever ends this read ends the request. */
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
    let payload = encodeClientMessage(reply);
    if (payload.length > CLIENT_FRAME_MAX_BYTES) {
      payload = encodeClientMessage({
        type: "error",
        code: "too_large",
        message:
          `the answer takes ${payload.length} bytes where ${CLIENT_FRAME_MAX_BYTES} are the most`,
      });
    }
    using deadline = this.#deadline(stream, CLIENT_FRAME_TIMEOUT_MS);
    await channel.send(payload);
    deadline.check();
  }

  /** Closes the stream after `delayMs` unless disposed of before; `check` raises once it has. */
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
  message: `the daemon is at ${CLIENT_CONNECTIONS_MAX} requests of gcheck, the most: try again`,
};

interface Deadline extends Disposable {
  check(): void;
}

async function send(stream: ByteStream, message: Handshake): Promise<void> {
  await stream.write(encodeFrame(encodeClientMessage(message)));
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

function errorReply(error: unknown): Reply {
  const message = error instanceof GossipcheckError ? error.message : "the daemon's log says more";
  return { type: "error", code: error instanceof UsageError ? "bad_request" : "internal", message };
}
