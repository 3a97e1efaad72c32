/**
 * Runs batches: each check looked at once, its action started at most once, never more at a time
 * than allowed.
 * @module
 */
import { GossipcheckError, HostError } from "../errors.ts";
import { ACTION_OUTPUT_MAX_BYTES, CHECK_TIMEOUT_MS, REASON_MAX_BYTES } from "../limits.ts";
import type { Clock, Host, Timers } from "../runtime.ts";
import type { ActionEnd, ActionResult, Check, CheckResult, CheckType, Outcome } from "./check.ts";
import { fieldProblems } from "./fields.ts";
import { checkType } from "./registry.ts";
import { Slots } from "./slots.ts";
import { truncateUtf8 } from "./truncate.ts";

/** What a node's operator lets batches do. */
export interface ActionPolicy {
  /** Why this command may not run here; `undefined` where it may. */
  refusal(command: string): string | undefined;
  /** Whether checks of this type may run here. */
  checkTypeAllowed(type: string): boolean;
}

/** What a runner works with. */
export interface RunnerOptions {
  /** Where it looks and acts. */
  readonly host: Host;
  /** For durations. */
  readonly clock: Clock;
  /** For each check's time limit. */
  readonly timers: Timers;
  /** Checks, each with its action, that may run at once over all batches; the rest wait in order. At least 1. */
  readonly maxParallel: number;
  /** Absent: everything may run. */
  readonly policy?: ActionPolicy;
}

/** One batch to run. */
export interface RunOptions {
  /** In the order of the results. */
  readonly checks: readonly Check[];
  /** This node's name, for the actions' environment. */
  readonly node: string;
  /** The batch's id, for the actions' environment. */
  readonly batchId: string;
  /** `sequential` starts a check when the one before and its action have ended. */
  readonly mode: "parallel" | "sequential";
  /** Whether failing checks' actions run; without, a result has no `action`. */
  readonly actions: boolean;
  /**
   * Aborting it ends the batch: what has not started is `skipped`, running actions are ended with
   * their children and `aborted`. A string as its reason is what the results say.
   */
  readonly signal?: AbortSignal;
  /** Called right before an action's process starts. What it throws refuses the action. */
  onActionStarting?(check: Check): void;
  /** Called with each result as soon as it is there. */
  onResult?(result: CheckResult): void;
}

