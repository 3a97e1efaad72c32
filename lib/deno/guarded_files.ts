/**
 * Reads files under /proc, /sys and /dev through a helper script of `/bin/sh`: Deno refuses these
 * paths to programs without `--allow-all`. A path through /proc/self refers to the helper process.
 * @module
 */
import { HostError } from "../errors.ts";
import type { FileKind, OpenFile } from "../runtime.ts";
import { killQuietly, runHelper, spawnHelper } from "./shell.ts";

/** Exit statuses of `KIND_SCRIPT`, chosen from those that a shell does not use itself. */
const KINDS: ReadonlyMap<number, FileKind | undefined> = new Map([
  [10, "file"],
  [11, "directory"],
  [12, "other"],
  [13, undefined],
]);

/**
 * A path does not exist only if its nearest existing parent can be searched; if not, it is unknown.
 */
const KIND_SCRIPT = `
  case $1 in /*) ;; *) set -- "$PWD/$1" ;; esac
  [ -f "$1" ] && exit 10
  [ -d "$1" ] && exit 11
  [ -e "$1" ] && exit 12
  part=$1
  until [ -e "\${part:-/}" ]; do part=\${part%/*}; done
  [ ! -d "\${part:-/}" ] || [ -x "\${part:-/}" ] && exit 13
  exit 14
`;

/**
 * The kind of the file at `path`, symbolic links followed; `undefined` if it does not exist.
 * Rejects with `HostError`.
 */
export async function fileKindThroughShell(path: string): Promise<FileKind | undefined> {
  const { code } = await runHelper(KIND_SCRIPT, { args: [path], outputLimitBytes: 1024 });
  if (KINDS.has(code)) return KINDS.get(code);
  throw new HostError(`${path} cannot be read: permission denied`);
}

/** Opens a file for reading; `undefined` if it does not exist. Rejects with `HostError`. */
export async function openFileThroughShell(path: string): Promise<OpenFile | undefined> {
  if (await fileKindThroughShell(path) === undefined) return undefined;
  return new PipedFile(spawnHelper('exec cat -- "$1"', [path]), path);
}

class PipedFile implements OpenFile {
  readonly #child: Deno.ChildProcess;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #path: string;
  #rest = new Uint8Array();

  constructor(child: Deno.ChildProcess, path: string) {
    this.#child = child;
    this.#reader = child.stdout.getReader();
    this.#path = path;
  }

  async read(buffer: Uint8Array): Promise<number | undefined> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#reader.read();
      if (!done) {
        this.#rest = value;
        continue;
      }
      const { success } = await this.#child.status;
      if (success) return undefined;
      throw new HostError(`${this.#path} cannot be read: permission denied or an I/O error`);
    }
    const count = Math.min(buffer.length, this.#rest.length);
    buffer.set(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  close(): void {
    // `cat` may wait for more of a file under /proc that never ends.
    killQuietly(this.#child);
    this.#reader.cancel().catch(() => {});
  }
}
