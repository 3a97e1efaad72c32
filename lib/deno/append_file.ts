/**
 * The audit log's file: append-only, readable by its owner alone, rotated by renaming.
 * @module
 */
import type { AppendFile } from "../runtime.ts";
import { HostError } from "../errors.ts";

/** A file opened with O_APPEND and mode 0600; `rotate` keeps `keep` older ones as PATH.1 to PATH.N. */
export class RotatingFile implements AppendFile {
  readonly #path: string;
  readonly #keep: number;
  readonly #encoder = new TextEncoder();
  #file: Deno.FsFile;

  /** Opens or makes the file. Raises `HostError`. */
  constructor(options: { path: string; keep: number }) {
    this.#path = options.path;
    this.#keep = options.keep;
    this.#file = this.#open();
  }

  /** Appends all of `line`. Raises `HostError`. */
  append(line: string): void {
    this.#guarded(() => {
      let rest = this.#encoder.encode(line);
      while (rest.length > 0) rest = rest.subarray(this.#file.writeSync(rest));
    });
  }

  /** Bytes in the file. Raises `HostError`. */
  size(): number {
    return this.#guarded(() => this.#file.statSync().size);
  }

  /** Moves PATH to PATH.1, that to PATH.2 and so on, and starts anew. Raises `HostError`. */
  rotate(): void {
    this.#guarded(() => {
      for (let number = this.#keep; number >= 1; number--) {
        const from = number === 1 ? this.#path : `${this.#path}.${number - 1}`;
        try {
          Deno.renameSync(from, `${this.#path}.${number}`);
        } catch (error) {
          if (!(error instanceof Deno.errors.NotFound)) throw error;
        }
      }
    });
    this.reopen();
  }

  /** Opens what stands at the path now. Raises `HostError`, with the old file still open. */
  reopen(): void {
    const next = this.#open();
    this.#file.close();
    this.#file = next;
  }

  /** Closes the file. */
  close(): void {
    this.#file.close();
  }

  #open(): Deno.FsFile {
    return this.#guarded(() =>
      Deno.openSync(this.#path, { append: true, create: true, mode: 0o600 })
    );
  }

  #guarded<T>(operation: () => T): T {
    try {
      return operation();
    } catch (cause) {
      const text = cause instanceof Error ? cause.message : String(cause);
      throw new HostError(`audit log ${this.#path}: ${text}`, { cause });
    }
  }
}
