/**
 * The client's end of the client protocol: one connection for each request.
 * @module
 */
import type { Address, ByteStream, Network, Random, Timers } from "../runtime.ts";
import { formatAddress, type HostPort } from "../address.ts";
import { GossipcheckError, UnreachableError, UsageError, WireError } from "../errors.ts";
import { CLIENT_FRAME_MAX_BYTES, CLIENT_HANDSHAKE_MAX_BYTES } from "../limits.ts";
import { Channel } from "./channel.ts";
import { decodeHandshake, decodeReply, encodeHandshake, encodeRequest } from "./codec.ts";
import { encodeFrame, readFrame } from "./frames.ts";
import { isProof, proofOf, type SessionSecrets } from "./proof.ts";
import {
  CLIENT_PROTOCOL_NAME,
  CLIENT_PROTOCOL_VERSION,
  type Handshake,
  NONCE_BYTES,
  type Reply,
  type Request,
} from "./protocol.ts";

/** What a `Client` is made of. */
export interface ClientOptions {
  /** Where connections are made. */
  readonly network: Network;
  /** For the deadline of connecting and handshake. */
  readonly timers: Timers;
  /** For the nonces. */
  readonly random: Random;
  /** The daemon's client address; a name is resolved, and all its addresses are tried. */
  readonly server: Address | HostPort;
  /** How long connecting and the handshake may take, in milliseconds. */
  readonly timeoutMs: number;
  /** The token that both ends prove to know; with it, a daemon without a token is refused. */
  readonly token?: Uint8Array;
  /**
   * Finds the token if `token` is absent and the daemon asks for one. `file` is the path that the
   * daemon names, which may be a lie. Raises `UsageError` that says why there is no token.
   */
  readonly findToken?: (file: string) => Uint8Array;
}

/** The daemon that `gcheck` is connected to. */
export interface DaemonIdentity {
  /** Its name in the cluster; proven if there is a token. */
  readonly node: string;
}

/** A request, or a function that makes one once the daemon is known. */
export type RequestSource = Request | ((daemon: DaemonIdentity) => Request);

/** Sends requests to one daemon. Keeps no connection between requests. */
export class Client {
  readonly #options: ClientOptions;
  readonly #where: string;

  /** Does not connect yet. */
  constructor(options: ClientOptions) {
    this.#options = options;
    this.#where = formatAddress(options.server);
  }

