/**
 * A copy of the tree and a place to run its tests in. What runs there has its own process ids, its
 * own network with nothing but loopback, and its own `/tmp`: a mutant can name the wrong process,
 * address or file, and must not reach the one that has this name outside. It needs `unshare` and
 * `mount` (util-linux) and `ip` (iproute2), so Linux, and user namespaces unless it runs as root.
 * @module
 */
import { dirname, join } from "@std/path";

/** What became of a test process. */
export interface TestRun {
  /** Whether all tests passed. */
  readonly passed: boolean;
  /** Whether it was ended for taking too long. */
  readonly timedOut: boolean;
  /** The test that failed first; undefined if the process ended before it could name one. */
  readonly failed: string | undefined;
  /** What it wrote on stderr. */
  readonly errors: string;
  /** By the clock. */
  readonly wallMs: number;
  /** Of the processors, whatever else the machine does; 0 if the clock ended it. */
  readonly processorMs: number;
}

/** How long a test process may take. */
export interface Limits {
  /** Processor time, in whole seconds. */
  readonly processorSeconds: number;
  /** By the clock, for tests that wait without end. */
  readonly wallMs: number;
}

/** Mutated inputs for each decoder of `tests/fuzz/`: a fiftieth of what the test itself takes. */
const FUZZ_CASES = 2_000;
/** Status of a shell whose program was ended by SIGXCPU. */
const PROCESSOR_TIME_OVER = 128 + 24;

/**
 * Runs as process 1 of the sandbox. Everything that is needed from outside is mounted into the
 * sandbox's folder first, which then becomes `/tmp`. If memory runs short the kernel ends this
 * process before others.
 */
const ENTER = `set -e
folder=$1 deno=$2 packages=$3 seconds=$4
shift 4
mount --bind "$deno" "$folder/deno"
mount --bind "$packages" "$folder/cache/npm"
mount -o remount,bind,ro "$folder/cache/npm"
mount --rbind "$folder" /tmp
ip link set lo up
echo 1000 >/proc/self/oom_score_adj
ulimit -S -t "$seconds"
cd /tmp/tree
/tmp/deno "$@" || status=$?
times >/tmp/times
exit "\${status:-0}"`;

/** One copy of the tree, for one mutant at a time. */
export class Sandbox {
  readonly #folder: string;
  readonly #packages: string;
  readonly #interrupted: AbortSignal;

  /** Use `create`. */
  constructor(folder: string, options: { packages: string; interrupted: AbortSignal }) {
    this.#folder = folder;
    this.#packages = options.packages;
    this.#interrupted = options.interrupted;
  }

  /** Copies `files` of the tree at `root` into `folder`, which must not exist yet. */
  static async create(folder: string, options: {
    readonly root: string;
    readonly files: readonly string[];
    /** The folder of Deno's cache that holds npm packages. */
    readonly packages: string;
    /** Ends whatever runs in the sandbox. */
    readonly interrupted: AbortSignal;
  }): Promise<Sandbox> {
    await Deno.mkdir(join(folder, "cache", "npm"), { recursive: true });
    await Deno.writeTextFile(join(folder, "deno"), "");
    for (const file of options.files) {
      const copy = join(folder, "tree", file);
      await Deno.mkdir(dirname(copy), { recursive: true });
      await Deno.copyFile(join(options.root, file), copy);
    }
    return new Sandbox(folder, options);
  }

  /** Calls `body` while the change of one file is in place. */
  async withChange<T>(
    { file, change }: { file: string; change: (text: string) => string },
    body: () => Promise<T>,
  ): Promise<T> {
    const path = join(this.#folder, "tree", file);
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, change(text));
    try {
      return await body();
    } finally {
      await Deno.writeTextFile(path, text);
    }
  }

  /**
   * Runs test files up to the first test that fails. Types are not checked: only what a mutant does
   * counts.
   */
  async runTests(files: readonly string[], limits: Limits): Promise<TestRun> {
    this.#interrupted.throwIfAborted();
    const examples = files.some((file) => !file.endsWith("_test.ts"));
    const child = this.#start([
      "test",
      ...["--quiet", "--no-check", "--fail-fast", "--reporter=tap"],
      ...["--permission-set=tests", "--allow-sys"],
      ...(examples ? ["--doc"] : []),
      ...files,
    ], limits.processorSeconds);
    const started = performance.now();
    let waitedTooLong = false;
    const end = () => kill(child);
    const timer = setTimeout(() => {
      waitedTooLong = true;
      end();
    }, limits.wallMs);
    this.#interrupted.addEventListener("abort", end);
    try {
      const { code, stdout, stderr } = await child.output();
      this.#interrupted.throwIfAborted();
      const decoder = new TextDecoder();
      return {
        passed: code === 0,
        timedOut: waitedTooLong || code === PROCESSOR_TIME_OVER,
        failed: firstFailure(decoder.decode(stdout)),
        errors: decoder.decode(stderr),
        wallMs: performance.now() - started,
        processorMs: await this.#takeProcessorMs(),
      };
    } finally {
      clearTimeout(timer);
      this.#interrupted.removeEventListener("abort", end);
    }
  }

  /** What the sandbox's shell says of its children, in the last line. */
  async #takeProcessorMs(): Promise<number> {
    const path = join(this.#folder, "times");
    try {
      const text = await Deno.readTextFile(path);
      await Deno.remove(path);
      return processorMs(text);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return 0;
      throw error;
    }
  }

  #start(args: readonly string[], processorSeconds: number): Deno.ChildProcess {
    const user = Deno.uid() === 0 ? [] : ["--user", "--map-root-user"];
    return new Deno.Command("unshare", {
      args: [
        ...[...user, "--pid", "--net", "--mount-proc", "--fork", "--kill-child"],
        ...["sh", "-c", ENTER, "sh", this.#folder],
        ...[Deno.execPath(), this.#packages, String(processorSeconds)],
        ...args,
      ],
      env: {
        NO_COLOR: "1",
        DENO_DIR: "/tmp/cache",
        DENO_NO_UPDATE_CHECK: "1",
        TMPDIR: "/tmp",
        GOSSIPCHECK_FUZZ_CASES: String(FUZZ_CASES),
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }
}

/** Ends the sandbox's process 1, and with it everything that runs in the sandbox. */
function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    // It has ended by itself.
    if (!(error instanceof TypeError)) throw error;
  }
}

/** User and system time of a shell's children, as its command `times` prints them. */
export function processorMs(times: string): number {
  const children = times.trim().split("\n")[1] ?? "";
  return [...children.matchAll(/(\d+)m([\d.]+)s/g)]
    .reduce(
      (sum, [, minutes, seconds]) => sum + Number(minutes) * 60_000 + Number(seconds) * 1_000,
      0,
    );
}

/** The first test that failed, by the lines of the Test Anything Protocol. */
export function firstFailure(output: string): string | undefined {
  return output.match(/^not ok \d+ - (.*)$/m)?.[1]?.replaceAll("\\#", "#");
}
