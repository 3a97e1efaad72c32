/**
 * The rules for a batch that was accepted and runs here: it must be authorized still, it must be on
 * record, and actions of other nodes may be forbidden.
 * @module
 */
import type { Batch } from "../batch/batch.ts";
import type { Check, CheckResult } from "../batch/check.ts";
import type { BatchId } from "../batch/id.ts";
import { HostError } from "../errors.ts";
import type { AuditTrail } from "./audit_trail.ts";

/** What a `RunRules` is made of. */
export interface RunRulesOptions {
  /** The audit log. */
  readonly trail: Pick<AuditTrail, "starting" | "actionStarting" | "checkEnded">;
  /** Why a batch is refused now; undefined if it is accepted. */
  readonly admit: (batch: Batch) => string | undefined;
  /** Why no action of another node's batch runs here; undefined if they do. */
  readonly networkActionsRefusal: string | undefined;
  /** Whether this node's own client sent a batch. The origin that a batch names proves nothing. */
  readonly isOwn: (batchId: BatchId) => boolean;
}

/** Asked right before and after a batch, a check or an action runs. */
export class RunRules {
  readonly #options: RunRulesOptions;

  /** Keeps no state of its own. */
  constructor(options: RunRulesOptions) {
    this.#options = options;
  }

  /**
   * To be called before anything of a batch runs. Raises `HostError` if nothing of it may: the signer of
   * a held batch may have lost trust meanwhile.
   */
  starting(batch: Batch): void {
    const refusal = this.#options.admit(batch);
    if (refusal !== undefined) throw new HostError(`this node refuses the batch: ${refusal}`);
    this.#options.trail.starting(batch);
  }

  /** To be called right before an action starts. Raises `HostError` if it must not. */
  actionStarting(batch: Batch, check: Check): void {
    const { trail, networkActionsRefusal, isOwn } = this.#options;
    if (networkActionsRefusal !== undefined && !isOwn(batch.id)) {
      throw new HostError(networkActionsRefusal);
    }
    trail.actionStarting(batch, check);
  }

  /** To be called with each check's result, its action included. */
  checkEnded(batch: Batch, options: { check: Check | undefined; result: CheckResult }): void {
    this.#options.trail.checkEnded(batch, options);
  }
}
