/**
 * How much work code does, counted and not timed: the same on every machine.
 * @module
 */
import { Session } from "node:inspector";

interface Coverage {
  readonly result: readonly {
    readonly functions: readonly { readonly ranges: readonly { readonly count: number }[] }[];
  }[];
}

/**
 * Counts how many blocks of JavaScript (functions, branches, loop bodies) are gone through. Only
 * code that runs for the first time once the counter is there is counted block by block: what is
 * measured is to be imported afterwards.
 */
export class WorkCounter {
  readonly #session = new Session();

  /** Counts from now on. */
  static async start(): Promise<WorkCounter> {
    const counter = new WorkCounter();
    counter.#session.connect();
    await counter.#post("Profiler.enable");
    const detail = { callCount: true, detailed: true };
    await counter.#post("Profiler.startPreciseCoverage", detail);
    return counter;
  }

  /** How much `run` takes. */
  async count(run: () => Promise<unknown>): Promise<number> {
    await this.#post("Profiler.takePreciseCoverage");
    await run();
    const { result } = await this.#post("Profiler.takePreciseCoverage") as Coverage;
    const ranges = result.flatMap(({ functions }) => functions).flatMap((one) => one.ranges);
    return ranges.reduce((sum, range) => sum + range.count, 0);
  }

  #post(method: string, options: object = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#session.post(method, options, (error: Error | null, result: unknown) => {
        if (error === null) resolve(result);
        else reject(error);
      });
    });
  }
}
