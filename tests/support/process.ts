/**
 * Programs that a test starts: their lines as events, and an end that never fails to come.
 * @module
 */
import { TextLineStream } from "@std/streams/text-line-stream";
import { EventLog } from "./process_events.ts";

/** A program and its arguments. */
export interface CommandLine {
  /** Path or name of the program. */
  readonly program: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Added to the environment that it inherits. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Its working directory; that of the test by default. */
  readonly directory?: string;
}

/** How a program that was run to its end came out. */
export interface CommandResult {
  /** Exit status; 128 plus the number where a signal ended it. */
  readonly code: number;
  /** Standard output. */
  readonly stdout: string;
  /** Standard error. */
  readonly stderr: string;
}

/** Runs a program to its end, `input` on its stdin, killed after `timeoutMs`. */
export async function runCommand(
  line: CommandLine,
  options: { readonly input?: string; readonly timeoutMs?: number } = {},
): Promise<CommandResult> {
  const deadline = AbortSignal.timeout(options.timeoutMs ?? 60_000);
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

/** As `runCommand`, but any exit status other than 0 is an error. Returns stdout. */
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

/** A running program whose output is read line by line. Disposing of it kills it. */
export class TestProcess implements AsyncDisposable {
  readonly #line: CommandLine;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #done: Promise<unknown>;
  /** Its standard output, a line an entry. */
  readonly stdout: EventLog<string> = new EventLog<string>();
  /** Its standard error, a line an entry. */
  readonly stderr: EventLog<string> = new EventLog<string>();

  /** Starts it. */
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

  /** Its process id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** How it ends. */
  get status(): Promise<Deno.CommandStatus> {
    return this.#child.status;
  }

  /** Writes one line to its stdin. */
  async writeLine(text: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(text + "\n"));
  }

  /** Closes its stdin. */
  async endInput(): Promise<void> {
    await this.#input.close().catch(() => {});
  }

  /** Sends it a signal; one that has ended is left alone. */
  signal(signal: Deno.Signal): void {
    endProcess(this.#child, signal);
  }

  /** Sends `signal` and waits for its end; kills it where that takes longer than `graceMs`. */
  async stop(signal: Deno.Signal, graceMs = 15_000): Promise<Deno.CommandStatus> {
    this.signal(signal);
    const late = setTimeout(() => this.signal("SIGKILL"), graceMs);
    const status = await this.#child.status;
    clearTimeout(late);
    return status;
  }

  /** Kills it and waits until nothing of it is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGKILL");
    await this.#child.status;
    await this.endInput();
    await this.#done;
  }

  /** The command line, for messages. */
  toString(): string {
    return describe(this.#line);
  }
}

/** Calls `probe` every `intervalMs` until it does not throw; its last error after `timeoutMs`. */
export async function eventually<T>(
  probe: () => Promise<T> | T,
  options: { readonly timeoutMs: number; readonly intervalMs?: number },
): Promise<T> {
  const deadline = performance.now() + options.timeoutMs;
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
    // It has ended already.
    if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function writeAll(stream: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stream.getWriter();
  // A program may end without reading all of it; its exit status then tells more than EPIPE does.
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
