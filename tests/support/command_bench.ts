/**
 * Fake dependencies of the commands of `gcheck`: a daemon that follows a script, virtual time, and
 * recorded output.
 * @module
 */
import type { Check, CheckResult } from "../../lib/batch/check.ts";
import { encodeReport, type Report, reportPassed } from "../../lib/batch/report.ts";
import { formatProblem, parseCheckFile } from "../../lib/checks/parse.ts";
import { UsageError } from "../../lib/errors.ts";
import type { CommandContext } from "../../lib/cli/commands/context.ts";
import { runCommand } from "../../lib/cli/commands/run.ts";
import { parseClientArguments } from "../../lib/cli/client_settings.ts";
import type { Reply, Request } from "../../lib/client/protocol.ts";
import { Counter } from "./client_desk.ts";
import { settle, VirtualTime } from "./virtual_time.ts";

/**
 * A step of the fake daemon: sends a reply, waits until the request is aborted (`"wait"`), or
 * raises an error.
 */
export type ScriptStep = Reply | "wait" | Error;

/** Options of `CommandBench`. */
export interface BenchOptions {
  /** The steps of the daemon for each request, in order. */
  readonly script?: readonly (readonly ScriptStep[])[];
  readonly file?: string;
  /** The content of every secret file. */
  readonly secret?: string;
  readonly live?: boolean;
  /** The outcomes of local checks, by check name; default `pass`. */
  readonly outcomes?: Readonly<Record<string, CheckResult["outcome"]>>;
}

/** The daemon's reply about a member that has reported. */
export function answered(node: string, report: Report): Reply {
  const passed = reportPassed(report);
  return {
    type: "progress",
    progress: { node, state: "done", passed, report: encodeReport(report) },
  };
}

/** Runs commands of `gcheck` with fakes, and records what they do. */
export class CommandBench {
  readonly time: VirtualTime = new VirtualTime();
  readonly requests: Request[] = [];
  /** The secret files that it created, by path. */
  readonly created: Record<string, string> = {};
  readonly #options: BenchOptions;
  readonly #random = new Counter();
  readonly #interrupt = new AbortController();
  stdout = "";
  stderr = "";

  constructor(options: BenchOptions = {}) {
    this.#options = options;
  }

  /** Runs a command line; returns the exit status. */
  async run(...args: string[]): Promise<number> {
    const settings = parseClientArguments(args);
    if ("help" in settings) throw new TypeError("the command line asks for help");
    const { file = "{}", live = false } = this.#options;
    const context: CommandContext = {
      settings,
      print: (text) => void (this.stdout += text),
      printError: (text) => void (this.stderr += text),
      color: false,
      live,
      clock: this.time,
      timers: this.time,
      interrupted: this.#interrupt.signal,
      client: {
        request: (source, options) => {
          const request = typeof source === "function" ? source({ node: "desk" }) : source;
          return this.#answer(request, options.signal);
        },
      },
      runner: { run: (checks, options) => this.#look(checks, options) },
      readFile: () => Promise.resolve(new TextEncoder().encode(file)),
      createSecret: (path, text) => {
        if (path in this.created) throw new UsageError(`${path} cannot be made`);
        this.created[path] = text;
      },
      random: this.#random,
      readSecret: () => Promise.resolve(this.#options.secret ?? ""),
      parseCheckFile,
      formatProblem,
    };
    return await runCommand(context);
  }

  /** Sends Control-C when the command waits. */
  async interrupt(): Promise<void> {
    await settle();
    this.#interrupt.abort();
  }

  async *#answer(request: Request, signal: AbortSignal): AsyncGenerator<Reply> {
    const steps = this.#options.script?.[this.requests.length] ?? [];
    this.requests.push(request);
    for (const step of steps) {
      await Promise.resolve();
      signal.throwIfAborted();
      if (step instanceof Error) throw step;
      if (step !== "wait") {
        yield step;
        continue;
      }
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      signal.throwIfAborted();
    }
  }

  async #look(
    checks: readonly Check[],
    options: { signal: AbortSignal; onResult: (result: CheckResult) => void },
  ): Promise<CheckResult[]> {
    const results: CheckResult[] = [];
    for (const { name } of checks) {
      await settle();
      const outcome: CheckResult["outcome"] = options.signal.aborted
        ? { status: "skipped", reason: "interrupted" }
        : this.#options.outcomes?.[name] ?? { status: "pass" };
      const result = { check: name, outcome, durationMs: 1 };
      options.onResult(result);
      results.push(result);
    }
    return results;
  }
}
