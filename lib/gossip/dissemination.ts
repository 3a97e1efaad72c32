/**
 * The dissemination machine: received messages, timers and local commands in; messages, timers and
 * events out through `GossipEffects`.
 *
 * A node that receives a new batch pushes it on (`burst.ts`); nodes that the burst missed fetch it
 * (`anti_entropy.ts`). `history.ts` remembers ids so that no batch runs twice. Reports go to the
 * origin through `outbox.ts` and are collected in `results.ts`; `rollouts.ts` starts held batches.
 * @module
 */
import type { GossipMessage, RelayedMessage, RelayMessage, ReportMessage } from "./messages.ts";
import type { NodeReference } from "../address.ts";
import type { Batch } from "../batch/batch.ts";
import type { BatchId } from "../batch/id.ts";
import type { MemberProgress } from "../batch/progress.ts";
import { BusyError, RefusedError, WireError } from "../errors.ts";
import { REPORT_BODY_MAX_BYTES } from "../limits.ts";
import type {
  GossipTimer,
  LocalReport,
  RestoredCollection,
  RestoredState,
  Submission,
} from "./types.ts";
import { AntiEntropy } from "./anti_entropy.ts";
import { decodeGossip, encodeGossip } from "./codec.ts";
import {
  currentReference,
  type DisseminationOptions,
  type DisseminationStatus,
  dropUnexpected,
  type GossipContext,
  selfReference,
  sendVia,
} from "./context.ts";
import { DurableRecords } from "./durable_records.ts";
import { History } from "./history.ts";
import { hashSeed, Intake } from "./intake.ts";
import { issueBatch, openCollection } from "./issue.ts";
import { Outbox } from "./outbox.ts";
import { type CollectedBatch, Results } from "./results.ts";
import { Rollouts } from "./rollouts.ts";
import { Sends } from "./sends.ts";

/** The dissemination machine of one node. */
export class Dissemination {
  readonly #context: GossipContext;
  readonly #admit: (batch: Batch) => string | undefined;
  readonly #history: History;
  readonly #antiEntropy: AntiEntropy;
  readonly #intake: Intake;
  readonly #outbox: Outbox;
  readonly #results: Results;
  readonly #rollouts: Rollouts;
  /** The session of each alive member that runs gossipcheck, to notice one that has restarted. */
  readonly #alive = new Map<string, string | undefined>();
  #generation = 0;
  #giveUpUnknownAtMs = Infinity;

