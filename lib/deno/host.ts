/**
 * Files, processes and the shell of this host on Deno, as checks see them. Needs `--allow-read`
 * (a check may name any path) and `--allow-run=/bin/sh`; without one of them, what would need it is
 * rejected with a `HostError` that names it.
 * @module
 */
import { HostError } from "../errors.ts";
import type {
  FileKind,
  Host,
  OpenFile,
  ProcessEntry,
  ShellOptions,
  ShellResult,
} from "../runtime.ts";
import { fileKindThroughShell, openFileThroughShell } from "./guarded_files.ts";
import { ProcessLister } from "./processes.ts";
import { runAction } from "./shell.ts";

/** This host. */
export class DenoHost implements Host {
  readonly #processes = new ProcessLister();

  /** What `path` names, links followed; `undefined` where nothing is there. Rejects with `HostError`. */
  async fileKind(path: string): Promise<FileKind | undefined> {
    try {
      const { isFile, isDirectory } = await Deno.stat(path);
      if (isFile) return "file";
      return isDirectory ? "directory" : "other";
    } catch (error) {
      if (isMissing(error)) return undefined;
      if (isGuarded(error)) return await fileKindThroughShell(path);
      throw hostError(path, error);
    }
  }

  /** Opens for reading; `undefined` where nothing is there. Rejects with `HostError`. */
  async openFile(path: string): Promise<OpenFile | undefined> {
    try {
      return new DenoFile(await Deno.open(path), path);
    } catch (error) {
      if (isMissing(error)) return undefined;
      if (isGuarded(error)) return await openFileThroughShell(path);
      throw hostError(path, error);
    }
  }

  /** All processes that can be seen, the shells that gossipcheck started left out. Rejects with `HostError`. */
  async processes(signal?: AbortSignal): Promise<readonly ProcessEntry[]> {
    const processes = await this.#processes.list();
    if (signal?.aborted) throw new HostError("the process list is not wanted any more");
    return processes;
  }

  /** Runs `command` by `/bin/sh` in a process group of its own; see `runAction`. */
  runShell(command: string, options: ShellOptions): Promise<ShellResult> {
    return runAction(command, options);
  }
}

class DenoFile implements OpenFile {
  readonly #file: Deno.FsFile;
  readonly #path: string;

  constructor(file: Deno.FsFile, path: string) {
    this.#file = file;
    this.#path = path;
  }

  async read(buffer: Uint8Array): Promise<number | undefined> {
    try {
      return await this.#file.read(buffer) ?? undefined;
    } catch (error) {
      throw hostError(this.#path, error);
    }
  }

  close(): void {
    this.#file.close();
  }
}

/** Also where a part of the path is a file and not a directory. */
function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}

/** Whether Deno refuses a path although it may read everything: /proc, /sys and most of /dev. */
function isGuarded(error: unknown): boolean {
  return error instanceof Deno.errors.NotCapable &&
    Deno.permissions.querySync({ name: "read" }).state === "granted";
}

function hostError(path: string, cause: unknown): HostError {
  if (cause instanceof Deno.errors.NotCapable) {
    return new HostError(`${path} may not be read (grant --allow-read)`, { cause });
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return new HostError(`${path} cannot be read: permission denied`, { cause });
  }
  const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
  return new HostError(`${path} cannot be read: ${reason}`, { cause });
}
