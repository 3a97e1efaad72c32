/**
 * What the commands of `gcheck` work with. `cli.ts` makes it from the machine's own; tests from
 * made-up ones.
 * @module
 */
import type { Check, CheckResult } from "../../checks/check.ts";
import type { RequestSource } from "../../client/client.ts";
import type { Reply } from "../../client/protocol.ts";
import type { Problem } from "../../errors.ts";
import type { Clock, Random, Timers } from "../../runtime.ts";
import type { ClientSettings } from "../client_settings.ts";

/** What asks a daemon; the client room's `Client` is one. */
export interface Requester {
  /**
   * Sends one request, which may be made once the daemon is known, and gives its replies. Raises
   * `UnreachableError`, `signal`'s reason, or what making it raises.
   */
  request(request: RequestSource, options: { signal: AbortSignal }): AsyncIterable<Reply>;
}

/** What runs checks on this host; the checks room's `Runner` is behind it. */
export interface LocalRunner {
  /** One after another, without actions. Aborting skips those that have not started. */
  run(checks: readonly Check[], options: {
    /** Ends it. */
    signal: AbortSignal;
    /** Takes each result as it comes. */
    onResult: (result: CheckResult) => void;
  }): Promise<readonly CheckResult[]>;
}

/** What a command is handed. */
export interface CommandContext {
  /** What it was told. */
  readonly settings: ClientSettings;
  /** Prints to stdout. Raises where nobody reads it any more. */
  readonly print: (text: string) => void;
  /** Prints to stderr. */
  readonly printError: (text: string) => void;
  /** Whether stdout shows colours. */
  readonly color: boolean;
  /** Whether stderr is a terminal that can redraw a line. */
  readonly live: boolean;
  /** For ages and elapsed time. */
  readonly clock: Clock;
  /** For `-timeout` and for redrawing. */
  readonly timers: Timers;
  /** Aborts at the first Control-C. */
  readonly interrupted: AbortSignal;
  /** The daemon. */
  readonly client: Requester;
  /** This host. */
  readonly runner: LocalRunner;
  /** The content of the file that `-file` names. Raises `UsageError`. */
  readonly readFile: (path: string) => Promise<Uint8Array>;
  /** The text of a secret's file, or of stdin for `-`. Raises `UsageError`. */
  readonly readSecret: (path: string) => Promise<string>;
  /** Makes a secret's file for this user alone. Raises `UsageError`, also where it stands already. */
  readonly createSecret: (path: string, text: string) => void;
  /** For keys and ids. */
  readonly random: Random;
  /** Raises `CheckFileError` with every problem. */
  readonly parseCheckFile: (content: Uint8Array) => readonly Check[];
  /** A problem as one line. */
  readonly formatProblem: (problem: Problem) => string;
}
