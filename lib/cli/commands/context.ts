/**
 * The dependencies of the commands of `gcheck`. `cli.ts` passes real ones, tests pass fakes.
 * @module
 */
import type { Check, CheckResult } from "../../batch/check.ts";
import type { RequestSource } from "../../client/client.ts";
import type { Reply } from "../../client/protocol.ts";
import type { Problem } from "../../errors.ts";
import type { Clock, Random, Timers } from "../../runtime.ts";
import type { ClientSettings } from "../client_settings.ts";

/** Sends requests to a daemon; `Client` of `lib/client` implements it. */
export interface Requester {
  /**
   * Sends one request and yields its replies. A request given as a function is built when the
   * daemon is known. Raises `UnreachableError`, `signal`'s reason, or an error of that function.
   */
  request(request: RequestSource, options: { signal: AbortSignal }): AsyncIterable<Reply>;
}

/** Runs checks on this host, with `Runner` of `lib/checks`. */
export interface LocalRunner {
  /** Runs the checks one after another, without actions. Aborting skips those not started yet. */
  run(checks: readonly Check[], options: {
    signal: AbortSignal;
    /** Called with each result as soon as it is known. */
    onResult: (result: CheckResult) => void;
  }): Promise<readonly CheckResult[]>;
}

/** The settings and dependencies of a command. */
export interface CommandContext {
  readonly settings: ClientSettings;
  /** Writes to stdout. Raises an error if stdout is closed. */
  readonly print: (text: string) => void;
  /** Writes to stderr. */
  readonly printError: (text: string) => void;
  /** Whether stdout is a terminal with colors. */
  readonly color: boolean;
  /** Whether stderr is a terminal that can redraw a line. */
  readonly live: boolean;
  /** For ages and elapsed time. */
  readonly clock: Clock;
  /** For `-timeout` and the progress line. */
  readonly timers: Timers;
  /** Aborts at the first Control-C. */
  readonly interrupted: AbortSignal;
  readonly client: Requester;
  readonly runner: LocalRunner;
  /** Reads the file of `-file`. Raises `UsageError`. */
  readonly readFile: (path: string) => Promise<Uint8Array>;
  /** Reads a file with a secret, or stdin for `-`. Raises `UsageError`. */
  readonly readSecret: (path: string) => Promise<string>;
  /**
   * Creates a file with a secret, readable by this user only. Raises `UsageError`, also if it
   * exists.
   */
  readonly createSecret: (path: string, text: string) => void;
  /** For keys and batch ids. */
  readonly random: Random;
  /** Parses a check file. Raises `CheckFileError` with every problem. */
  readonly parseCheckFile: (content: Uint8Array) => readonly Check[];
  /** Formats a problem as one line. */
  readonly formatProblem: (problem: Problem) => string;
}
