/**
 * The host's processes from Linux' procfs. Deno lets nobody short of `--allow-all` read there, so a
 * helper of `/bin/sh` reads it where Deno refuses; it works with GNU's and with BusyBox' tools, and
 * starts a handful of processes however many it lists.
 * @module
 */
import { indexOfNeedle } from "@std/bytes";
import { HostError } from "../errors.ts";
import type { ProcessEntry } from "../runtime.ts";
import { isOwnShell, runHelper } from "./shell.ts";

/** All command lines of a host together; Linux has no bound short of memory. */
const LIST_MAX_BYTES = 64 * 1024 * 1024;

/**
 * The helper's own command line ends in a nonce and so tells one part of the output from the next:
 * paths and command lines may hold any other text. Parts: the nonce alone, pids in order, links to
 * executables, then each pid's command line.
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

/** One executable at a time, where a line break in a path makes the list of them ambiguous. */
function linksScript(pids: readonly number[]): string {
  return `
    cat /proc/$$/cmdline
    for pid in ${pids.join(" ")}; do
      readlink "/proc/$pid/exe"
      cat /proc/$$/cmdline
    done 2>/dev/null
  `;
}

/** Lists processes; those who ask while a listing runs share the next one. */
export class ProcessLister {
  #running: Promise<unknown> | undefined;
  #next: Promise<readonly ProcessEntry[]> | undefined;

  /** All processes there are after this call, the shells started by gossipcheck left out. Rejects with `HostError`. */
  list(): Promise<readonly ProcessEntry[]> {
    this.#next ??= this.#afterRunning();
    return this.#next;
  }

  async #afterRunning(): Promise<readonly ProcessEntry[]> {
    // Waits even where nothing runs, so that all checks of a batch share one listing.
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

/** This program's own arguments (a tag, a file's name) may hold what a check looks for. */
function withoutOwnArguments(process: ProcessEntry): ProcessEntry {
  const ownArguments = Deno.args.map((argument) => ` ${argument}`).join("");
  if (process.pid !== Deno.pid || !process.commandLine.endsWith(ownArguments)) return process;
  const length = process.commandLine.length - ownArguments.length;
  return { ...process, commandLine: process.commandLine.slice(0, length) };
}

/** `undefined` where Deno does not let us. */
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

/** `undefined` where it has ended. */
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
  // The helper's own command line is a mark: it counts as one part more.
  commandLines.splice(helperIndex, 2);
  pids.splice(helperIndex, 1);
  if (commandLines.length !== pids.length) {
    const counts = `${commandLines.length} of ${pids.length}`;
    throw new HostError(`the process list is not whole: ${counts} command lines`);
  }
  const executables = readLinks(decode(links)) ?? await readLinksOneByOne(pids);
  return pids.map((pid, index) => {
    const commandLine = commandLines[index] ?? new Uint8Array();
    return entryOf({ pid, commandLine, executable: executables.get(pid) });
  });
}

/** What `ls -ln` wrote; `undefined` where it is ambiguous. */
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

/** Runs a script that starts with a mark and ends each part with one. */
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
