/**
 * What processes take of the machine, sampled over time (Linux).
 * @module
 */

/** One process at one moment. */
export interface ProcessSample {
  /** Resident memory, in KiB. */
  readonly residentKib: number;
  /** Open files. */
  readonly files: number;
  /** Processor time so far, user and system, in milliseconds. */
  readonly processorMs: number;
}

/** All processes at one moment. */
export interface Sample {
  /** Since the gauge was made, in milliseconds. */
  readonly atMs: number;
  /** In the order of the processes. */
  readonly processes: readonly ProcessSample[];
}

/** What the samples of one span of time come to, for each process. */
export interface Span {
  /** Mean resident memory of each, in KiB. */
  readonly residentKib: readonly number[];
  /** The fewest files that each had open: what it holds, without the connections of a moment. */
  readonly files: readonly number[];
}

/** Ticks of `/proc/PID/stat`: `USER_HZ`, which is 100 on every Linux that Deno runs on. */
const TICK_MS = 10;

/** Reads some processes every so often. Disposing of it ends that. */
export class SoakGauge implements Disposable {
  readonly #pids: readonly number[];
  readonly #startMs = performance.now();
  readonly #timer: ReturnType<typeof setInterval>;
  /** All samples so far. */
  readonly samples: Sample[] = [];

  /** Samples `pids` from now on. */
  constructor(options: { readonly pids: readonly number[]; readonly periodMs: number }) {
    this.#pids = options.pids;
    this.#timer = setInterval(() => this.sample(), options.periodMs);
    this.sample();
  }

  /** Takes one sample now. */
  sample(): void {
    const atMs = performance.now() - this.#startMs;
    this.samples.push({ atMs, processes: this.#pids.map(sampleOf) });
  }

  /** The samples from `fromMs` to `toMs`. */
  span({ fromMs, toMs }: { fromMs: number; toMs: number }): Span {
    const within = this.samples.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
    if (within.length === 0) throw new Error(`no sample between ${fromMs} and ${toMs} ms`);
    const each = this.#pids.map((_, index) => within.map(({ processes }) => processes[index]!));
    return {
      residentKib: each.map((samples) =>
        samples.reduce((total, { residentKib }) => total + residentKib, 0) / samples.length
      ),
      files: each.map((samples) => Math.min(...samples.map(({ files }) => files))),
    };
  }

  /** Processor time of all together so far, in milliseconds. */
  get processorMs(): number {
    const { processes = [] } = this.samples.at(-1) ?? {};
    return processes.reduce((total, { processorMs }) => total + processorMs, 0);
  }

  /** Samples no more. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Why no process can be sampled here; `undefined` where they can. */
export const missingForGauge: string | undefined = Deno.build.os === "linux"
  ? undefined
  : "Linux procfs";

function sampleOf(pid: number): ProcessSample {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The fields after the name, which is in brackets and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return {
    residentKib: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]),
    files: [...Deno.readDirSync(`/proc/${pid}/fd`)].length,
    processorMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
  };
}
