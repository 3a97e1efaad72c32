/**
 * What this node answers to `gcheck`.
 * @module
 */
import { encodeChecks } from "../checks/codec.ts";
import type { BatchState, MemberLine, Reply, Request } from "../client/protocol.ts";
import type { ClientService } from "../client/server.ts";
import { BusyError, RefusedError, UsageError } from "../errors.ts";
import type { Dissemination } from "../gossip/dissemination.ts";
import type { Batch, BatchId, GossipEvent, MemberProgress, Submission } from "../gossip/types.ts";
import { encodeKeyOperation } from "../batch/key_operation.ts";
import { BATCH_LINES_MAX, KEY_OPERATION_EXPIRES_MS } from "../limits.ts";
import { BatchLines, type BatchLookup, nodeProgress, readResults } from "./batch_lines.ts";
import type { BatchStore } from "../journal/batch_store.ts";
import type { KeyOperations } from "../node/key_changes.ts";
import type { Members, MembershipPeers } from "../node/membership_peers.ts";
import { ProgressFeed } from "./progress_feed.ts";

/** What of dissemination clients use. */
export type BatchDesk =
  & BatchLookup
  & Pick<Dissemination, "submit" | "cancel" | "progress">;

/** What a `DaemonService` is made of. */
export interface DaemonServiceOptions {
  /** The members. */
  readonly members: Members;
  /** Their tags. */
  readonly peers: MembershipPeers;
  /** Where batches are issued and followed. */
  readonly batches: BatchDesk;
  /** This node's own outcomes. */
  readonly store: BatchStore;
  /** Whether there are keys to change; absent where there are none. */
  readonly keys?: Pick<KeyOperations, "refusal">;
  /** Under which name the signer of an admitted batch is trusted; absent where all are. */
  readonly signerOf?: (batch: Batch) => string | undefined;
}

/** Answers clients; any number may follow one batch, and none of them is needed for it to go on. */
export class DaemonService implements ClientService {
  readonly #options: DaemonServiceOptions;
  readonly #lines: BatchLines;
  readonly #feeds = new Map<BatchId, Set<ProgressFeed>>();
  #stopping = false;

