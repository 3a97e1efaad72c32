/**
 * Makes a batch of what an operator submits: names it, draws its sample, cuts its stages.
 * @module
 */
import { UsageError } from "../errors.ts";
import { BATCH_BODY_MAX_BYTES } from "../limits.ts";
import type { NodeState } from "../wire/messages.ts";
import type {
  Batch,
  Collection,
  MemberProgress,
  Peer,
  RestoredCollection,
  Submission,
  Target,
} from "./types.ts";
import { type GossipContext, selfReference } from "./context.ts";
import { isBatchId, newBatchId } from "../batch/id.ts";
import { isPattern, matchesTarget, resolveAmount, sample } from "../batch/target.ts";

/** A batch and whose answers it waits for. */
export interface IssuedBatch {
  /** The batch. */
  readonly batch: Batch;
  /** The members, and the stages where there are any. */
  readonly collection: Collection;
}

/** Issues a batch with this node as origin. Raises `UsageError`. */
export function issueBatch(context: GossipContext, submission: Submission): IssuedBatch {
  const { target, body, expiresInMs, limit, rollout, signed } = submission;
  if (body.length > BATCH_BODY_MAX_BYTES) {
    throw new UsageError(
      `the checks take ${body.length} bytes; ${BATCH_BODY_MAX_BYTES} are the most, split the file`,
    );
  }
  if (!Number.isSafeInteger(expiresInMs) || expiresInMs < 0) {
    throw new UsageError(`the expiry of ${expiresInMs} ms must be a whole number, 0 for never`);
  }
  const issuedAtMs = signed?.issuedAtMs ?? Math.floor(context.clock.wallMs());
  const id = signed?.id ?? newBatchId({ wallMs: issuedAtMs, random: context.random });
  if (!isBatchId(id)) throw new UsageError(`"${id}" is not a batch id of 26 characters`);
  const batch: Batch = {
    id,
    origin: selfReference(context.peers),
    issuedAtMs,
    expiresAtMs: expiresInMs === 0 ? 0 : issuedAtMs + expiresInMs,
    target,
    held: limit !== undefined || rollout !== undefined,
    body,
    signature: signed?.signature ?? new Uint8Array(0),
  };
  mustNameMembers(context, target);
  const named = targetedMembers(context, batch);
  if (named.length === 0) {
    throw new UsageError("the target names no member that is alive; list-members shows them all");
  }
  // A sample is drawn among those that can answer; whom the operator named is told of in any case.
  if (limit === undefined) named.push(...namedButGone(context, target));
  const count = limit === undefined ? named.length : resolveAmount(limit, named.length);
  // Drawn at random even where all are in, so that the first stage is a fair sample.
  const members = batch.held ? sample(named, { count, random: context.random }) : named;
  if (rollout === undefined) return { batch, collection: { members } };
  const stageSize = resolveAmount(rollout.size, members.length);
  return {
    batch,
    collection: { members, rollout: { stageSize, maxFailures: rollout.maxFailures } },
  };
}

/** What is collected of a new batch, before any member has answered. */
export function openCollection(
  { peers }: GossipContext,
  { batch, collection }: IssuedBatch,
): RestoredCollection {
  const { members, ...stages } = collection;
  const progress = (name: string): MemberProgress => {
    const state = peers.peer(name)?.state ?? "dead";
    return isGone(state) ? { state: "unreached", memberState: state } : { state: "pending" };
  };
  return {
    batchId: batch.id,
    target: batch.target,
    held: batch.held,
    members: new Map(members.map((name) => [name, progress(name)])),
    ...stages,
  };
}

/** A name without wildcards is one that the operator counts on: a slip must not pass for success. */
function mustNameMembers({ peers }: GossipContext, target: Target): void {
  for (const name of exactNames(target)) {
    const peer = peers.peer(name);
    const shown = JSON.stringify(name);
    if (peer === undefined) {
      throw new UsageError(`no member is named ${shown}; list-members shows all names`);
    }
    if (!peer.runsGossipcheck) {
      throw new UsageError(`member ${shown} runs no gossipcheck: leave it out of the target`);
    }
  }
}

/** Members named one by one that have failed or left: they run the batch if they come back in time. */
function namedButGone({ peers }: GossipContext, target: Target): string[] {
  return exactNames(target).filter((name) => {
    const peer = peers.peer(name);
    return peer !== undefined && isGone(peer.state) && matchesTarget(target, peer);
  });
}

function exactNames({ nodes = [] }: Target): string[] {
  return [...new Set(nodes)].filter((name) => !isPattern(name));
}

function isGone(state: NodeState): boolean {
  return state === "dead" || state === "left";
}

/** Names of the members that the batch is for, this node included. */
function targetedMembers(context: GossipContext, batch: Batch): string[] {
  const fits = (peer: Peer): boolean =>
    !isGone(peer.state) && peer.runsGossipcheck && matchesTarget(batch.target, peer);
  const { self } = context.peers;
  const names = matchesTarget(batch.target, self) ? [self.name] : [];
  for (const peer of context.peers.peers()) {
    if (fits(peer)) names.push(peer.name);
  }
  return names;
}
