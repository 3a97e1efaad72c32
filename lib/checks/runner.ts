/**
 * Runs the checks of batches and the actions of the checks that fail. Each check runs once, its
 * action is started at most once, and the number of checks that run at once is limited.
 * @module
 */
import { GossipcheckError, HostError } from "../errors.ts";
import { ACTION_OUTPUT_MAX_BYTES, CHECK_TIMEOUT_MS, REASON_MAX_BYTES } from "../limits.ts";
import type { Clock, Host, Timers } from "../runtime.ts";
import type { ActionEnd, ActionResult, Check, CheckResult, Outcome } from "../batch/check.ts";
import type { CheckType } from "./check_type.ts";
import { truncateUtf8 } from "../utf8.ts";
import { fieldProblems } from "./fields.ts";
import { checkType } from "./registry.ts";
import { Slots } from "./slots.ts";

/** The policy of a node: the check types and actions that may run on it. */
export interface ActionPolicy {
  /** Why an action is not allowed on this node; `undefined` if it is allowed. */
  refusal(command: string): string | undefined;
  /** Whether checks of a type are allowed on this node. */
  checkTypeAllowed(type: string): boolean;
}

/** Options of a `Runner`. */
export interface RunnerOptions {
  readonly host: Host;
  /** Measures durations. */
  readonly clock: Clock;
  /** For the timeout of each check. */
  readonly timers: Timers;
  /**
   * Maximum number of checks, each with its action, that run at once over all batches; at least 1.
   */
  readonly maxParallel: number;
  /** Default: all check types and actions are allowed. */
  readonly policy?: ActionPolicy;
}

/** The checks of one batch and how to run them. */
export interface RunOptions {
  readonly checks: readonly Check[];
  /** Name of this node: `GOSSIPCHECK_NODE` of the actions. */
  readonly node: string;
  /** Id of the batch: `GOSSIPCHECK_BATCH` of the actions. */
  readonly batchId: string;
  /** `sequential` starts a check when the one before and its action have ended. */
  readonly mode: "parallel" | "sequential";
  /** Whether the actions of failed checks run; if not, no result has an `action`. */
  readonly actions: boolean;
  /**
   * If it aborts, checks that have not started are `skipped`, and running actions are killed with
   * their children and `aborted`. Its reason, if a string, is the reason in the results.
   */
  readonly signal?: AbortSignal;
  /**
   * Called before each action; the action starts when it resolves, and is `refused` if it rejects.
   */
  onActionStarting?(check: Check): Promise<void>;
  /** Called with each result, as soon as the check and its action have ended. */
  onResult?(result: CheckResult): void;
}

/** Runs the checks of all batches of one node, within one limit on parallel checks. */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #slots: Slots;
  readonly #closing = new AbortController();

  /** Starts nothing before `run`. */
  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#slots = new Slots({ count: options.maxParallel });
  }

  /**
   * Runs checks and resolves with one result for each, in the order of the checks. A check that
   * cannot run has the outcome `error`; the promise rejects only if `onResult` throws.
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

  /**
   * Starts nothing from now on: further checks are `skipped` and further actions `refused`, with
   * `reason`. Running actions continue.
   */
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

  /** Why the check cannot run on this node; `undefined` if it can. */
  #problem(check: Check, type: CheckType | undefined): string | undefined {
    const typeName = truncateUtf8(JSON.stringify(check.type), REASON_MAX_BYTES).text;
    if (type === undefined) return `this node's version has no check type ${typeName}`;
    if (!(this.#options.policy?.checkTypeAllowed(type.name) ?? true)) {
      return `the policy of this node does not allow checks of type ${type.name}`;
    }
    const problems = fieldProblems(type, check.fields);
    if (problems.length === 0) return undefined;
    const listed = problems.map(({ field, message }) =>
      field ? `field ${field} ${message}` : message
    );
    return truncateUtf8(listed.join("; "), REASON_MAX_BYTES).text;
  }

  /** Never rejects. A probe that exceeds its timeout is abandoned, and its signal aborted. */
  async #probe(
    { check, type, stopping }: { check: Check; type: CheckType; stopping: AbortSignal },
  ): Promise<Outcome> {
    const { host, timers } = this.#options;
    const ended = new AbortController();
    // `fieldProblems` has accepted the fields, so all values are strings.
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
      await options.onActionStarting?.(check);
    } catch (error) {
      return refused(messageOf(error));
    }
    if (stopping.aborted) return refused(reasonOf(stopping));
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
  // Names from other nodes may contain NUL, which an environment variable cannot contain.
  return Object.fromEntries(
    Object.entries(entries).map(([key, value]) => [key, value.replaceAll("\0", "")]),
  );
}

/**
 * Not `AbortSignal.any`: the listener on a signal that lives as long as the daemon must be removed.
 */
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
  const reason = error instanceof HostError ? error.message : `internal error: ${messageOf(error)}`;
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
