/**
 * Samples memory, open files and processor time of processes (Linux).
 * @module
 */

/** A sample of one process. */
export interface ProcessSample {
  /** Resident memory in KiB. */
  readonly residentKib: number;
  /** Number of open files. */
  readonly files: number;
  /** Processor time since its start, user and system, in milliseconds. */
  readonly processorMs: number;
}

/** A sample of all processes. */
export interface Sample {
  /** Time since the gauge was made, in milliseconds. */
  readonly atMs: number;
  /** In the order of the processes. */
  readonly processes: readonly ProcessSample[];
}

/** The samples of a span of time, summarized for each process. */
export interface Span {
  /** Mean resident memory of each process, in KiB. */
  readonly residentKib: readonly number[];
  /** Minimum of open files of each process, which excludes short connections. */
  readonly files: readonly number[];
}

/** Tick of `/proc/PID/stat`: `USER_HZ` is 100 on every Linux that Deno runs on. */
const TICK_MS = 10;

/** Samples processes periodically until it is disposed of. */
export class SoakGauge implements Disposable {
  readonly #pids: readonly number[];
  readonly #startMs = performance.now();
  readonly #timer: ReturnType<typeof setInterval>;
  /** The samples so far. */
  readonly samples: Sample[] = [];

  /** Starts to sample `pids`. */
  constructor(options: { readonly pids: readonly number[]; readonly periodMs: number }) {
    this.#pids = options.pids;
    this.#timer = setInterval(() => this.sample(), options.periodMs);
    this.sample();
  }

  /** Takes a sample now. */
  sample(): void {
    const atMs = performance.now() - this.#startMs;
    this.samples.push({ atMs, processes: this.#pids.map(sampleOf) });
  }

  /** Summarizes the samples from `fromMs` to `toMs`. */
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

  /** Resident memory of all processes in the last sample, in KiB. */
  get residentKib(): number {
    const { processes = [] } = this.samples.at(-1) ?? {};
    return processes.reduce((total, { residentKib }) => total + residentKib, 0);
  }

  /** Processor time of all processes so far, in milliseconds. */
  get processorMs(): number {
    const { processes = [] } = this.samples.at(-1) ?? {};
    return processes.reduce((total, { processorMs }) => total + processorMs, 0);
  }

  /** Stops sampling. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** What is missing to sample processes here; `undefined` if nothing is. */
export const missingForGauge: string | undefined = Deno.build.os === "linux"
  ? undefined
  : "Linux procfs";

function sampleOf(pid: number): ProcessSample {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The fields after the name, which is in parentheses and may contain any character.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return {
    residentKib: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]),
    files: [...Deno.readDirSync(`/proc/${pid}/fd`)].length,
    processorMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
  };
}
