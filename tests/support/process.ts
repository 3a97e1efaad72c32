/**
 * Runs programs for a test: reads their output line by line, and always ends them.
 * @module
 */
import { TextLineStream } from "@std/streams/text-line-stream";
import { EventLog, PATIENCE_MS } from "./process_events.ts";

/** A program with its arguments. */
export interface CommandLine {
  /** Path of the program, or its name in PATH. */
  readonly program: string;
  readonly args: readonly string[];
  /** Variables that are added to the inherited environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Its working directory; by default that of the test. */
  readonly directory?: string;
}

/** Result of a program that has ended. */
export interface CommandResult {
  /** Exit status; 128 plus the signal's number if a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program with `input` as its stdin and waits for its end. Kills it and rejects after `timeoutMs`. */
export async function runCommand(
  line: CommandLine,
  options: { readonly input?: string; readonly timeoutMs?: number } = {},
): Promise<CommandResult> {
  const deadline = AbortSignal.timeout(options.timeoutMs ?? PATIENCE_MS);
  const child = new Deno.Command(line.program, {
    ...commandOptions(line),
    stdin: options.input === undefined ? "null" : "piped",
  }).spawn();
  const kill = () => endProcess(child, "SIGKILL");
  deadline.addEventListener("abort", kill);
  try {
    if (options.input !== undefined) await writeAll(child.stdin, options.input);
    const output = await child.output();
    if (deadline.aborted) throw new Error(`${describe(line)} did not end in time and was killed`);
    const decoder = new TextDecoder();
    return {
      code: output.code,
      stdout: decoder.decode(output.stdout),
      stderr: decoder.decode(output.stderr),
    };
  } finally {
    deadline.removeEventListener("abort", kill);
  }
}

/** Runs a program like `runCommand` and returns its stdout. Rejects if the exit status is not 0. */
export async function mustRun(
  line: CommandLine,
  options: { readonly input?: string; readonly timeoutMs?: number } = {},
): Promise<string> {
  const result = await runCommand(line, options);
  if (result.code !== 0) {
    throw new Error(`${describe(line)} exited with ${result.code}: ${result.stderr.trim()}`);
  }
  return result.stdout;
}

/** A running program. Disposing of it kills it. */
export class TestProcess implements AsyncDisposable {
  readonly #line: CommandLine;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #done: Promise<unknown>;
  /** The lines of its standard output. */
  readonly stdout: EventLog<string> = new EventLog<string>();
  /** The lines of its standard error. */
  readonly stderr: EventLog<string> = new EventLog<string>();

  /** Starts the program. */
  constructor(line: CommandLine) {
    this.#line = line;
    this.#child = new Deno.Command(line.program, { ...commandOptions(line), stdin: "piped" })
      .spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#done = Promise.allSettled([
      readLines(this.#child.stdout, this.stdout),
      readLines(this.#child.stderr, this.stderr),
      this.#child.status.then(({ code }) => {
        const reason = `${describe(line)} ended with ${code}`;
        this.stdout.close(reason);
        this.stderr.close(reason);
      }),
    ]);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Its exit status, once it ends. */
  get status(): Promise<Deno.CommandStatus> {
    return this.#child.status;
  }

  /** Writes a line to its stdin. */
  async writeLine(text: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(text + "\n"));
  }

  /** Closes its stdin. */
  async endInput(): Promise<void> {
    await this.#input.close().catch(() => {});
  }

  /** Sends it a signal. Does nothing if it has ended. */
  signal(signal: Deno.Signal): void {
    endProcess(this.#child, signal);
  }

  /** Sends `signal` and waits for its end; kills it after `graceMs`. */
  async stop(signal: Deno.Signal, graceMs = PATIENCE_MS): Promise<Deno.CommandStatus> {
    this.signal(signal);
    const late = setTimeout(() => this.signal("SIGKILL"), graceMs);
    const status = await this.#child.status;
    clearTimeout(late);
    return status;
  }

  /** Kills it and waits until all its output is read. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGKILL");
    await this.#child.status;
    await this.endInput();
    await this.#done;
  }

  /** The command line, for error messages. */
  toString(): string {
    return describe(this.#line);
  }
}

/** Calls `probe` every `intervalMs` until it does not throw. After `timeoutMs`, rejects with its last error. */
export async function eventually<T>(
  probe: () => Promise<T> | T,
  options: { readonly timeoutMs?: number; readonly intervalMs?: number } = {},
): Promise<T> {
  const deadline = performance.now() + (options.timeoutMs ?? PATIENCE_MS);
  while (true) {
    try {
      return await probe();
    } catch (error) {
      if (performance.now() >= deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, options.intervalMs ?? 250));
  }
}

function commandOptions(line: CommandLine): Deno.CommandOptions {
  return {
    args: [...line.args],
    stdout: "piped",
    stderr: "piped",
    ...(line.environment === undefined ? {} : { env: line.environment }),
    ...(line.directory === undefined ? {} : { cwd: line.directory }),
  };
}

function describe(line: CommandLine): string {
  return [line.program, ...line.args].join(" ").slice(0, 300);
}

function endProcess(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    // The process has already ended.
    if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function writeAll(stream: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stream.getWriter();
  // A program may end before it has read all input. Its exit status then says more than EPIPE.
  await writer.write(new TextEncoder().encode(text)).catch(() => {});
  await writer.close().catch(() => {});
}

async function readLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  log: EventLog<string>,
): Promise<void> {
  const lines = stream.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
  for await (const line of lines) log.push(line);
}
