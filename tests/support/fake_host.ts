/**
 * A fake host, whose files, processes and shell commands the test defines.
 * @module
 */
import { HostError } from "../../lib/errors.ts";
import type {
  FileKind,
  Host,
  OpenFile,
  ProcessEntry,
  ShellOptions,
  ShellResult,
} from "../../lib/runtime.ts";

/** A file at a path; a `denied` one can be examined but not opened. */
export type FakeFile = string | Uint8Array | { readonly kind: "directory" | "other" | "denied" };

/** A shell command that runs until the test ends it. */
export interface FakeShell {
  readonly command: string;
  /** The options that it was started with. */
  readonly options: ShellOptions;
  /** Ends the command. */
  end(result?: Partial<ShellResult>): void;
}

/** A fake host for unit tests. Aborted commands end as `aborted` without the test. */
export class FakeHost implements Host {
  /** The files, by path. */
  readonly files = new Map<string, FakeFile>();
  /** The result of `processes`. */
  readonly running: ProcessEntry[] = [];
  /** All commands that were started, in order. */
  readonly shells: FakeShell[] = [];
  /** Paths for which `fileKind` never returns. */
  readonly hanging = new Set<string>();
  /** Paths passed to `fileKind`, in order. */
  readonly asked: string[] = [];
  /** Number of open files. */
  openFiles = 0;
  /** Maximum number of bytes per read. */
  readBytes = 7;
  /** If set, starting a command fails with a `HostError` with this message. */
  shellRefusal: string | undefined;

  async fileKind(path: string): Promise<FileKind | undefined> {
    this.asked.push(path);
    if (this.hanging.has(path)) await new Promise(() => {});
    const file = this.files.get(path);
    if (file === undefined) return undefined;
    if (typeof file === "string" || file instanceof Uint8Array) return "file";
    return file.kind === "denied" ? "file" : file.kind;
  }

  /** Reads `readBytes` at a time. */
  openFile(path: string): Promise<OpenFile | undefined> {
    const file = this.files.get(path);
    if (file === undefined) return Promise.resolve(undefined);
    if (typeof file !== "string" && !(file instanceof Uint8Array)) {
      return Promise.reject(new HostError(`${path} cannot be read: permission denied`));
    }
    let rest = typeof file === "string" ? new TextEncoder().encode(file) : file;
    this.openFiles++;
    return Promise.resolve({
      read: (buffer) => {
        const count = Math.min(this.readBytes, buffer.length, rest.length);
        buffer.set(rest.subarray(0, count));
        rest = rest.subarray(count);
        return Promise.resolve(count === 0 ? undefined : count);
      },
      close: () => {
        this.openFiles--;
      },
    });
  }

  /** Returns the processes that the test defined. */
  processes(): Promise<readonly ProcessEntry[]> {
    return Promise.resolve(this.running);
  }

  /** Starts a command that runs until the test ends it. */
  runShell(command: string, options: ShellOptions): Promise<ShellResult> {
    if (this.shellRefusal !== undefined) return Promise.reject(new HostError(this.shellRefusal));
    const ended = Promise.withResolvers<ShellResult>();
    const end = (result: Partial<ShellResult> = {}) =>
      ended.resolve({ end: { type: "exited", code: 0 }, output: "", droppedBytes: 0, ...result });
    options.signal?.addEventListener("abort", () => end({ end: { type: "aborted" } }));
    this.shells.push({ command, options, end });
    return ended.promise;
  }
}
