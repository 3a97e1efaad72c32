/**
 * The file of the audit log: append-only, mode 0600, rotated by renaming.
 * @module
 */
import type { AppendFile } from "../runtime.ts";
import { HostError } from "../errors.ts";

/**
 * An append-only file (`O_APPEND`, mode 0600). `rotate` keeps the `keep` newest older files, as
 * PATH.1 to PATH.N.
 */
export class RotatingFile implements AppendFile {
  readonly #path: string;
  readonly #keep: number;
  readonly #encoder = new TextEncoder();
  #file: Deno.FsFile;

  /** Opens the file, and creates it if it does not exist. Raises `HostError`. */
  constructor(options: { path: string; keep: number }) {
    this.#path = options.path;
    this.#keep = options.keep;
    this.#file = this.#open();
  }

  /** Appends `line` completely or not at all. Raises `HostError`. */
  append(line: string): void {
    this.#guarded(() => {
      const bytes = this.#encoder.encode(line);
      let written = 0;
      try {
        while (written < bytes.length) written += this.#file.writeSync(bytes.subarray(written));
      } catch (error) {
        // A full disk may accept a part of the line, which is removed again.
        if (written > 0) this.#file.truncateSync(this.#file.statSync().size - written);
        throw error;
      }
    });
  }

  /** Size of the file in bytes. Raises `HostError`. */
  size(): number {
    return this.#guarded(() => this.#file.statSync().size);
  }

  /**
   * Renames PATH to PATH.1, PATH.1 to PATH.2 and so on, and creates a new PATH. Raises `HostError`.
   */
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

  /**
   * Opens the file that is at the path now. Raises `HostError`; the old file is then still open.
   */
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
        // After a crash the last line may be incomplete; the next line must start on its own line.
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
