/**
 * What stands between a batch that was taken and what it does here: the record of it, and whether
 * the network may run actions at all.
 * @module
 */
import type { Check, CheckResult } from "../checks/check.ts";
import { HostError } from "../errors.ts";
import type { Batch, BatchId } from "../gossip/types.ts";
import type { AuditTrail } from "./audit_trail.ts";

/** What a `RunRules` is made of. */
export interface RunRulesOptions {
  /** Where all is recorded. */
  readonly trail: Pick<AuditTrail, "starting" | "actionStarting" | "checkEnded">;
  /** Why a batch is not let in, as things are now; undefined where it is. */
  readonly admit: (batch: Batch) => string | undefined;
  /** Why no action of another node's batch runs here; undefined where they do. */
  readonly networkActionsRefusal: string | undefined;
  /** Whether this node's own client sent a batch. What a batch says of its origin proves nothing. */
  readonly isOwn: (batchId: BatchId) => boolean;
}

/** Asked by whoever runs batches, right before and after. */
export class RunRules {
  readonly #options: RunRulesOptions;

  /** Decides by what it is given alone. */
  constructor(options: RunRulesOptions) {
    this.#options = options;
  }

  /**
   * Before anything of a batch runs. Raises `HostError` where nothing of it may: a held one can wait
   * long enough for its signer to be trusted no more.
   */
  starting(batch: Batch): void {
    const refusal = this.#options.admit(batch);
    if (refusal !== undefined) throw new HostError(`this node refuses the batch: ${refusal}`);
    this.#options.trail.starting(batch);
  }

  /** Right before an action starts. Raises `HostError` where it may not. */
  actionStarting(batch: Batch, check: Check): void {
    const { trail, networkActionsRefusal, isOwn } = this.#options;
    if (networkActionsRefusal !== undefined && !isOwn(batch.id)) {
      throw new HostError(networkActionsRefusal);
    }
    trail.actionStarting(batch, check);
  }

  /** A check's result is there, its action included. */
  checkEnded(batch: Batch, options: { check: Check | undefined; result: CheckResult }): void {
    this.#options.trail.checkEnded(batch, options);
  }
}
