/**
 * Trials: the tests run without any change first, which gives their time limits, and then against
 * one mutant after the other.
 * @module
 */
import { type Equivalent, equivalentOf } from "./equivalents.ts";
import { type Mutant, mutate } from "./mutant.ts";
import type { Limits, Sandbox, TestRun } from "./sandbox.ts";
import { type Stage, stagesFor, type TestFile } from "./suites.ts";

/** What became of one mutant. */
export type Verdict =
  | {
    readonly mutant: Mutant;
    readonly status: "noticed";
    /** The stage whose tests failed. */
    readonly stage: string;
    /** The test that failed first; undefined if the process ended before it could name one. */
    readonly test: string | undefined;
    /** Whether the tests did not end in their time. This counts as noticed. */
    readonly timedOut: boolean;
    /** Processor time that its tests took. */
    readonly processorMs: number;
  }
  | {
    readonly mutant: Mutant;
    readonly status: "survived";
    /** The stages that passed; empty if no test loads the source. */
    readonly stages: readonly string[];
    /** Processor time that its tests took. */
    readonly processorMs: number;
  }
  | { readonly mutant: Mutant; readonly status: "equivalent"; readonly reason: string };

/** Test files may take this many times what they take without a mutation, and a start besides. */
const LIMIT_FACTOR = 4;
const START_PROCESSOR_SECONDS = 10;
const START_WALL_MS = 30_000;
/** For a test file whose time is not known yet. */
const BASELINE_LIMITS: Limits = { processorSeconds: 600, wallMs: 1_200_000 };

/** Tests of a tree, how long each takes, and the sandboxes to run them in. */
export class Trials {
  readonly #sandboxes: readonly Sandbox[];
  readonly #tests: readonly TestFile[];
  /** The runs of each test file without a mutation. */
  readonly #baseline = new Map<string, TestRun>();

  /** As many mutants are tried at a time as there are sandboxes. */
  constructor(sandboxes: readonly Sandbox[], tests: readonly TestFile[]) {
    this.#sandboxes = sandboxes;
    this.#tests = tests;
  }

  /**
   * Runs each test file that loads one of the sources, by itself and unchanged.
   * @returns the processor time that all took together, in milliseconds
   * @throws {Error} if one of them fails: it would notice every mutant
   */
  async measure(sources: ReadonlySet<string>): Promise<number> {
    const needed = this.#tests.filter(({ loads }) => !loads.isDisjointFrom(sources));
    await this.#inSandboxes(needed, async ({ path }, sandbox) => {
      const run = await sandbox.runTests([path], BASELINE_LIMITS);
      if (!run.passed) throw new Error(`${path} fails without any mutation: ${whyFailed(run)}`);
      this.#baseline.set(path, run);
    });
    return this.#baselineSum([...this.#baseline.keys()], "processorMs");
  }

  /** Tries each mutant and calls `done` as soon as its verdict is known. */
  async run(mutants: readonly Mutant[], done: (verdict: Verdict) => void): Promise<void> {
    await this.#inSandboxes(mutants, async (mutant, sandbox) => {
      const equivalent = equivalentOf(mutant);
      done(equivalent === undefined ? await this.#try(mutant, sandbox) : known(mutant, equivalent));
    });
  }

  async #try(mutant: Mutant, sandbox: Sandbox): Promise<Verdict> {
    const stages = stagesFor(mutant.file, {
      tests: this.#tests,
      costMs: (path) => this.#baselineSum([path], "processorMs"),
    });
    const change = { file: mutant.file, change: (text: string) => mutate(text, mutant) };
    return await sandbox.withChange(change, async () => {
      let processorMs = 0;
      for (const stage of stages) {
        const run = await sandbox.runTests(stage.files, this.#limits(stage));
        processorMs += run.processorMs;
        if (run.passed) continue;
        const { failed: test, timedOut } = run;
        return { mutant, status: "noticed", stage: stage.name, test, timedOut, processorMs };
      }
      return { mutant, status: "survived", stages: stages.map(({ name }) => name), processorMs };
    });
  }

  #limits({ files }: Stage): Limits {
    const processorMs = LIMIT_FACTOR * this.#baselineSum(files, "processorMs");
    return {
      processorSeconds: START_PROCESSOR_SECONDS + Math.ceil(processorMs / 1_000),
      wallMs: START_WALL_MS + LIMIT_FACTOR * this.#baselineSum(files, "wallMs"),
    };
  }

  #baselineSum(files: readonly string[], time: "processorMs" | "wallMs"): number {
    return files.reduce((sum, path) => sum + (this.#baseline.get(path)?.[time] ?? 0), 0);
  }

  /** Each sandbox takes the next item as soon as it is free; all stop at the first error. */
  async #inSandboxes<T>(
    items: readonly T[],
    work: (item: T, sandbox: Sandbox) => Promise<void>,
  ): Promise<void> {
    const queue = [...items];
    const results = await Promise.allSettled(this.#sandboxes.map(async (sandbox) => {
      try {
        for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
          await work(item, sandbox);
        }
      } finally {
        queue.length = 0;
      }
    }));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }
}

function known(mutant: Mutant, { reason }: Equivalent): Verdict {
  return { mutant, status: "equivalent", reason };
}

function whyFailed({ timedOut, failed, errors }: TestRun): string {
  if (timedOut) return "it does not end";
  return failed ?? errors.trim().split("\n")[0] ?? "it could not be started";
}
