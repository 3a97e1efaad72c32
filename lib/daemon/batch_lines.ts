/**
 * Converts the state of batches in dissemination to replies of the client protocol.
 * @module
 */
import type { Batch } from "../batch/batch.ts";
import { type BodySummary, readBody, summaryOf } from "../batch/body.ts";
import { type BatchId, issueTimeOf } from "../batch/id.ts";
import type { MemberProgress } from "../batch/progress.ts";
import { decodeReport } from "../batch/report.ts";
import type { BatchLine, BatchState } from "../client/protocol.ts";
import { WireError } from "../errors.ts";
import type { Dissemination } from "../gossip/dissemination.ts";
import { rolloutStanding } from "../gossip/stages.ts";

/** The methods of dissemination that look up batches. */
export type BatchLookup = Pick<
  Dissemination,
  "batches" | "batch" | "isCancelled" | "collections" | "collection"
>;

/** Options of `BatchLines`. */
export interface BatchLinesOptions {
  readonly batches: BatchLookup;
  /** Name of this node. */
  readonly self: () => string;
  /** Name of the trusted key that signed a batch; undefined without `-trusted-keys`. */
  readonly signerOf: (batch: Batch) => string | undefined;
}

/** Builds the list of batches and the state of one batch. */
export class BatchLines {
  readonly #options: BatchLinesOptions;

  /** Reads `batches` at each call. */
  constructor(options: BatchLinesOptions) {
    this.#options = options;
  }

  /**
   * Lists the newest batches, at most `max`, newest first. At their origin, expired batches are
   * included as long as it has their results.
   */
  newest(max: number): BatchLine[] {
    const { batches, self } = this.#options;
    const ids = new Set(batches.batches().map(({ id }) => id));
    for (const { batchId } of batches.collections()) ids.add(batchId);
    // Ids sort by time of issue.
    return [...ids].sort().reverse().slice(0, max).map((id) => {
      const batch = batches.batch(id);
      const members = batches.collection(id)?.members;
      return {
        batchId: id,
        issuedAtMs: batch?.issuedAtMs ?? issueTimeOf(id),
        origin: batch?.origin.name ?? self(),
        summary: batch === undefined ? reportedSummary(members) : summaryOf(readBody(batch.body)),
        ...(members === undefined ? {} : { counts: count([...members.values()]) }),
        ...this.state(id),
      };
    });
  }

  /** The state of one batch. */
  state(batchId: BatchId): BatchState {
    const { batches, signerOf } = this.#options;
    const batch = batches.batch(batchId);
    const collection = batches.collection(batchId);
    const signer = batch && signerOf(batch);
    const rollout = collection?.rollout;
    return {
      target: batch?.target ?? collection?.target ?? {},
      cancelled: batches.isCancelled(batchId),
      ...(batch === undefined ? {} : { expiresAtMs: batch.expiresAtMs }),
      ...(signer === undefined ? {} : { signer }),
      ...(collection === undefined || rollout === undefined
        ? {}
        : { rollout: rolloutStanding(collection.members, rollout) }),
    };
  }
}

/**
 * Summarizes an expired batch, whose body is deleted, from the first report that can be decoded.
 */
function reportedSummary(members: ReadonlyMap<string, MemberProgress> | undefined): BodySummary {
  for (const progress of members?.values() ?? []) {
    const summary = progress.state === "done" ? summaryOfReport(progress.report) : undefined;
    if (summary !== undefined) return summary;
  }
  return { type: "unreadable" };
}

function summaryOfReport(bytes: Uint8Array): BodySummary | undefined {
  try {
    const report = decodeReport(bytes);
    if (report.type === "keys") return { type: "keys" };
    if (report.type === "batch") return undefined;
    return { type: "checks", names: report.results.map(({ check }) => check) };
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return undefined;
  }
}

function count(parts: readonly MemberProgress[]): NonNullable<BatchLine["counts"]> {
  const inState = (state: MemberProgress["state"]) =>
    parts.filter((part) => part.state === state).length;
  return {
    targeted: parts.length,
    answered: inState("done"),
    unreached: inState("unreached"),
    skipped: inState("skipped"),
    notPassing: parts.filter((part) => part.state === "done" && !part.passed).length,
  };
}
