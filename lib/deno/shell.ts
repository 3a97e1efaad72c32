/**
 * `/bin/sh` on Deno: actions, and the small helpers that look and act where Deno itself may not.
 * Needs `--allow-run=/bin/sh` and nothing else.
 * @module
 */
import { HostError } from "../errors.ts";
import type { ShellOptions, ShellResult } from "../runtime.ts";
import { BoundedOutput } from "./bounded_output.ts";

/** The only program that is ever started. */
const SHELL = "/bin/sh";
/** One pipe for both outputs, so that they arrive in the order in which they were written. */
const ACTION_SCRIPT = 'exec 2>&1; eval "$1"';
/** What an action's shell is called, in its own error messages and in process lists. */
const ACTION_NAME = "gossipcheck-action";
/** A helper's script comes in its environment, so that its command line stays short. */
const HELPER_SCRIPT = 'eval "$GOSSIPCHECK_HELPER"';
/** What a helper's shell is called. */
const HELPER_NAME = "gossipcheck-helper";
/** How long a process group has between SIGTERM and SIGKILL. */
const TERM_GRACE_MS = 2_000;
/** How long after SIGKILL to wait for a shell that the kernel does not let go of. */
const KILL_GRACE_MS = 5_000;
/** How long output is still read after the shell ended, where a background process keeps it open. */
const DRAIN_MS = 250;
/** No helper works longer. */
const HELPER_TIMEOUT_MS = 20_000;

/** What a helper wrote. */
export interface HelperOutput {
  /** Its process id. */
  readonly pid: number;
  /** Its standard output. */
  readonly stdout: Uint8Array<ArrayBuffer>;
  /** Its exit status. */
  readonly code: number;
}

/** A helper script and what it works on. */
export interface HelperOptions {
  /** `$1`, `$2`, …; seen by every user of the host. */
  readonly args?: readonly string[];
  /** More standard output than this is an error. */
  readonly outputLimitBytes: number;
}

/**
 * Runs `/bin/sh -c command` in a process group of its own and waits for the shell. Children that it
 * left in the background live on, their output to the shell's pipe unread: one that goes on writing
 * there gets SIGPIPE, as any daemon that was not given files of its own. After `timeoutMs` or the
 * signal's abort the whole group gets SIGTERM, and SIGKILL 2 s later or once nobody holds the pipe.
 * Rejects with `HostError` where the shell cannot be started.
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
 * Runs a script of our own, handed over in the environment so that its command line stays short.
 * Rejects with `HostError` where it cannot be started, takes over 20 s or writes too much.
 */
export async function runHelper(script: string, options: HelperOptions): Promise<HelperOutput> {
  const child = spawnHelper(script, options.args ?? []);
  const output = new BoundedOutput(child.stdout, { limitBytes: options.outputLimitBytes });
  try {
    const done = Promise.all([child.status, output.ended]);
    if (!await settledWithin(done, HELPER_TIMEOUT_MS)) {
      killQuietly(child);
      throw new HostError(`a helper of ${SHELL} took over ${HELPER_TIMEOUT_MS / 1_000} s`);
    }
    const { code } = await child.status;
    if (output.droppedBytes > 0) {
      throw new HostError(`a helper of ${SHELL} wrote over ${options.outputLimitBytes} bytes`);
    }
    return { pid: child.pid, stdout: output.bytes(), code };
  } finally {
    await output.close();
  }
}

/** Starts a script of our own, its output to be read by the caller. Raises `HostError`. */
export function spawnHelper(script: string, args: readonly string[]): Deno.ChildProcess {
  return spawn({
    args: ["-c", HELPER_SCRIPT, HELPER_NAME, ...args],
    env: { GOSSIPCHECK_HELPER: script },
    detached: false,
  });
}

/**
 * Whether a command line is that of a shell started here, by this or another daemon of the host, or
 * of a subshell of one. Their arguments name what a check looks for and must not be found by it.
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

/** `Deno.kill(-pid)` would need leave to run every program, so another shell does it. */
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
    // No process can be started any more: at least the shell itself ends.
    killQuietly(child);
  }
}

/** Ends one process at once, where it has not ended yet. */
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

/** Whether the promise settled in time. Its rejection is the caller's to see elsewhere. */
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
