/**
 * A daemon asked from within the test's process, by what `gcheck` itself asks with: for tests that
 * ask so often that starting `gcheck` each time would be most of their work.
 * @module
 */
import { splitHostPort } from "../../lib/address.ts";
import type { Check } from "../../lib/checks/check.ts";
import { tokenNamedByDaemon } from "../../lib/cli/find_token.ts";
import { Client } from "../../lib/client/client.ts";
import type { MemberLine, NodeProgress, Reply, ReplyErrorCode } from "../../lib/client/protocol.ts";
import { DenoNetwork } from "../../lib/deno/network.ts";
import { DenoRandom, DenoTimers } from "../../lib/deno/runtime.ts";
import { readSecretFile } from "../../lib/deno/secret_file.ts";
import type { Target } from "../../lib/gossip/types.ts";

/** The daemon has said why it does not do what it was asked. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  /** Which kind of trouble. */
  readonly code: ReplyErrorCode;

  /** From the daemon's `error` reply. */
  constructor(reply: Reply & { type: "error" }) {
    super(`${reply.code}: ${reply.message}`);
    this.code = reply.code;
  }
}

/** What is sent. */
export interface Sending {
  /** The checks. */
  readonly checks: readonly Check[];
  /** Which members; all by default. */
  readonly target?: Target;
  /** How long it lives, in milliseconds; for ever by default. */
  readonly expiresInMs?: number;
}

/** Asks one daemon. Holds no connection between requests. */
export class FaultClient {
  readonly #client: Client;

  /** `server` is the daemon's client address, as in `127.0.0.1:5924`. */
  constructor(server: string) {
    this.#client = new Client({
      network: new DenoNetwork(),
      timers: new DenoTimers(),
      random: new DenoRandom(),
      server: splitHostPort(server),
      timeoutMs: 5_000,
      findToken: (file) => tokenNamedByDaemon(file, readSecretFile),
    });
  }

  /** Sends a batch; its id, once the daemon has taken it. Raises `RefusedError`, `UnreachableError`. */
  async send({ checks, target = {}, expiresInMs = 0 }: Sending): Promise<string> {
    const request = { type: "check", checks, target, expiresInMs, wait: false } as const;
    for await (const reply of this.#client.request(request)) {
      if (reply.type === "error") throw new RefusedError(reply);
      if (reply.type === "accepted") return reply.batchId;
    }
    throw new Error("the daemon ended its answer without a word on the batch");
  }

  /** What the daemon has of each node; `undefined` where it does not know the batch. */
  async results(batchId: string): Promise<ReadonlyMap<string, NodeProgress> | undefined> {
    const progress = new Map<string, NodeProgress>();
    for await (const reply of this.#client.request({ type: "results", batchId })) {
      if (reply.type === "progress") progress.set(reply.progress.node, reply.progress);
      if (reply.type !== "error") continue;
      if (reply.code === "unknown_batch") return undefined;
      throw new RefusedError(reply);
    }
    return progress;
  }

  /** The ids of the batches that the daemon remembers, newest first, at most a hundred. */
  async batches(): Promise<readonly string[]> {
    for await (const reply of this.#client.request({ type: "batches" })) {
      if (reply.type === "batches") return reply.batches.map(({ batchId }) => batchId);
    }
    return [];
  }

  /** The members as the daemon sees them. */
  async members(): Promise<readonly MemberLine[]> {
    for await (const reply of this.#client.request({ type: "members" })) {
      if (reply.type === "members") return reply.members;
    }
    return [];
  }
}
