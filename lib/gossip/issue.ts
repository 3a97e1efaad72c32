/**
 * Makes a batch of an operator's submission: its id, its sample of members and its stages.
 * @module
 */
import type { Order } from "../batch/order.ts";
import { resolveAmount } from "../batch/amount.ts";
import { type Batch, batchOf, encodeBatchContent } from "../batch/batch.ts";
import type { MemberProgress } from "../batch/progress.ts";
import { sample } from "./sample.ts";
import { UsageError } from "../errors.ts";
import { BATCH_BODY_MAX_BYTES } from "../limits.ts";
import type { NodeState } from "../wire/messages.ts";
import type { Collection, Peer, RestoredCollection, Submission } from "./types.ts";
import type { GossipContext } from "./context.ts";
import { newBatchId } from "../batch/id.ts";
import { isPattern, matchesTarget, type Target } from "../batch/target.ts";

/** A batch and the members whose reports it waits for. */
export interface IssuedBatch {
  /** The batch. */
  readonly batch: Batch;
  /** The members and, if there are any, the stages. */
  readonly collection: Collection;
}

/** Issues a batch with this node as origin. Raises `UsageError`. */
export function issueBatch(context: GossipContext, submission: Submission): IssuedBatch {
  const { order, limit, rollout } = submission;
  const held = limit !== undefined || rollout !== undefined;
  const batch = order.type === "signed"
    ? signedBatch(context, { order, held })
    : newBatch(context, { order, held });
  const { target } = batch;
  mustNameMembers(context, target);
  const named = targetedMembers(context, batch);
  if (named.length === 0) {
    throw new UsageError("the target names no member that is alive; list-members shows them all");
  }
  // A sample is drawn among members that can answer; without one, named members are reported in any case.
  if (limit === undefined) named.push(...namedButGone(context, target));
  const count = limit === undefined ? named.length : resolveAmount(limit, named.length);
  // Drawn at random even if all are in it, so that the first stage is a fair sample.
  const members = batch.held ? sample(named, { count, random: context.random }) : named;
  if (rollout === undefined) return { batch, collection: { members } };
  const stageSize = resolveAmount(rollout.size, members.length);
  return {
    batch,
    collection: { members, rollout: { stageSize, maxFailures: rollout.maxFailures } },
  };
}

/** A batch that this node issues for an operator who did not sign it. */
function newBatch(
  { peers, clock, random }: GossipContext,
  { order, held }: { order: Order & { type: "unsigned" }; held: boolean },
): Batch {
  const { body, expiresInMs, target } = order;
  if (body.length > BATCH_BODY_MAX_BYTES) {
    throw new UsageError(
      `the checks are ${body.length} bytes long; maximum ${BATCH_BODY_MAX_BYTES}: split the file`,
    );
  }
  if (!Number.isSafeInteger(expiresInMs) || expiresInMs < 0) {
    throw new UsageError(`the expiry of ${expiresInMs} ms must be a whole number, 0 for never`);
  }
  const issuedAtMs = Math.floor(clock.wallMs());
  const { name: originName, address } = peers.self;
  const content = encodeBatchContent({
    id: newBatchId({ wallMs: issuedAtMs, random }),
    originName,
    issuedAtMs,
    expiresAtMs: expiresInMs === 0 ? 0 : issuedAtMs + expiresInMs,
    target,
    held,
    body,
  });
  return batchOf({ content, address, signature: new Uint8Array(0) });
}

/** The batch that an operator issued and signed. */
function signedBatch(
  { peers }: GossipContext,
  { order, held }: { order: Order & { type: "signed" }; held: boolean },
): Batch {
  const { name, address } = peers.self;
  const batch = batchOf({ ...order, address });
  if (batch.origin.name !== name) {
    throw new UsageError(
      `the batch is signed for node ${JSON.stringify(batch.origin.name)}; this is ` +
        `${JSON.stringify(name)}: sign it again`,
    );
  }
  if (batch.held !== held) {
    throw new UsageError("-limit and stages are not as they were signed: sign the batch again");
  }
  return batch;
}

/** The results of a new batch, before any member has answered. */
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

/** A name without wildcards must name a member: a mistyped one must not look like success. */
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

/** Members named without wildcards that have failed or left: they run the batch if they come back in time. */
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
