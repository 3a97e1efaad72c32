/**
 * The desk of a daemon with fake members and batches, whose progress the test sets.
 * @module
 */
import { type Batch, batchOf } from "../../lib/batch/batch.ts";
import { encodeBody } from "../../lib/batch/body.ts";
import type { CheckResult } from "../../lib/batch/check.ts";
import type { BatchId } from "../../lib/batch/id.ts";
import type { Order } from "../../lib/batch/order.ts";
import type { DoneProgress, MemberProgress } from "../../lib/batch/progress.ts";
import { encodeReport } from "../../lib/batch/report.ts";
import type { BatchState, Reply, Request } from "../../lib/client/protocol.ts";
import { Desk, type DeskOptions } from "../../lib/daemon/desk.ts";
import type { RestoredCollection, Submission } from "../../lib/gossip/types.ts";
import { MemoryBatchStore } from "../../lib/journal/batch_store.ts";
import { type Members, MembershipPeers } from "../../lib/node/membership_peers.ts";
import { encodeMeta } from "../../lib/swim/meta.ts";
import type { Member } from "../../lib/swim/types.ts";
import { CHECK_A, checkBatch, testId } from "./batches.ts";
import { VirtualTime } from "./virtual_time.ts";

/** Results with the check `a` passed. */
export const PASS: readonly CheckResult[] = [
  { check: "a", outcome: { status: "pass" }, durationMs: 1 },
];
/** Results with the check `a` failed. */
export const FAIL: readonly CheckResult[] = [
  { check: "a", outcome: { status: "fail", reason: "no" }, durationMs: 1 },
];
/** The state of a new batch. */
export const STATE: BatchState = { target: {}, expiresAtMs: 0, cancelled: false };
/** An unsigned order for all members that never expires. */
export const ORDER: Order & { type: "unsigned" } = {
  type: "unsigned",
  body: encodeBody(CHECK_A),
  target: {},
  expiresInMs: 0,
};
/** The request to send `order`. */
export const CHECK: Request & { type: "check" } = { type: "check", order: ORDER, wait: true };

/** The progress of a member that has reported. */
export function done(results: readonly CheckResult[]): DoneProgress {
  const report = encodeReport({ type: "checks", results });
  return { state: "done", passed: results === PASS, report };
}

/** An alive member that runs gossipcheck. */
export function memberNamed(name: string, fields: Partial<Member> = {}): Member {
  return {
    name,
    address: { host: "192.0.2.1", port: 3505 },
    meta: encodeMeta(new Map()),
    state: "alive",
    incarnation: 1,
    versions: [1, 5, 5, 0, 5, 5],
    stateSinceMs: 0,
    ...fields,
  };
}

/** The membership as the first of these members sees it. */
export function membersOf(members: readonly Member[]): Members {
  return {
    self: () => members[0] as Member,
    members: () => members,
    member: (name) => members.find((each) => each.name === name),
  };
}

/** Collects the replies to a request as they arrive. */
export function ask(desk: Desk, request: Request) {
  const abort = new AbortController();
  const replies: Reply[] = [];
  const ended = (async () => {
    for await (const reply of desk.handle(request, abort.signal)) replies.push(reply);
  })();
  return { replies, ended, abort };
}

/** Returns all replies to a request. */
export async function answerTo(desk: Desk, request: Request): Promise<Reply[]> {
  const { replies, ended } = ask(desk, request);
  await ended;
  return replies;
}

/** The desk of the node `me`. Its batches have the ids `testId(0)`, `testId(1)` and so on. */
export class DeskBench {
  readonly desk: Desk;
  /** The store with this node's own reports. */
  readonly store = new MemoryBatchStore({ timers: new VirtualTime() });
  /** The submissions, in order. */
  readonly submitted: Submission[] = [];
  /** The batches that the node knows, newest first. */
  readonly known: Batch[] = [];
  /** The progress of each member, by batch. */
  readonly collected = new Map<BatchId, Map<string, MemberProgress>>();
  /** The batches that were cancelled, in order. */
  readonly cancelled: BatchId[] = [];
  /** If set, `submit` raises it. */
  refusal: Error | undefined;
  readonly #members: readonly Member[];

  constructor(
    options: Pick<DeskOptions, "signerOf" | "keys"> & { members?: readonly Member[] } = {},
  ) {
    const { members = ["me", "b", "c"].map((name) => memberNamed(name)), ...rest } = options;
    this.#members = members;
    const table = membersOf(members);
    this.desk = new Desk({
      members: table,
      peers: new MembershipPeers(table),
      batches: {
        submit: (submission) => this.#submit(submission),
        cancel: (id) =>
          this.collected.has(id) && !this.cancelled.includes(id) && this.cancelled.push(id) > 0,
        isCancelled: (id) => this.cancelled.includes(id),
        collections: () =>
          [...this.collected.keys()].map((id) => this.#collection(id))
            .filter((one) => one !== undefined),
        collection: (id) => this.#collection(id),
        batches: () => this.known,
        batch: (id) => this.known.find((batch) => batch.id === id),
        progress: (id) => this.collected.get(id),
      },
      store: this.store,
      ...rest,
    });
  }

  /** Changes the progress of a member in the newest batch. */
  move(node: string, progress: MemberProgress): void {
    const batchId = testId(this.known.length - 1);
    this.collected.get(batchId)?.set(node, progress);
    this.desk.notice({ type: "progress", batchId, node, progress });
  }

  /** Marks the first batch as settled. */
  settleBatch(): void {
    this.desk.notice({ type: "batch_settled", batchId: testId(0) });
  }

  /** Accepts a batch, and reports it in a later microtask. */
  #submit(submission: Submission): Batch {
    if (this.refusal !== undefined) throw this.refusal;
    this.submitted.push(submission);
    const batch = this.#batchOf(submission.order);
    queueMicrotask(() => {
      this.known.unshift(batch);
      const pending = this.#members.map(({ name }) => [name, { state: "pending" }] as const);
      this.collected.set(batch.id, new Map(pending));
      this.desk.notice({ type: "batch_accepted", batch, targeted: true, cancelled: false });
    });
    return batch;
  }

  #batchOf(order: Order): Batch {
    const { address } = this.#members[0] as Member;
    if (order.type === "signed") return batchOf({ ...order, address });
    const { body, target } = order;
    const origin = { name: "me", address };
    return checkBatch({ id: testId(this.known.length), origin, issuedAtMs: 5, target, body });
  }

  #collection(batchId: BatchId): RestoredCollection | undefined {
    const members = this.collected.get(batchId);
    if (members === undefined) return undefined;
    const rollout = this.submitted.find((one) => one.rollout !== undefined)?.rollout;
    const stages = rollout?.size.type === "count" && {
      rollout: { stageSize: rollout.size.count, maxFailures: rollout.maxFailures },
    };
    return { batchId, target: {}, held: false, members, ...stages };
  }
}