  /** Answers nothing yet. */
  constructor(options: DaemonServiceOptions) {
    this.#options = options;
    this.#lines = new BatchLines({
      batches: options.batches,
      self: () => this.node,
      signerOf: options.signerOf ?? (() => undefined),
    });
  }

  /** This node's name in the cluster. */
  get node(): string {
    return this.#options.members.self().name;
  }

  /** Takes no batch from now on. */
  stop(): void {
    this.#stopping = true;
  }

  /** Takes every event of dissemination, for those who follow a batch. */
  notice(event: GossipEvent): void {
    if (event.type === "progress") {
      for (const feed of this.#feeds.get(event.batchId) ?? []) feed.changed(event.node);
    } else if (event.type === "batch_settled") {
      for (const feed of this.#feeds.get(event.batchId) ?? []) feed.settled();
    }
  }

  /** The replies to one request. */
  async *handle(request: Request, signal: AbortSignal): AsyncGenerator<Reply, void, undefined> {
    switch (request.type) {
      case "check":
        return yield* this.#issue(this.#submit(request), { wait: request.wait, signal });
      case "keys":
        return yield* this.#issue(this.#submitKeys(request), { wait: true, signal });
      case "members":
        return yield { type: "members", members: this.#memberLines() };
      case "batches":
        return yield { type: "batches", batches: this.#lines.newest(BATCH_LINES_MAX) };
      case "results":
        return yield* this.#results(request.batchId);
      case "cancel":
        return yield this.#cancel(request.batchId);
      default:
        return request satisfies never;
    }
  }

  async *#issue(
    batch: Batch | Reply & { type: "error" },
    { wait, signal }: { wait: boolean; signal: AbortSignal },
  ): AsyncGenerator<Reply, void, undefined> {
    if ("type" in batch) return yield batch;
    using follower = this.#follow(batch.id);
    const progress = this.#options.batches.progress(batch.id) ?? new Map<string, MemberProgress>();
    for (const [node, { state }] of progress) if (state !== "pending") follower.feed.changed(node);
    if (Array.from(progress.values()).every(isAnswer)) follower.feed.settled();
    yield { type: "accepted", batchId: batch.id, nodes: [...progress.keys()] };
    if (!wait) return;
    const state = new StateTeller(() => this.#lines.state(batch.id));
    yield* state.news();
    for await (const node of follower.feed.changes(signal)) {
      const latest = this.#options.batches.progress(batch.id)?.get(node);
      if (latest !== undefined) yield { type: "progress", progress: nodeProgress(node, latest) };
      yield* state.news();
    }
    if (signal.aborted) return;
    yield* state.news();
    yield { type: "settled" };
  }

  #submit(request: Request & { type: "check" }): Batch | Reply & { type: "error" } {
    const { target, expiresInMs, checks, limit, rollout, signed } = request;
    return this.#send({
      target,
      expiresInMs,
      body: encodeChecks(checks),
      ...(limit === undefined ? {} : { limit }),
      ...(rollout === undefined ? {} : { rollout }),
      ...(signed === undefined ? {} : { signed }),
    });
  }

  #submitKeys(
    { operation, signed }: Request & { type: "keys" },
  ): Batch | Reply & { type: "error" } {
    const { keys } = this.#options;
    const message = keys === undefined ? "this daemon has no keys to change" : keys.refusal();
    if (message !== undefined) return { type: "error", code: "bad_request", message };
    const body = encodeKeyOperation(operation);
    return this.#send({
      target: {},
      expiresInMs: KEY_OPERATION_EXPIRES_MS,
      body,
      ...(signed === undefined ? {} : { signed }),
    });
  }

  #send(submission: Submission): Batch | Reply & { type: "error" } {
    if (this.#stopping) {
      return { type: "error", code: "busy", message: "this daemon is stopping: ask another" };
    }
    try {
      return this.#options.batches.submit(submission);
    } catch (error) {
      const { message } = error instanceof Error ? error : { message: "" };
      if (error instanceof BusyError) return { type: "error", code: "busy", message };
      if (error instanceof RefusedError) return { type: "error", code: "refused", message };
      if (error instanceof UsageError) return { type: "error", code: "bad_request", message };
      throw error;
    }
  }

  #follow(batchId: BatchId): Disposable & { feed: ProgressFeed } {
    const feed = new ProgressFeed();
    const feeds = this.#feeds.get(batchId) ?? new Set();
    this.#feeds.set(batchId, feeds.add(feed));
    const leave = () => {
      feeds.delete(feed);
      if (feeds.size === 0) this.#feeds.delete(batchId);
    };
    return { feed, [Symbol.dispose]: leave };
  }

  *#results(batchId: BatchId): Generator<Reply, void, undefined> {
    const progress = this.#options.batches.progress(batchId) ?? this.#ownProgress(batchId);
    if (progress === undefined) return yield unknownBatch(batchId);
    yield { type: "accepted", batchId, nodes: [...progress.keys()] };
    yield { type: "state", state: this.#lines.state(batchId) };
    for (const [node, each] of progress) {
      yield { type: "progress", progress: nodeProgress(node, each) };
    }
    yield { type: "settled" };
  }

  /** Of another's batch a node knows its own part alone. */
  #ownProgress(batchId: BatchId): ReadonlyMap<string, MemberProgress> | undefined {
    const node = this.#options.members.self().name;
    const body = this.#options.store.outcomes(batchId);
    if (body !== undefined) {
      const passed = readResults(body).every(({ outcome }) => outcome.status === "pass");
      return new Map([[node, { state: "done", passed, body }]]);
    }
    return this.#options.batches.batch(batchId) && new Map();
  }

  #cancel(batchId: BatchId): Reply {
    const { batches } = this.#options;
    const known = batches.cancel(batchId) || batches.isCancelled(batchId);
    if (known) return { type: "done" };
    return unknownBatch(batchId);
  }

  #memberLines(): MemberLine[] {
    const { members, peers } = this.#options;
    const self = members.self().name;
    return Array.from(members.members(), (member): MemberLine => {
      const { runsGossipcheck, tags } = peers.meta(member);
      return {
        name: member.name,
        address: member.address,
        state: member.state === "dead" ? "failed" : member.state,
        tags: Object.fromEntries(tags),
        runsGossipcheck,
        self: member.name === self,
        ...(member.degraded === undefined ? {} : { degraded: member.degraded }),
      };
    });
  }
}

/** Tells the batch's state where it is not what was told last. */
class StateTeller {
  readonly #read: () => BatchState;
  #told = "";

  constructor(read: () => BatchState) {
    this.#read = read;
  }

  *news(): Generator<Reply, void, undefined> {
    const state = this.#read();
    const text = JSON.stringify(state);
    if (text === this.#told) return;
    this.#told = text;
    yield { type: "state", state };
  }
}

function isAnswer({ state }: MemberProgress): boolean {
  return state !== "pending" && state !== "running";
}

function unknownBatch(batchId: BatchId): Reply {
  return {
    type: "error",
    code: "unknown_batch",
    message: `this daemon remembers no batch ${JSON.stringify(batchId)}: ` +
      '"gcheck results" lists those that it does',
  };
}