  /** Restores its state; nothing else happens before `start`. */
  constructor(options: DisseminationOptions) {
    const { settings, peers, effects, clock, random } = options;
    const sends = new Sends({ settings, effects });
    const records = new DurableRecords({ effects });
    const context = { settings, peers, effects, clock, random, sends, records };
    this.#context = context;
    this.#admit = options.admit ?? (() => undefined);
    const history = new History({
      maxIds: settings.maxIds,
      maxBatches: settings.maxBatches,
      maxBytes: settings.maxBatchBytes,
      clock,
      seed: hashSeed(random),
    });
    this.#history = history;
    this.#antiEntropy = new AntiEntropy({ context, history });
    this.#outbox = new Outbox({
      context,
      takeOwn: (report, saved) => this.#results.report(report, saved),
    });
    this.#results = new Results({
      context,
      changed: (collected) => collected.held && this.#rollouts.advance(collected),
    });
    this.#rollouts = new Rollouts({
      context,
      results: this.#results,
      startHere: (batchId) => this.#intake.startHere(batchId),
    });
    this.#intake = new Intake({
      context,
      history,
      antiEntropy: this.#antiEntropy,
      admit: this.#admit,
      issued: (issued) => this.#results.open(openCollection(context, issued)),
      rollOut: (batchId) =>
        this.#withCollected(batchId, (collected) => this.#rollouts.advance(collected)),
      cancelled: (batchId) =>
        this.#withCollected(batchId, (collected) => this.#rollouts.cancel(collected)),
      resend: (batchId) => this.#outbox.resend(batchId),
    });
    if (options.restored !== undefined) this.#restore(options.restored);
  }

  /** Starts the timers and sends the reports that were restored. */
  start(): void {
    const { settings, random, effects, clock } = this.#context;
    const generation = ++this.#generation;
    this.#giveUpUnknownAtMs = clock.nowMs() + settings.unknownMemberMs;
    // A random delay, so that nodes that start together do not advertise together.
    effects.setTimer(random.next() * settings.advertiseIntervalMs, {
      type: "advertise",
      generation,
    });
    effects.setTimer(settings.expireIntervalMs, { type: "expire", generation });
    this.#outbox.start();
    for (const collected of this.#results.unsettled()) {
      if (collected.held) this.#rollouts.advance(collected);
    }
  }

  /**
   * Issues a batch with this node as origin, once it is durable: `batch_accepted` tells that it was
   * issued, `batch_not_stored` that it was not. Raises `UsageError`, `RefusedError` if it is refused
   * or was sent before, and `BusyError` if too much is under way; then nothing was sent.
   */
  submit(submission: Submission): Batch {
    if (this.#context.sends.busy || this.#results.busy || this.#intake.busy) {
      throw new BusyError("too many batches are under way; send this one again in a moment");
    }
    const issued = issueBatch(this.#context, submission);
    this.#mustBeAdmitted(issued.batch);
    this.#intake.acceptOwn(issued);
    return issued.batch;
  }

  /**
   * Handles one message, sent by the member `from` if that is known. A bad one is dropped.
   */
  receive(payload: Uint8Array, from?: string): void {
    const message = this.#decode(payload, from);
    if (message === undefined) return;
    switch (message.type) {
      case "batch":
        return this.#intake.takeBatches(message);
      case "digest":
        return this.#intake.takeDigest(message);
      case "want":
        return this.#antiEntropy.takeWant(message);
      case "cancel":
        return this.#intake.takeCancel(message);
      case "relay":
        return this.#takeRelay(message);
      case "relayed":
        return this.#takeRelayed(message);
      case "report":
        return this.#takeReport(message, undefined);
      case "confirm":
        return this.#outbox.confirm(message);
      case "start":
        return this.#intake.takeStart(message);
      default:
        return message satisfies never;
    }
  }

  /** Takes the result of a send. */
  sent(sendId: number, ok: boolean): void {
    this.#context.sends.sent(sendId, ok);
  }

  /** Takes the journal's answer to a record: why it is not durable, or `undefined` if it is. */
  persisted(token: number, failure: string | undefined): void {
    this.#context.records.persisted(token, failure);
  }

  /** Handles a timer. */
  fire(timer: GossipTimer): void {
    const { settings, random, effects } = this.#context;
    switch (timer.type) {
      case "advertise":
        if (timer.generation !== this.#generation) return;
        effects.setTimer(settings.advertiseIntervalMs * (0.9 + random.next() / 5), timer);
        return this.#antiEntropy.advertise();
      case "expire":
        if (timer.generation !== this.#generation) return;
        effects.setTimer(settings.expireIntervalMs, timer);
        return this.#expire();
      case "report_retry":
        return this.#outbox.fire(timer);
      case "start_retry":
        return this.#rollouts.fire(timer);
      default:
        return timer satisfies never;
    }
  }

  /** To be called after any change of the member of that name, this node included. */
  memberChanged(name: string): void {
    const { peers } = this.#context;
    const peer = peers.peer(name);
    this.#results.memberChanged(name);
    if (name === peers.self.name) return;
    if (peer === undefined || peer.state !== "alive" || !peer.runsGossipcheck) {
      this.#alive.delete(name);
      return;
    }
    if (this.#alive.has(name) && this.#alive.get(name) === peer.session) return;
    this.#alive.set(name, peer.session);
    this.#outbox.memberAlive(name);
    const member = { name, address: peer.address };
    this.#antiEntropy.greet(member, { aliveMembers: this.#alive.size });
  }

  /**
   * Takes the local runner's report. Raises `RangeError` if the report is over
   * `REPORT_BODY_MAX_BYTES`.
   */
  report(batchId: BatchId, report: LocalReport): void {
    if (report.state === "done" && report.report.length > REPORT_BODY_MAX_BYTES) {
      throw new RangeError(`the report on batch ${batchId} is over ${REPORT_BODY_MAX_BYTES} bytes`);
    }
    const origin = this.#intake.originOf(batchId);
    if (origin === undefined) {
      const from = this.#context.peers.self.name;
      const detail = `a report on batch ${batchId}, which is not known here`;
      return dropUnexpected(this.#context, { from, detail });
    }
    this.#outbox.add({ batchId, origin, report });
    if (report.state === "done") this.#intake.reported(batchId);
  }

  /** Cancels a batch on all nodes; false if it is not known here or was cancelled already. */
  cancel(batchId: BatchId): boolean {
    return this.#history.hasSeen(batchId) &&
      this.#intake.cancel(batchId, selfReference(this.#context.peers));
  }

  /** The batches that are remembered whole, newest first. */
  batches(): Batch[] {
    return this.#history.newestFirst().map((entry) => entry.batch);
  }

  /** A batch that is remembered whole. */
  batch(batchId: BatchId): Batch | undefined {
    return this.#history.whole(batchId)?.batch;
  }

  /** Whether a batch was cancelled, as far as is remembered. */
  isCancelled(batchId: BatchId): boolean {
    return this.#intake.isCancelled(batchId);
  }

  /** The results that this node collected as an origin, newest first, also of expired batches. */
  collections(): RestoredCollection[] {
    return this.#results.newestFirst();
  }

  /** The results of one batch that this node issued. */
  collection(batchId: BatchId): RestoredCollection | undefined {
    return this.#results.get(batchId);
  }

  /** Every member's progress with a batch that this node issued; `undefined` for other batches. */
  progress(batchId: BatchId): ReadonlyMap<string, MemberProgress> | undefined {
    return this.#results.get(batchId)?.members;
  }

  /** How much the machine holds. */
  status(): DisseminationStatus {
    return {
      ids: this.#history.idCount,
      batches: this.#history.batchCount,
      batchBytes: this.#history.batchBytes,
      collections: this.#results.size,
      forgottenCollections: this.#results.forgotten,
      reports: this.#outbox.size,
      sends: this.#context.sends.pending,
    };
  }

  /** Refuses a batch of this node's own as any other. Raises `RefusedError`. */
  #mustBeAdmitted(batch: Batch): void {
    const reason = this.#intake.knows(batch.id)
      ? `${batch.id} was sent before; sign the checks again`
      : this.#admit(batch);
    if (reason === undefined) return;
    const { effects, peers } = this.#context;
    const origin = batch.origin.name;
    const from = peers.self.name;
    effects.emit({ type: "batch_refused", batchId: batch.id, origin, from, reason });
    throw new RefusedError(`this node refuses the batch: ${reason}`);
  }

  #restore(restored: RestoredState): void {
    for (const id of restored.seen) this.#history.markSeen(id);
    this.#intake.restore(restored.batches);
    for (const collection of restored.collections) this.#results.open(collection);
    this.#outbox.restore(restored.reports);
  }

  #expire(): void {
    const { clock, effects, records } = this.#context;
    for (const batchId of this.#history.expire()) {
      records.keep({ type: "expired", batchId });
      effects.emit({ type: "batch_expired", batchId });
      this.#withCollected(batchId, (collected) => {
        const unheard = [...collected.members]
          .filter(([, progress]) => progress.state === "pending").map(([name]) => name);
        this.#results.skip(collected, { nodes: unheard, reason: "expired" });
      });
    }
    this.#outbox.expire();
    if (clock.nowMs() < this.#giveUpUnknownAtMs) return;
    this.#giveUpUnknownAtMs = Infinity;
    this.#results.giveUpUnknown();
  }

  /** At the origin: applies a report, and confirms it directly and through the relay that it came by. */
  #takeReport({ report, from }: ReportMessage, relay: NodeReference | undefined): void {
    const { peers } = this.#context;
    const origin = this.#intake.originOf(report.batchId);
    if (report.node !== from.name || (origin ?? peers.self).name !== peers.self.name) {
      const detail = `a report on batch ${report.batchId} not meant for us`;
      return dropUnexpected(this.#context, { from: from.name, detail });
    }
    const isMember = this.#results.report(report, () => this.#confirm({ report, from }, relay));
    if (isMember) return;
    const detail = `a report of "${report.node}", which is no member`;
    dropUnexpected(this.#context, { from: from.name, detail });
  }

  #confirm(
    { report, from }: Omit<ReportMessage, "type">,
    relay: NodeReference | undefined,
  ): void {
    const { peers } = this.#context;
    const { batchId, node, state } = report;
    const confirmed = { batchId, node, state };
    const message = encodeGossip({ type: "confirm", from: selfReference(peers), ...confirmed });
    const key = `confirm ${batchId} ${state} ${node}`;
    const confirmation = { to: currentReference(peers, from), message, key };
    sendVia(this.#context, { ...confirmation, relay: undefined });
    if (relay !== undefined) sendVia(this.#context, { ...confirmation, relay });
  }

  /** Passes a message on to a member, once: a `relayed` message is never passed on. */
  #takeRelay(message: RelayMessage): void {
    const { peers, sends } = this.#context;
    const peer = peers.peer(message.to.name);
    if (peer === undefined || !peer.runsGossipcheck || peer.name === peers.self.name) {
      const detail = `a message to carry to "${message.to.name}", no other member`;
      return dropUnexpected(this.#context, { from: message.from.name, detail });
    }
    const from = selfReference(peers);
    sends.send({
      to: { name: peer.name, address: peer.address },
      message: encodeGossip({ type: "relayed", from, message: message.message }),
    });
  }

  #takeRelayed(message: RelayedMessage): void {
    const carried = this.#decode(message.message);
    switch (carried?.type) {
      case undefined:
        return;
      case "report":
        return this.#takeReport(carried, currentReference(this.#context.peers, message.from));
      case "confirm":
        return this.#outbox.confirm(carried);
      case "start":
        return this.#intake.takeStart(carried);
      default:
        dropUnexpected(this.#context, {
          from: message.from.name,
          detail: `a carried message of the type "${carried?.type}"`,
        });
    }
  }

  #decode(payload: Uint8Array, from?: string): GossipMessage | undefined {
    try {
      const message = decodeGossip(payload);
      if (from === undefined || message.from.name === from) return message;
      throw new WireError("unexpected", `a message names "${message.from.name}" for its sender`);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      const { reason, message: detail } = error;
      this.#context.effects.emit({ type: "dropped", reason, from: from ?? "", detail });
      return undefined;
    }
  }

  #withCollected(batchId: BatchId, act: (collected: CollectedBatch) => void): void {
    const collected = this.#results.get(batchId);
    if (collected !== undefined) act(collected);
  }
}
