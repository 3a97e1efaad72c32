/**
 * Runs `/bin/sh`: for actions, and for helper scripts that do what Deno's own permissions do not
 * allow. Needs `--allow-run=/bin/sh`.
 * @module
 */
import { HostError } from "../errors.ts";
import type { ShellOptions, ShellResult } from "../runtime.ts";
import { BoundedOutput } from "./bounded_output.ts";

/** The only program that gossipcheck starts. */
const SHELL = "/bin/sh";
/** Redirects stderr to the pipe of stdout, so that the order of the output is kept. */
const ACTION_SCRIPT = 'exec 2>&1; eval "$1"';
/** `$0` of the shell of an action, in its error messages and in process lists. */
const ACTION_NAME = "gossipcheck-action";
/** Runs a helper script from the environment, so that the command line is short. */
const HELPER_SCRIPT = 'eval "$GOSSIPCHECK_HELPER"';
/** `$0` of the shell of a helper. */
const HELPER_NAME = "gossipcheck-helper";
/** Time between SIGTERM and SIGKILL for a process group. */
const TERM_GRACE_MS = 2_000;
/** Maximum wait for the end of the shell after SIGKILL, which the kernel may delay. */
const KILL_GRACE_MS = 5_000;
/**
 * How long output is read after the shell has ended, if a background process keeps the pipe open.
 */
const DRAIN_MS = 250;
/** Timeout of a helper. */
const HELPER_TIMEOUT_MS = 20_000;

/** Result of a helper script. */
export interface HelperOutput {
  readonly pid: number;
  readonly stdout: Uint8Array<ArrayBuffer>;
  /** Exit status. */
  readonly code: number;
}

/** Options of a helper script. */
export interface HelperOptions {
  /** `$1`, `$2`, …; every user of the host can see them. */
  readonly args?: readonly string[];
  /** Maximum length of stdout. */
  readonly outputLimitBytes: number;
}

/**
 * Runs `/bin/sh -c command` in its own process group and waits until the shell ends. Processes that
 * it left in the background continue; their output is not read any more, so that they get SIGPIPE
 * if they write to it. After `timeoutMs`, or if `signal` aborts, the process group gets SIGTERM,
 * and SIGKILL 2 s later or as soon as the shell and all writers of the pipe have ended. Rejects
 * with `HostError` if the shell cannot be started.
 */
export async function runAction(command: string, options: ShellOptions): Promise<ShellResult> {
  const { signal } = options;
  if (signal?.aborted) return { end: { type: "aborted" }, output: "", droppedBytes: 0 };
  const child = spawn({
    args: ["-c", ACTION_SCRIPT, ACTION_NAME, command],
    env: options.environment,
    detached: true,
  });
  const output = new BoundedOutput(child.stdout, { limitBytes: options.outputLimitBytes });
  const stop = Promise.withResolvers<"timed_out" | "aborted">();
  const timer = setTimeout(() => stop.resolve("timed_out"), options.timeoutMs);
  const onAbort = () => stop.resolve("aborted");
  signal?.addEventListener("abort", onAbort);
  try {
    const first = await Promise.race([child.status, stop.promise]);
    if (typeof first === "string") await endGroup(child, output);
    else await settledWithin(output.ended, DRAIN_MS);
    const end = typeof first === "string" ? { type: first } : endOf(first);
    const text = new TextDecoder().decode(output.bytes());
    return { end, output: text, droppedBytes: output.droppedBytes };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
    await output.close();
  }
}

/**
 * Runs a helper script and resolves with its output. Rejects with `HostError` if it cannot be
 * started, takes over 20 s or writes more than `outputLimitBytes`.
 */
export async function runHelper(script: string, options: HelperOptions): Promise<HelperOutput> {
  const child = spawnHelper(script, options.args ?? []);
  const output = new BoundedOutput(child.stdout, { limitBytes: options.outputLimitBytes });
  try {
    const done = Promise.all([child.status, output.ended]);
    if (!await settledWithin(done, HELPER_TIMEOUT_MS)) {
      killQuietly(child);
      throw new HostError(
        `a helper script of ${SHELL} timed out after ${HELPER_TIMEOUT_MS / 1_000} s`,
      );
    }
    const { code } = await child.status;
    if (output.droppedBytes > 0) {
      throw new HostError(
        `a helper script of ${SHELL} wrote over ${options.outputLimitBytes} bytes`,
      );
    }
    return { pid: child.pid, stdout: output.bytes(), code };
  } finally {
    await output.close();
  }
}

/** Starts a helper script; the caller must read its output. Raises `HostError`. */
export function spawnHelper(script: string, args: readonly string[]): Deno.ChildProcess {
  return spawn({
    args: ["-c", HELPER_SCRIPT, HELPER_NAME, ...args],
    env: { GOSSIPCHECK_HELPER: script },
    detached: false,
  });
}

/**
 * Whether a command line is that of a shell that a gossipcheck program started (this one or
 * another), or of a subshell of it. Its arguments may contain the text that a check searches for.
 */
export function isOwnShell(commandLine: string): boolean {
  return commandLine.startsWith(`${SHELL} -c ${ACTION_SCRIPT} ${ACTION_NAME} `) ||
    commandLine.startsWith(`${SHELL} -c ${HELPER_SCRIPT} ${HELPER_NAME}`);
}

function spawn(
  { args, env, detached }: {
    args: string[];
    env: Readonly<Record<string, string>>;
    detached: boolean;
  },
): Deno.ChildProcess {
  try {
    const stdio = { stdin: "null", stdout: "piped", stderr: "null" } as const;
    return new Deno.Command(SHELL, { args, env, detached, ...stdio }).spawn();
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const advice = cause instanceof Deno.errors.NotCapable ? " (grant --allow-run=/bin/sh)" : "";
    const message = cause.message.split("\n")[0];
    throw new HostError(`${SHELL} cannot be started: ${message}${advice}`, { cause });
  }
}

/**
 * Kills the process group of an action. A helper script does it, since `Deno.kill(-pid)` needs
 * permission to run all programs.
 */
async function endGroup(child: Deno.ChildProcess, output: BoundedOutput): Promise<void> {
  await signalGroup(child, "TERM");
  await settledWithin(Promise.all([child.status, output.ended]), TERM_GRACE_MS);
  await signalGroup(child, "KILL");
  await settledWithin(child.status, KILL_GRACE_MS);
  await settledWithin(output.ended, DRAIN_MS);
}

async function signalGroup(child: Deno.ChildProcess, signal: "TERM" | "KILL"): Promise<void> {
  try {
    const args = [signal, String(child.pid)];
    await runHelper('kill -s "$1" -- "-$2"', { args, outputLimitBytes: 1024 });
  } catch {
    // No helper can be started: at least the shell itself is killed.
    killQuietly(child);
  }
}

/** Kills one process with SIGKILL, if it has not ended yet. */
export function killQuietly(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended already.
  }
}

function endOf({ code, signal }: Deno.CommandStatus): ShellResult["end"] {
  return signal === null ? { type: "exited", code } : { type: "signaled", signal };
}

/** Whether the promise settled within `timeoutMs`. Ignores a rejection. */
async function settledWithin(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), timeoutMs);
  const settled = promise.then(() => true, () => true);
  try {
    return await Promise.race([settled, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
