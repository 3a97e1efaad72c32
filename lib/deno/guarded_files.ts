/**
 * Files under /proc, /sys and /dev. Deno keeps them from whoever has not been granted everything,
 * for what one may do by writing there; a check only reads, so a helper of `/bin/sh` does it. What
 * a path through /proc/self names there is the helper.
 * @module
 */
import { HostError } from "../errors.ts";
import type { FileKind, OpenFile } from "../runtime.ts";
import { killQuietly, runHelper, spawnHelper } from "./shell.ts";

/** Exit statuses of `KIND_SCRIPT`, past those that a shell uses itself. */
const KINDS: ReadonlyMap<number, FileKind | undefined> = new Map([
  [10, "file"],
  [11, "directory"],
  [12, "other"],
  [13, undefined],
]);

/** A path that is not seen is missing only where the nearest part of it that is there may be searched. */
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

/** What `path` names, links followed; `undefined` where nothing is there. Rejects with `HostError`. */
export async function fileKindThroughShell(path: string): Promise<FileKind | undefined> {
  const { code } = await runHelper(KIND_SCRIPT, { args: [path], outputLimitBytes: 1024 });
  if (KINDS.has(code)) return KINDS.get(code);
  throw new HostError(`${path} cannot be read: permission denied`);
}

/** Opens for reading; `undefined` where nothing is there. Rejects with `HostError`. */
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
    // Some files under /proc never end and keep `cat` waiting.
    killQuietly(this.#child);
    this.#reader.cancel().catch(() => {});
  }
}
