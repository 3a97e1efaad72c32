/**
 * Lists the processes of the host from Linux procfs. Deno refuses to read it without `--allow-all`;
 * then a helper script of `/bin/sh` reads it. The script works with GNU and BusyBox tools, and
 * starts a fixed number of processes.
 * @module
 */
import { indexOfNeedle } from "@std/bytes";
import { HostError } from "../errors.ts";
import type { ProcessEntry } from "../runtime.ts";
import { isOwnShell, runHelper } from "./shell.ts";

/** Maximum size of the list of all processes; Linux has no maximum. */
const LIST_MAX_BYTES = 64 * 1024 * 1024;

/**
 * Prints the parts of the list: the process ids, the links to their executables, then the command
 * line of each process. The command line of the helper itself, which ends with a nonce, separates
 * the parts: paths and command lines may contain any other text.
 */
const LIST_SCRIPT = `
  mark=/proc/$$/cmdline
  set -- /proc/[0-9]*/cmdline
  cat $mark
  echo "$@"
  cat $mark
  LC_ALL=C QUOTING_STYLE=literal ls -ln /proc/[0-9]*/exe 2>/dev/null
  cat $mark
  cat $(printf "%s $mark " "$@") 2>/dev/null
`;

/** Reads one link at a time: used if a line feed in a path makes the list of links ambiguous. */
function linksScript(pids: readonly number[]): string {
  return `
    cat /proc/$$/cmdline
    for pid in ${pids.join(" ")}; do
      readlink "/proc/$pid/exe"
      cat /proc/$$/cmdline
    done 2>/dev/null
  `;
}

/** Lists processes. Calls during a listing share the next listing. */
export class ProcessLister {
  #running: Promise<unknown> | undefined;
  #next: Promise<readonly ProcessEntry[]> | undefined;

  /**
   * Lists the processes that run after this call, except the shells that gossipcheck started.
   * Rejects with `HostError`.
   */
  list(): Promise<readonly ProcessEntry[]> {
    this.#next ??= this.#afterRunning();
    return this.#next;
  }

  async #afterRunning(): Promise<readonly ProcessEntry[]> {
    // Yields even if no listing runs, so that all checks of a batch share one listing.
    await this.#running;
    const listing = listProcesses();
    this.#running = listing.catch(() => {});
    this.#next = undefined;
    return await listing;
  }
}

async function listProcesses(): Promise<readonly ProcessEntry[]> {
  const found = await readDirectly() ?? await readThroughShell();
  return found.filter(({ commandLine }) => !isOwnShell(commandLine)).map(withoutOwnArguments);
}

/** Removes the arguments of this program, which may contain the text that a check searches for. */
function withoutOwnArguments(process: ProcessEntry): ProcessEntry {
  const ownArguments = Deno.args.map((argument) => ` ${argument}`).join("");
  if (process.pid !== Deno.pid || !process.commandLine.endsWith(ownArguments)) return process;
  const length = process.commandLine.length - ownArguments.length;
  return { ...process, commandLine: process.commandLine.slice(0, length) };
}

/** Reads procfs without a helper; `undefined` if Deno refuses. */
async function readDirectly(): Promise<ProcessEntry[] | undefined> {
  try {
    const pids: number[] = [];
    for await (const { name } of Deno.readDir("/proc")) {
      if (/^\d+$/.test(name)) pids.push(Number(name));
    }
    const found = await Promise.all(pids.map(readOneDirectly));
    return found.filter((process) => process !== undefined);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) return undefined;
    throw new HostError("/proc cannot be read; process_running needs Linux procfs", { cause });
  }
}

/** Reads one process; `undefined` if it has ended. */
async function readOneDirectly(pid: number): Promise<ProcessEntry | undefined> {
  try {
    const commandLine = await Deno.readFile(`/proc/${pid}/cmdline`);
    const executable = await Deno.readLink(`/proc/${pid}/exe`).catch((error) => {
      if (error instanceof Deno.errors.NotCapable) throw error;
      return undefined;
    });
    return entryOf({ pid, commandLine, executable });
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return undefined;
  }
}

async function readThroughShell(): Promise<ProcessEntry[]> {
  const { helperPid, parts } = await runMarked(LIST_SCRIPT);
  const [pidList, links, ...commandLines] = parts;
  const pids = [...decode(pidList).matchAll(/\/proc\/(\d+)\//g)].map((match) => Number(match[1]));
  const helperIndex = pids.indexOf(helperPid);
  if (helperIndex === -1) {
    throw new HostError("/proc lists no processes; process_running needs Linux procfs");
  }
  // The command line of the helper is itself a separator, so that it yields two parts.
  commandLines.splice(helperIndex, 2);
  pids.splice(helperIndex, 1);
  if (commandLines.length !== pids.length) {
    const counts = `${commandLines.length} of ${pids.length}`;
    throw new HostError(`the process list is incomplete: ${counts} command lines`);
  }
  const executables = readLinks(decode(links)) ?? await readLinksOneByOne(pids);
  return pids.map((pid, index) => {
    const commandLine = commandLines[index] ?? new Uint8Array();
    return entryOf({ pid, commandLine, executable: executables.get(pid) });
  });
}

/** Parses the output of `ls -ln`; `undefined` if it is ambiguous. */
function readLinks(text: string): Map<number, string | undefined> | undefined {
  const links = new Map<number, string | undefined>();
  for (const line of text.split("\n").slice(0, -1)) {
    const [, pid, executable] = line.match(/^l.*? \/proc\/(\d+)\/exe(?: -> (.*))?$/) ?? [];
    if (pid === undefined || links.has(Number(pid))) return undefined;
    links.set(Number(pid), executable);
  }
  return links;
}

async function readLinksOneByOne(pids: readonly number[]): Promise<Map<number, string>> {
  const { parts } = await runMarked(linksScript(pids));
  const links = new Map<number, string>();
  for (const [index, pid] of pids.entries()) {
    const link = decode(parts[index]);
    if (link !== "") links.set(pid, link.slice(0, -1));
  }
  return links;
}

/** Runs a script that prints a separator first and after each part, and splits its output. */
async function runMarked(script: string): Promise<{ helperPid: number; parts: Uint8Array[] }> {
  const nonce = crypto.randomUUID();
  const options = { args: [nonce], outputLimitBytes: LIST_MAX_BYTES };
  const { pid, stdout } = await runHelper(script, options);
  const endOfMark = new TextEncoder().encode(`${nonce}\0`);
  const firstEnd = indexOfNeedle(stdout, endOfMark);
  if (firstEnd === -1) {
    throw new HostError("/proc cannot be read; process_running needs Linux procfs");
  }
  const mark = stdout.subarray(0, firstEnd + endOfMark.length);
  const parts: Uint8Array[] = [];
  let start = mark.length;
  for (let next = start; (next = indexOfNeedle(stdout, mark, start)) !== -1;) {
    parts.push(stdout.subarray(start, next));
    start = next + mark.length;
  }
  return { helperPid: pid, parts };
}

function entryOf(
  { pid, commandLine, executable }: {
    pid: number;
    commandLine: Uint8Array;
    executable: string | undefined;
  },
): ProcessEntry {
  const text = decode(commandLine).replace(/\0+$/, "").replaceAll("\0", " ");
  return { pid, commandLine: text, ...(executable !== undefined && { executable }) };
}

function decode(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes);
}
