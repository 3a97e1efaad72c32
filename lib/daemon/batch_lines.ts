/**
 * What dissemination holds of a batch, in the words of the client protocol.
 * @module
 */
import { decodeResults } from "../checks/codec.ts";
import type { CheckResult } from "../checks/check.ts";
import type { BatchLine, BatchState, NodeProgress } from "../client/protocol.ts";
import { WireError } from "../errors.ts";
import type { Dissemination } from "../gossip/dissemination.ts";
import { issueTimeOf } from "../batch/id.ts";
import { rolloutStanding } from "../gossip/stages.ts";
import type { Batch, BatchId, MemberProgress } from "../gossip/types.ts";
import { readableCheckNames, UNREADABLE_BATCH } from "./check_names.ts";

/** Where batches are looked up. */
export type BatchLookup = Pick<
  Dissemination,
  "batches" | "batch" | "isCancelled" | "collections" | "collection"
>;

/** What a `BatchLines` is made of. */
export interface BatchLinesOptions {
  /** Where batches are looked up. */
  readonly batches: BatchLookup;
  /** This node's name. */
  readonly self: () => string;
  /** Under which name the signer of an admitted batch is trusted here; undefined where all are. */
  readonly signerOf: (batch: Batch) => string | undefined;
}

/** Batches as wholes. */
export class BatchLines {
  readonly #options: BatchLinesOptions;

  /** Looks nothing up yet. */
  constructor(options: BatchLinesOptions) {
    this.#options = options;
  }

  /**
   * The newest batches, at most `most`: those that are remembered whole and, at their origin, those
   * that have expired and left nothing but results.
   */
  newest(most: number): BatchLine[] {
    const { batches, self } = this.#options;
    const ids = new Set(batches.batches().map(({ id }) => id));
    for (const { batchId } of batches.collections()) ids.add(batchId);
    // Ids sort by time of issue.
    return [...ids].sort().reverse().slice(0, most).map((id) => {
      const batch = batches.batch(id);
      const members = batches.collection(id)?.members;
      return {
        batchId: id,
        issuedAtMs: batch?.issuedAtMs ?? issueTimeOf(id),
        origin: batch?.origin.name ?? self(),
        checks: batch === undefined
          ? answeredChecks(members)
          : readableCheckNames(batch.body) ?? [],
        ...(members === undefined ? {} : { counts: count([...members.values()]) }),
        ...this.state(id),
      };
    });
  }

  /** One batch. */
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

/** One member's part. */
export function nodeProgress(node: string, progress: MemberProgress): NodeProgress {
  switch (progress.state) {
    case "pending":
    case "running":
      return { node, state: progress.state };
    case "done":
      return { node, state: "done", results: readResults(progress.body) };
    case "unreached":
      return { node, state: "unreached", memberState: progress.memberState };
    case "skipped":
      return { node, state: "skipped", reason: progress.reason };
    default:
      return progress satisfies never;
  }
}

/** A node of another release may send what cannot be read: that node's outcome is then an error. */
export function readResults(body: Uint8Array): readonly CheckResult[] {
  try {
    return decodeResults(body);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    const reason = `its results cannot be read: ${error.message}`;
    return [{ check: UNREADABLE_BATCH, outcome: { status: "error", reason }, durationMs: 0 }];
  }
}

/** The checks of a batch whose own bytes are gone: any member's outcomes name them. */
function answeredChecks(members: ReadonlyMap<string, MemberProgress> | undefined): string[] {
  for (const progress of members?.values() ?? []) {
    if (progress.state === "done") return readResults(progress.body).map(({ check }) => check);
  }
  return [];
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
