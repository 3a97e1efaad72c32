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

  /** Appends all of `line` or nothing. Raises `HostError`. */
  append(line: string): void {
    this.#guarded(() => {
      const bytes = this.#encoder.encode(line);
      let written = 0;
      try {
        while (written < bytes.length) written += this.#file.writeSync(bytes.subarray(written));
      } catch (error) {
        // A full disk takes the start of a line; the next line must not stand behind it.
        if (written > 0) this.#file.truncateSync(this.#file.statSync().size - written);
        throw error;
      }
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
    return this.#guarded(() => {
      const options = { read: true, append: true, create: true, mode: 0o600 };
      const file = Deno.openSync(this.#path, options);
      try {
        // A crash of the machine may have cut off a line's end: what follows starts a line of its own.
        if (!endsLine(file)) file.writeSync(this.#encoder.encode("\n"));
        return file;
      } catch (error) {
        file.close();
        throw error;
      }
    });
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

function endsLine(file: Deno.FsFile): boolean {
  const { size } = file.statSync();
  if (size === 0) return true;
  const last = new Uint8Array(1);
  file.seekSync(size - 1, Deno.SeekMode.Start);
  file.readSync(last);
  return last[0] === 0x0a;
}
