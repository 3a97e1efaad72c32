/**
 * Handles the requests of `gcheck`.
 * @module
 */
import { type Batch, decodeBatchContent } from "../batch/batch.ts";
import { decodeBody } from "../batch/body.ts";
import type { BatchId } from "../batch/id.ts";
import type { MemberProgress } from "../batch/progress.ts";
import { decodeReport, reportPassed } from "../batch/report.ts";
import type { Target } from "../batch/target.ts";
import type { Order } from "../batch/order.ts";
import type { BatchState, MemberLine, Reply, Request } from "../client/protocol.ts";
import type { ClientService } from "../client/server.ts";
import { BusyError, RefusedError, StoreError, UsageError, WireError } from "../errors.ts";
import type { Dissemination } from "../gossip/dissemination.ts";
import { isSettled } from "../gossip/stages.ts";
import type { GossipEvent } from "../gossip/types.ts";
import type { BatchStore } from "../journal/batch_store.ts";
import { BATCH_LINES_MAX, KEY_OPERATION_EXPIRES_MS } from "../limits.ts";
import type { Members, MembershipPeers } from "../node/membership_peers.ts";
import type { KeyChanges } from "../node/key_changes.ts";
import { BatchLines, type BatchLookup } from "./batch_lines.ts";
import { ProgressFeed } from "./progress_feed.ts";

/** The methods of dissemination that requests use. */
export type BatchDesk =
  & BatchLookup
  & Pick<Dissemination, "submit" | "cancel" | "progress">;

/** Options of a `Desk`. */
export interface DeskOptions {
  readonly members: Members;
  /** Tags of the members. */
  readonly peers: MembershipPeers;
  readonly batches: BatchDesk;
  /** Reports of this node. */
  readonly store: Pick<BatchStore, "report">;
  /** Validates key operations; absent if the node has no cluster keys. */
  readonly keys?: Pick<KeyChanges, "refusal">;
  /** Name of the trusted key that signed a batch. Default: always undefined. */
  readonly signerOf?: (batch: Batch) => string | undefined;
}

/**
 * Handles requests of clients. Any number of clients may follow one batch; the batch continues
 * without them.
 */
export class Desk implements ClientService {
  readonly #options: DeskOptions;
  readonly #lines: BatchLines;
  readonly #feeds = new Map<BatchId, Set<ProgressFeed>>();
  /**
   * By batch that is not durable yet: called when it is issued, or with the reason why it was not.
   */
  readonly #issuing = new Map<BatchId, (failure: string | undefined) => void>();
  #stopping = false;