  /**
   * Sends one request and yields its replies as they come, up to the last one. Raises
   * `UnreachableError` and, once `signal` aborts, its reason. To leave the iteration closes the
   * connection.
   */
  async *request(
    source: RequestSource,
    options: { signal?: AbortSignal } = {},
  ): AsyncGenerator<Reply, void, undefined> {
    const { signal } = options;
    signal?.throwIfAborted();
    const stream = await this.#connect(signal);
    const close = () => stream.close();
    signal?.addEventListener("abort", close);
    try {
      const { channel, daemon } = await this.#greet(stream);
      const request = typeof source === "function" ? source(daemon) : source;
      await channel.send(encodeRequest(request));
      for (;;) {
        const payload = await channel.receive({ maxBytes: CLIENT_FRAME_MAX_BYTES });
        if (payload === undefined) throw this.#lost();
        const reply = decodeReply(payload);
        yield reply;
        if (isLast(request, reply)) return;
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#explain(error);
    } finally {
      signal?.removeEventListener("abort", close);
      stream.close();
    }
  }

  async #connect(signal: AbortSignal | undefined): Promise<ByteStream> {
    const { network, server, timeoutMs } = this.#options;
    const host = "host" in server ? server.host : server.hostname;
    let cause: unknown;
    try {
      // An empty host means all interfaces to a daemon; to a client it is this host.
      for (const address of await network.resolve(host === "" ? "127.0.0.1" : host)) {
        try {
          return await network.connect(
            { host: address, port: server.port },
            signal === undefined ? { timeoutMs } : { timeoutMs, signal },
          );
        } catch (error) {
          signal?.throwIfAborted();
          cause ??= error;
        }
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof GossipcheckError)) throw error;
      cause = error;
    }
    const start = `start one with "gossipcheckd -cli-bind ${this.#where}"`;
    throw new UnreachableError(
      `no gossipcheckd answers at ${this.#where}: ${start}, or name another with -server`,
      { reason: "no_daemon", cause },
    );
  }

  /** The handshake, with one deadline over all of it. */
  async #greet(stream: ByteStream): Promise<{ channel: Channel; daemon: DaemonIdentity }> {
    let late = false;
    const cancel = this.#options.timers.after(this.#options.timeoutMs, () => {
      late = true;
      stream.close();
    });
    try {
      const nonce = this.#options.random.bytes(NONCE_BYTES);
      await send(stream, {
        type: "hello",
        protocol: CLIENT_PROTOCOL_NAME,
        version: CLIENT_PROTOCOL_VERSION,
        nonce,
      });
      const hello = await this.#receive(stream);
      const { answer, secrets, daemon } = this.#answer(hello, nonce);
      await send(stream, answer);
      const welcome = await this.#receive(stream);
      if (welcome.type === "refused") throw this.#refused(welcome.code);
      if (welcome.type !== "welcome") throw this.#stranger();
      const sealed = secrets === undefined ? {} : { secrets };
      return { channel: new Channel(stream, { self: "gcheck", ...sealed }), daemon };
    } catch (error) {
      if (error instanceof UnreachableError) throw error;
      if (late) throw this.#silent(error);
      throw error instanceof WireError ? this.#stranger(error) : this.#lost(error);
    } finally {
      cancel();
    }
  }

  async #receive(stream: ByteStream): Promise<Handshake> {
    const payload = await readFrame(stream, { maxBytes: CLIENT_HANDSHAKE_MAX_BYTES });
    if (payload === undefined) throw this.#lost();
    return decodeHandshake(payload);
  }

  #answer(hello: Handshake, clientNonce: Uint8Array): Answer {
    if (hello.type === "refused") throw this.#refused(hello.code);
    if (
      hello.type !== "hello" || hello.protocol !== CLIENT_PROTOCOL_NAME ||
      hello.nonce.length !== NONCE_BYTES
    ) throw this.#stranger();
    if (hello.version !== CLIENT_PROTOCOL_VERSION) throw this.#otherVersion(hello.version);
    if (hello.node === undefined) throw this.#stranger();
    const { node, tokenFile } = hello;
    if (hello.proof === undefined) {
      if (this.#options.token === undefined) return { answer: { type: "proof" }, daemon: { node } };
      throw this.#unauthorised("it did not prove that it knows the token that gcheck has");
    }
    const secrets = { token: this.#token(tokenFile), clientNonce, daemonNonce: hello.nonce };
    if (!isProof(hello.proof, { ...secrets, prover: "daemon", said: [node, tokenFile] })) {
      throw this.#unauthorised("its token is not the one that gcheck has");
    }
    const answer = { type: "proof", proof: proofOf({ ...secrets, prover: "gcheck" }) } as const;
    return { answer, secrets, daemon: { node } };
  }

  #token(file: string | undefined): Uint8Array {
    const { token, findToken } = this.#options;
    if (token !== undefined) return token;
    if (file === undefined || findToken === undefined) {
      throw this.#unauthorised("it asks for a token and gcheck was given none");
    }
    try {
      return findToken(file);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      throw new UnreachableError(
        `the gossipcheckd at ${this.#where} asks for the token in ${file}: ${error.message}`,
        { reason: "unauthorised", cause: error },
      );
    }
  }

  #explain(error: unknown): unknown {
    if (!(error instanceof GossipcheckError)) return error;
    // A usage error comes from the function that makes the request: nothing was sent.
    if (error instanceof UnreachableError || error instanceof UsageError) return error;
    if (!(error instanceof WireError)) return this.#lost(error);
    if (error.reason === "bad_checksum") return this.#unauthorised(error.message);
    return new UnreachableError(
      `the gossipcheckd at ${this.#where} sent what gcheck does not understand: ${error.message}`,
      { reason: "version", cause: error },
    );
  }

  #refused(code: "version" | "unauthorised"): UnreachableError {
    return code === "version"
      ? this.#otherVersion(undefined)
      : this.#unauthorised("its token is not the one that gcheck has");
  }

  #otherVersion(version: number | undefined): UnreachableError {
    const theirs = version === undefined ? "another protocol" : `protocol ${version}`;
    const ours = `protocol ${CLIENT_PROTOCOL_VERSION}`;
    return new UnreachableError(
      `the gossipcheckd at ${this.#where} speaks ${theirs}, gcheck ${ours}: use one release of both`,
      { reason: "version" },
    );
  }

  #unauthorised(why: string): UnreachableError {
    return new UnreachableError(
      `the gossipcheckd at ${this.#where} and gcheck do not trust each other: ${why}`,
      { reason: "unauthorised" },
    );
  }

  #stranger(cause?: unknown): UnreachableError {
    return new UnreachableError(
      `what listens at ${this.#where} is not a gossipcheckd: expected the address of its -cli-bind`,
      { reason: "not_gossipcheck", cause },
    );
  }

  #silent(cause: unknown): UnreachableError {
    return new UnreachableError(
      `what listens at ${this.#where} says nothing: expected a gossipcheckd that is not stopped`,
      { reason: "not_gossipcheck", cause },
    );
  }

  #lost(cause?: unknown): UnreachableError {
    return new UnreachableError(
      `the gossipcheckd at ${this.#where} closed the connection: it stopped or is full; try again`,
      { reason: "lost", cause },
    );
  }
}

/** The answer to the daemon's hello. */
interface Answer {
  readonly answer: Handshake;
  readonly secrets?: SessionSecrets;
  readonly daemon: DaemonIdentity;
}

async function send(stream: ByteStream, message: Handshake): Promise<void> {
  await stream.write(encodeFrame(encodeHandshake(message)));
}

/** Whether this is the last reply to the request. */
function isLast(request: Request, reply: Reply): boolean {
  switch (reply.type) {
    case "accepted":
      return request.type === "check" && !request.wait;
    case "progress":
    case "state":
      return false;
    case "settled":
    case "members":
    case "batches":
    case "done":
    case "error":
      return true;
    default:
      return reply satisfies never;
  }
}
