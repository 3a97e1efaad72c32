/**
 * Files, processes and the shell of this host on Deno, for checks and actions. Needs `--allow-read`
 * (a check may name any path) and `--allow-run=/bin/sh`; a method that lacks its permission rejects
 * with a `HostError` that names the permission.
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

/** The host that this program runs on. */
export class DenoHost implements Host {
  readonly #processes = new ProcessLister();

  /**
   * The kind of the file at `path`, symbolic links followed; `undefined` if it does not exist.
   * Rejects with `HostError`.
   */
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

  /** Opens a file for reading; `undefined` if it does not exist. Rejects with `HostError`. */
  async openFile(path: string): Promise<OpenFile | undefined> {
    try {
      return new DenoFile(await Deno.open(path), path);
    } catch (error) {
      if (isMissing(error)) return undefined;
      if (isGuarded(error)) return await openFileThroughShell(path);
      throw hostError(path, error);
    }
  }

  /**
   * Lists the processes of the host, except the shells that gossipcheck started. Rejects with
   * `HostError`.
   */
  async processes(signal?: AbortSignal): Promise<readonly ProcessEntry[]> {
    const processes = await this.#processes.list();
    if (signal?.aborted) throw new HostError("listing processes was aborted");
    return processes;
  }

  /** Runs `/bin/sh -c command` in its own process group; see `runAction`. */
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

/** Whether a path does not exist, or a parent of it is not a directory. */
function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}

/** Whether Deno refuses a path in spite of `--allow-read`: /proc, /sys and most of /dev. */
function isGuarded(error: unknown): boolean {
  return error instanceof Deno.errors.NotCapable &&
    Deno.permissions.querySync({ name: "read" }).state === "granted";
}

function hostError(path: string, cause: unknown): HostError {
  if (cause instanceof Deno.errors.NotCapable) {
    return new HostError(`${path} cannot be read: grant --allow-read`, { cause });
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return new HostError(`${path} cannot be read: permission denied`, { cause });
  }
  const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
  return new HostError(`${path} cannot be read: ${reason}`, { cause });
}