  /** Subscribes to nothing: `notice` must be called with every event of dissemination. */
  constructor(options: DeskOptions) {
    this.#options = options;
    this.#lines = new BatchLines({
      batches: options.batches,
      self: () => this.node,
      signerOf: options.signerOf ?? (() => undefined),
    });
  }

  /** Name of this node. */
  get node(): string {
    return this.#options.members.self().name;
  }

  /** Refuses new batches from now on. */
  stop(): void {
    this.#stopping = true;
  }

  /** Handles an event of dissemination. To be called with every event. */
  notice(event: GossipEvent): void {
    switch (event.type) {
      case "batch_accepted":
        return this.#issued(event.batch.id, undefined);
      case "batch_not_stored":
        return this.#issued(event.batchId, event.reason);
      case "progress":
        for (const feed of this.#feeds.get(event.batchId) ?? []) feed.changed(event.node);
        return;
      case "batch_settled":
        for (const feed of this.#feeds.get(event.batchId) ?? []) feed.settled();
        return;
    }
  }

  /** Handles one request and yields its replies. */
  async *handle(request: Request, signal: AbortSignal): AsyncGenerator<Reply, void, undefined> {
    switch (request.type) {
      case "check":
        return yield* this.#issue(request, signal);
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
    request: Request & { type: "check" },
    signal: AbortSignal,
  ): AsyncGenerator<Reply, void, undefined> {
    const batch = this.#submit(request);
    if ("code" in batch) return yield batch;
    using follower = this.#follow(batch.id);
    await this.#untilIssued(batch.id);
    const progress = this.#options.batches.progress(batch.id) ?? new Map<string, MemberProgress>();
    for (const [node, { state }] of progress) if (state !== "pending") follower.feed.changed(node);
    if (Array.from(progress.values()).every(isSettled)) follower.feed.settled();
    yield { type: "accepted", batchId: batch.id, nodes: [...progress.keys()] };
    if (!request.wait) return;
    const state = new StateReplies(() => this.#lines.state(batch.id));
    yield* state.changed();
    for await (const node of follower.feed.changes(signal)) {
      const latest = this.#options.batches.progress(batch.id)?.get(node);
      if (latest !== undefined) yield { type: "progress", progress: { node, ...latest } };
      yield* state.changed();
    }
    if (signal.aborted) return;
    yield* state.changed();
    yield { type: "settled" };
  }

  #submit(request: Request & { type: "check" }): Batch | ErrorReply {
    if (this.#stopping) {
      return { type: "error", code: "busy", message: "this daemon is stopping; try another one" };
    }
    const { type: _, wait: _wait, ...submission } = request;
    try {
      this.#validate(request);
      return this.#options.batches.submit(submission);
    } catch (error) {
      const { message } = error instanceof Error ? error : { message: "" };
      if (error instanceof BusyError) return { type: "error", code: "busy", message };
      if (error instanceof RefusedError) return { type: "error", code: "refused", message };
      if (error instanceof UsageError || error instanceof WireError) {
        return { type: "error", code: "bad_request", message };
      }
      throw error;
    }
  }

  /**
   * Validates a batch before it is issued, so that no batch is sent that nodes cannot decode.
   * Raises `WireError`, and `UsageError` for a key operation that is not for all members.
   */
  #validate({ order, limit, rollout }: Request & { type: "check" }): void {
    const { body, target, expiresInMs } = sentBatch(order);
    if (decodeBody(body).type !== "keys") return;
    const { keys } = this.#options;
    const refusal = keys === undefined ? "this daemon has no keys to change" : keys.refusal();
    if (refusal !== undefined) throw new UsageError(refusal);
    const isForAll = Object.keys(target).length === 0 && limit === undefined &&
      rollout === undefined;
    if (isForAll && expiresInMs === KEY_OPERATION_EXPIRES_MS) return;
    throw new UsageError(
      `a key operation must be for all members at once and expire after ${KEY_OPERATION_EXPIRES_MS} ms`,
    );
  }

  /** Resolves when the batch is issued. Rejects with `StoreError` if it could not be stored. */
  async #untilIssued(batchId: BatchId): Promise<void> {
    const failure = await new Promise<string | undefined>((resolve) => {
      this.#issuing.set(batchId, resolve);
    });
    if (failure !== undefined) throw new StoreError(failure);
  }

  #issued(batchId: BatchId, failure: string | undefined): void {
    this.#issuing.get(batchId)?.(failure);
    this.#issuing.delete(batchId);
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
      yield { type: "progress", progress: { node, ...each } };
    }
    yield { type: "settled" };
  }

  /**
   * Progress of a batch of another origin: of this node only. Undefined if the batch is unknown.
   */
  #ownProgress(batchId: BatchId): ReadonlyMap<string, MemberProgress> | undefined {
    const node = this.#options.members.self().name;
    const report = this.#options.store.report(batchId);
    if (report !== undefined) {
      return new Map([[node, { state: "done", passed: hasPassed(report), report }]]);
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

type ErrorReply = Reply & { type: "error" };

/** Yields the state of a batch as a reply whenever it has changed. */
class StateReplies {
  readonly #read: () => BatchState;
  #last = "";

  constructor(read: () => BatchState) {
    this.#read = read;
  }

  *changed(): Generator<Reply, void, undefined> {
    const state = this.#read();
    const text = JSON.stringify(state);
    if (text === this.#last) return;
    this.#last = text;
    yield { type: "state", state };
  }
}

/** The fields of a batch that the daemon validates. */
function sentBatch(order: Order): {
  readonly body: Uint8Array;
  readonly target: Target;
  readonly expiresInMs: number;
} {
  if (order.type === "unsigned") return order;
  const { body, target, issuedAtMs, expiresAtMs } = decodeBatchContent(order.content);
  return { body, target, expiresInMs: expiresAtMs === 0 ? 0 : expiresAtMs - issuedAtMs };
}

/** Whether all outcomes of a report are `pass`; false if the report cannot be decoded. */
function hasPassed(report: Uint8Array): boolean {
  try {
    return reportPassed(decodeReport(report));
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return false;
  }
}

function unknownBatch(batchId: BatchId): Reply {
  return {
    type: "error",
    code: "unknown_batch",
    message: `this daemon does not know batch ${JSON.stringify(batchId)}; ` +
      '"gcheck results" lists the batches that it knows',
  };
}
