/**
 * What a command of `gcheck` works with, made up: a daemon that follows a script, time that a test
 * passes, and all output kept.
 * @module
 */
import type { Check, CheckResult } from "../../lib/checks/check.ts";
import { formatProblem, parseCheckFile } from "../../lib/checks/parse.ts";
import { UsageError } from "../../lib/errors.ts";
import type { CommandContext } from "../../lib/cli/commands/context.ts";
import { runCommand } from "../../lib/cli/commands/run.ts";
import { parseClientArguments } from "../../lib/cli/client_settings.ts";
import type { Reply, Request } from "../../lib/client/protocol.ts";
import { Counter } from "./client_desk.ts";
import { settle, VirtualTime } from "./virtual_time.ts";

/** What the daemon does: a reply is told; `"wait"` waits until the request is aborted; an error is raised. */
export type ScriptStep = Reply | "wait" | Error;

/** What to make up. */
export interface BenchOptions {
  /** The daemon's steps for the first request, the second, … */
  readonly script?: readonly (readonly ScriptStep[])[];
  /** The content of the check file. */
  readonly file?: string;
  /** The content of any secret's file. */
  readonly secret?: string;
  /** Whether stderr is a terminal. */
  readonly live?: boolean;
  /** What local checks find, by check name; `pass` where absent. */
  readonly outcomes?: Readonly<Record<string, CheckResult["outcome"]>>;
}

/** One run of a command and all that it did. */
export class CommandBench {
  readonly time: VirtualTime = new VirtualTime();
  readonly requests: Request[] = [];
  /** The secret files that it made. */
  readonly created: Record<string, string> = {};
  readonly #options: BenchOptions;
  readonly #random = new Counter();
  readonly #interrupt = new AbortController();
  /** What it printed to stdout. */
  stdout = "";
  /** What it printed to stderr. */
  stderr = "";

  /** Runs nothing yet. */
  constructor(options: BenchOptions = {}) {
    this.#options = options;
  }

  /** Runs the command line; gives the exit status. */
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

  /** Control-C, once the command has come as far as it comes by itself. */
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
