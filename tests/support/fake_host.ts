/**
 * A made-up host: files, processes and shell commands as the test says.
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

/** What is at a path; `denied` may be seen and not opened. */
export type FakeFile = string | Uint8Array | { readonly kind: "directory" | "other" | "denied" };

/** A shell command that was started and waits for the test to end it. */
export interface FakeShell {
  /** The command. */
  readonly command: string;
  /** What it was started with. */
  readonly options: ShellOptions;
  /** Ends it. */
  end(result?: Partial<ShellResult>): void;
}

/** A host for unit tests. Aborted commands end as `aborted` by themselves. */
export class FakeHost implements Host {
  /** What is where. */
  readonly files = new Map<string, FakeFile>();
  /** What `processes` gives. */
  readonly running: ProcessEntry[] = [];
  /** All commands that were started, in order. */
  readonly shells: FakeShell[] = [];
  /** Paths that `fileKind` never answers for. */
  readonly hanging = new Set<string>();
  /** Paths asked for by `fileKind`, in order. */
  readonly asked: string[] = [];
  /** How many files are open. */
  openFiles = 0;
  /** The most that one read gives. */
  readBytes = 7;
  /** Set where no command may be started: the `HostError`'s message. */
  shellRefusal: string | undefined;

  /** What the test put there. */
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

  /** What the test put there. */
  processes(): Promise<readonly ProcessEntry[]> {
    return Promise.resolve(this.running);
  }

  /** Waits for the test to end it. */
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