/** Runs the batches of one node. */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #slots: Slots;
  readonly #closing = new AbortController();

  /** Nothing happens until `run`. */
  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#slots = new Slots({ count: options.maxParallel });
  }

  /**
   * One result for each check, in their order. Whatever goes wrong with a check is its outcome;
   * it rejects only with what `onResult` throws.
   */
  async run(options: RunOptions): Promise<readonly CheckResult[]> {
    const stopping = new AbortController();
    const unlink = forwardAbort([this.#closing.signal, ...signalOf(options)], stopping);
    const one = async (check: Check) => {
      const result = await this.#runCheck({ check, stopping: stopping.signal, options });
      options.onResult?.(result);
      return result;
    };
    try {
      if (options.mode === "parallel") return await Promise.all(options.checks.map(one));
      const results: CheckResult[] = [];
      for (const check of options.checks) results.push(await one(check));
      return results;
    } finally {
      unlink();
    }
  }

  /** From now on nothing starts: checks are `skipped`, actions `refused`, with `reason`. Running actions go on. */
  close(reason: string): void {
    this.#closing.abort(reason);
  }

  async #runCheck(
    { check, stopping, options }: { check: Check; stopping: AbortSignal; options: RunOptions },
  ): Promise<CheckResult> {
    const type = checkType(check.type);
    const problem = this.#problem(check, type);
    if (type === undefined || problem !== undefined) {
      const reason = problem ?? "";
      return { check: check.name, outcome: { status: "error", reason }, durationMs: 0 };
    }
    if (!await this.#slots.acquire(stopping)) {
      const outcome: Outcome = { status: "skipped", reason: reasonOf(stopping) };
      return { check: check.name, outcome, durationMs: 0 };
    }
    try {
      const startMs = this.#options.clock.nowMs();
      const outcome = await this.#probe({ check, type, stopping });
      const durationMs = this.#sinceMs(startMs);
      const result = { check: check.name, outcome, durationMs };
      if (outcome.status !== "fail" || check.action === undefined || !options.actions) {
        return result;
      }
      const command = check.action;
      const message = outcome.reason;
      return { ...result, action: await this.#act({ check, command, message, stopping, options }) };
    } finally {
      this.#slots.release();
    }
  }

  /** Why the check cannot be asked here; `undefined` where it can. */
  #problem(check: Check, type: CheckType | undefined): string | undefined {
    const typeName = truncateUtf8(JSON.stringify(check.type), REASON_MAX_BYTES).text;
    if (type === undefined) return `this node's version has no check type ${typeName}`;
    if (!(this.#options.policy?.checkTypeAllowed(type.name) ?? true)) {
      return `this node's policy allows no checks of type ${type.name}`;
    }
    const problems = fieldProblems(type, check.fields);
    if (problems.length === 0) return undefined;
    const listed = problems.map(({ field, message }) =>
      field ? `field ${field} ${message}` : message
    );
    return truncateUtf8(listed.join("; "), REASON_MAX_BYTES).text;
  }

  /** Never rejects. A probe that does not answer in time is left to itself, its signal aborted. */
  async #probe(
    { check, type, stopping }: { check: Check; type: CheckType; stopping: AbortSignal },
  ): Promise<Outcome> {
    const { host, timers } = this.#options;
    const ended = new AbortController();
    // `fieldProblems` found nothing, so all of them are strings.
    const fields = check.fields as Readonly<Record<string, string>>;
    const answer = Promise.withResolvers<Outcome>();
    const onStop = () => answer.resolve({ status: "skipped", reason: reasonOf(stopping) });
    stopping.addEventListener("abort", onStop, { once: true });
    const disarm = timers.after(CHECK_TIMEOUT_MS, () => {
      const reason = `timed out after ${CHECK_TIMEOUT_MS / 1_000} s`;
      answer.resolve({ status: "error", reason });
    });
    const look = async () => await type.probe(fields, { host, signal: ended.signal });
    look().then(answer.resolve, (error) => answer.resolve(errorOutcome(error)));
    try {
      return withShortReason(await answer.promise);
    } finally {
      disarm();
      stopping.removeEventListener("abort", onStop);
      ended.abort();
    }
  }

  /** Never rejects. */
  async #act(
    { check, command, message, stopping, options }: {
      check: Check;
      command: string;
      message: string;
      stopping: AbortSignal;
      options: RunOptions;
    },
  ): Promise<ActionResult> {
    const { host, policy } = this.#options;
    const refusal = policy?.refusal(command) ?? (stopping.aborted ? reasonOf(stopping) : undefined);
    if (refusal !== undefined) return refused(refusal);
    try {
      options.onActionStarting?.(check);
    } catch (error) {
      return refused(messageOf(error));
    }
    const startMs = this.#options.clock.nowMs();
    try {
      const result = await host.runShell(command, {
        environment: environmentOf({ check, message, options }),
        timeoutMs: check.actionTimeoutMs,
        outputLimitBytes: ACTION_OUTPUT_MAX_BYTES,
        ...(options.signal && { signal: options.signal }),
      });
      return { ...result, durationMs: this.#sinceMs(startMs) };
    } catch (error) {
      return refused(messageOf(error));
    }
  }

  #sinceMs(startMs: number): number {
    return Math.round(this.#options.clock.nowMs() - startMs);
  }
}

function environmentOf(
  { check, message, options }: { check: Check; message: string; options: RunOptions },
): Readonly<Record<string, string>> {
  const entries = {
    GOSSIPCHECK_NODE: options.node,
    GOSSIPCHECK_BATCH: options.batchId,
    GOSSIPCHECK_CHECK: check.name,
    GOSSIPCHECK_MESSAGE: message,
  };
  // A name from another node may hold what no environment can.
  return Object.fromEntries(
    Object.entries(entries).map(([key, value]) => [key, value.replaceAll("\0", "")]),
  );
}

/** Not `AbortSignal.any`: what depends on a signal as long-lived as the daemon must be let go of. */
function forwardAbort(sources: readonly AbortSignal[], target: AbortController): () => void {
  const ended = new AbortController();
  for (const source of sources) {
    if (source.aborted) target.abort(source.reason);
    const forward = () => target.abort(source.reason);
    source.addEventListener("abort", forward, { signal: ended.signal });
  }
  return () => ended.abort();
}

function signalOf(options: RunOptions): AbortSignal[] {
  return options.signal === undefined ? [] : [options.signal];
}

function reasonOf(signal: AbortSignal): string {
  return typeof signal.reason === "string" ? signal.reason : "cancelled";
}

function refused(reason: string): ActionResult {
  const end: ActionEnd = { type: "refused", reason: truncateUtf8(reason, REASON_MAX_BYTES).text };
  return { end, output: "", droppedBytes: 0, durationMs: 0 };
}

function errorOutcome(error: unknown): Outcome {
  const reason = error instanceof HostError ? error.message : `bug: ${messageOf(error)}`;
  return { status: "error", reason };
}

function messageOf(error: unknown): string {
  if (error instanceof GossipcheckError) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function withShortReason(outcome: Outcome): Outcome {
  if (outcome.status === "pass") return outcome;
  return { ...outcome, reason: truncateUtf8(outcome.reason, REASON_MAX_BYTES).text };
}
