/**
 * What this node answers to `gcheck`.
 * @module
 */
import { decodeChecks, decodeResults, encodeChecks } from "../checks/codec.ts";
import type { CheckResult } from "../checks/check.ts";
import type { BatchLine, MemberLine, NodeProgress, Reply, Request } from "../client/protocol.ts";
import type { ClientService } from "../client/server.ts";
import { BusyError, UsageError, WireError } from "../errors.ts";
import type { Dissemination } from "../gossip/dissemination.ts";
import type { Batch, BatchId, GossipEvent, MemberProgress } from "../gossip/types.ts";
import { BATCH_LINES_MAX } from "../limits.ts";
import type { BatchStore } from "./batch_store.ts";
import type { Members, MembershipPeers } from "./peers.ts";
import { ProgressFeed } from "./progress_feed.ts";

/** What of dissemination clients use. */
export type BatchDesk = Pick<
  Dissemination,
  "submit" | "cancel" | "batches" | "batch" | "progress"
>;

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
}

/** Answers clients; any number may follow one batch, and none of them is needed for it to go on. */
export class DaemonService implements ClientService {
  readonly #options: DaemonServiceOptions;
  readonly #feeds = new Map<BatchId, Set<ProgressFeed>>();
  #stopping = false;

  /** Answers nothing yet. */
  constructor(options: DaemonServiceOptions) {
    this.#options = options;
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
        return yield* this.#check(request, signal);
      case "members":
        return yield { type: "members", members: this.#memberLines() };
      case "batches":
        return yield { type: "batches", batches: this.#batchLines() };
      case "results":
        return yield* this.#results(request.batchId);
      case "cancel":
        return yield this.#cancel(request.batchId);
      default:
        return request satisfies never;
    }
  }

  async *#check(
    request: Request & { type: "check" },
    signal: AbortSignal,
  ): AsyncGenerator<Reply, void, undefined> {
    const batch = this.#submit(request);
    if ("type" in batch) return yield batch;
    using follower = this.#follow(batch.id);
    const progress = this.#options.batches.progress(batch.id) ?? new Map<string, MemberProgress>();
    for (const [node, { state }] of progress) if (state !== "pending") follower.feed.changed(node);
    if (Array.from(progress.values()).every(isAnswer)) follower.feed.settled();
    yield { type: "accepted", batchId: batch.id, nodes: [...progress.keys()] };
    if (!request.wait) return;
    for await (const node of follower.feed.changes(signal)) {
      const latest = this.#options.batches.progress(batch.id)?.get(node);
      if (latest !== undefined) yield this.#progress(batch.id, { node, progress: latest });
    }
    if (!signal.aborted) yield { type: "settled" };
  }

  #submit(request: Request & { type: "check" }): Batch | Reply & { type: "error" } {
    if (this.#stopping) {
      return { type: "error", code: "busy", message: "this daemon is stopping: ask another" };
    }
    const { target, expiresInMs, checks } = request;
    try {
      return this.#options.batches.submit({ target, expiresInMs, body: encodeChecks(checks) });
    } catch (error) {
      if (!(error instanceof UsageError || error instanceof BusyError)) throw error;
      const code = error instanceof BusyError ? "busy" : "bad_request";
      return { type: "error", code, message: error.message };
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
    for (const [node, each] of progress) yield this.#progress(batchId, { node, progress: each });
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
    if (this.#options.batches.cancel(batchId)) return { type: "done" };
    return unknownBatch(batchId);
  }

  #progress(
    batchId: BatchId,
    { node, progress }: { node: string; progress: MemberProgress },
  ): Reply {
    return { type: "progress", progress: this.#nodeProgress(batchId, { node, progress }) };
  }

  #nodeProgress(
    batchId: BatchId,
    { node, progress }: { node: string; progress: MemberProgress },
  ): NodeProgress {
    switch (progress.state) {
      case "pending":
      case "running":
        return { node, state: progress.state };
      case "done":
        return { node, state: "done", results: readResults(progress.body) };
      case "unreached":
        return { node, state: "unreached", memberState: progress.memberState };
      case "skipped": {
        const reason = SKIPPED[progress.reason];
        const results = this.#checkNames(this.#options.batches.batch(batchId))
          .map((check) =>
            ({ check, outcome: { status: "skipped", reason }, durationMs: 0 }) as const
          );
        return { node, state: "done", results };
      }
      default:
        return progress satisfies never;
    }
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

  #batchLines(): BatchLine[] {
    const { batches } = this.#options;
    return batches.batches().slice(0, BATCH_LINES_MAX).map((batch): BatchLine => {
      const progress = batches.progress(batch.id);
      return {
        batchId: batch.id,
        issuedAtMs: batch.issuedAtMs,
        origin: batch.origin.name,
        checks: this.#checkNames(batch),
        ...(progress === undefined ? {} : { counts: count([...progress.values()]) }),
      };
    });
  }

  #checkNames(batch: Batch | undefined): string[] {
    try {
      return batch === undefined ? [] : decodeChecks(batch.body).map(({ name }) => name);
    } catch (error) {
      if (error instanceof WireError) return [];
      throw error;
    }
  }
}

const SKIPPED = {
  rollout_stopped: "the roll-out stopped before this node's stage",
  cancelled: "the batch was cancelled before this node started it",
  expired: "the batch expired before this node's stage",
  not_targeted: "this node's tags changed and the batch is not for it any more",
} as const;

function isAnswer({ state }: MemberProgress): boolean {
  return state !== "pending" && state !== "running";
}

function count(parts: readonly MemberProgress[]): NonNullable<BatchLine["counts"]> {
  return {
    targeted: parts.length,
    answered: parts.filter(({ state }) => state === "done" || state === "skipped").length,
    unreached: parts.filter(({ state }) => state === "unreached").length,
    notPassing: parts.filter((part) => part.state === "done" && !part.passed).length,
  };
}

/** A node of another release may send what cannot be read: that node's outcome is then an error. */
function readResults(body: Uint8Array): readonly CheckResult[] {
  try {
    return decodeResults(body);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    const reason = `its results cannot be read: ${error.message}`;
    return [{ check: "(batch)", outcome: { status: "error", reason }, durationMs: 0 }];
  }
}

function unknownBatch(batchId: BatchId): Reply {
  return {
    type: "error",
    code: "unknown_batch",
    message: `this daemon remembers no batch ${JSON.stringify(batchId)}: ` +
      '"gcheck results" lists those that it does',
  };
}
