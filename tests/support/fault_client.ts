/**
 * Sends requests to a daemon from the process of the test, with the client code of `gcheck`. For tests
 * with so many requests that most of their time would go into starting `gcheck`.
 * @module
 */
import { splitHostPort } from "../../lib/address.ts";
import { encodeBody } from "../../lib/batch/body.ts";
import type { Check } from "../../lib/batch/check.ts";
import type { Target } from "../../lib/batch/target.ts";
import { tokenNamedByDaemon } from "../../lib/cli/find_token.ts";
import { Client } from "../../lib/client/client.ts";
import type { MemberLine, NodeProgress, Reply, ReplyErrorCode } from "../../lib/client/protocol.ts";
import { DenoNetwork } from "../../lib/deno/network.ts";
import { DenoRandom, DenoTimers } from "../../lib/deno/runtime.ts";
import { readSecretFile } from "../../lib/deno/secret_file.ts";

/** The daemon refused the request. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  /** The code of the reply. */
  readonly code: ReplyErrorCode;

  /** Makes the error from the daemon's `error` reply. */
  constructor(reply: Reply & { type: "error" }) {
    super(`${reply.code}: ${reply.message}`);
    this.code = reply.code;
  }
}

/** A batch to send. */
export interface Sending {
  readonly checks: readonly Check[];
  /** Its target; all members by default. */
  readonly target?: Target;
  /** Expiry in milliseconds from now; by default the batch does not expire. */
  readonly expiresInMs?: number;
}

/** A client of one daemon. It keeps no connection between requests. */
export class FaultClient {
  readonly #client: Client;

  /** `server`: the daemon's client address, such as `127.0.0.1:5924`. */
  constructor(server: string) {
    this.#client = new Client({
      network: new DenoNetwork(),
      timers: new DenoTimers(),
      random: new DenoRandom(),
      server: splitHostPort(server),
      timeoutMs: 30_000,
      findToken: (file) => tokenNamedByDaemon(file, readSecretFile),
    });
  }

  /** Sends a batch and returns its id. Raises `RefusedError`, `UnreachableError`. */
  async send({ checks, target = {}, expiresInMs = 0 }: Sending): Promise<string> {
    const body = encodeBody({ type: "checks", checks });
    const order = { type: "unsigned", body, target, expiresInMs } as const;
    const request = { type: "check", order, wait: false } as const;
    for await (const reply of this.#client.request(request)) {
      if (reply.type === "error") throw new RefusedError(reply);
      if (reply.type === "accepted") return reply.batchId;
    }
    throw new Error("the daemon ended its reply without saying whether it accepted the batch");
  }

  /** The progress of each node; `undefined` if the daemon does not know the batch. */
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

  /** The ids of at most 100 batches in the daemon's history, newest first. */
  async batches(): Promise<readonly string[]> {
    for await (const reply of this.#client.request({ type: "batches" })) {
      if (reply.type === "batches") return reply.batches.map(({ batchId }) => batchId);
    }
    return [];
  }

  /** The daemon's member list. */
  async members(): Promise<readonly MemberLine[]> {
    for await (const reply of this.#client.request({ type: "members" })) {
      if (reply.type === "members") return reply.members;
    }
    return [];
  }
}
