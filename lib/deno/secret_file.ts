/**
 * Files that hold a secret: read only where nobody else can read them, as ssh does.
 * @module
 */
import { UsageError } from "../errors.ts";

/** Bytes of a secret file that are read at most; every secret of ours is far smaller. */
const SECRET_FILE_MAX_BYTES = 64 * 1024;

/**
 * The text of a secret's file; `undefined` where there is none. Raises `UsageError` that names the
 * file where others may read or write it, where another user owns it, or where it cannot be read.
 */
export function readSecretFile(path: string): string | undefined {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw unreadable(path, error);
  }
  try {
    const { mode, uid, size, isFile } = file.statSync();
    const loose = (mode ?? 0) & 0o077;
    if (!isFile) throw new UsageError(`${path} is no regular file; expected a file with a secret`);
    if (loose !== 0) {
      const found = octal(mode);
      throw new UsageError(
        `${path} can be read or written by others (mode ${found}); make it yours alone: chmod 600 ${path}`,
      );
    }
    const self = Deno.uid();
    if (uid !== null && self !== null && uid !== self && uid !== 0) {
      throw new UsageError(`${path} belongs to another user (uid ${uid}); expected uid ${self}`);
    }
    if (size > SECRET_FILE_MAX_BYTES) {
      throw new UsageError(`${path} is too large for a secret (${size} bytes)`);
    }
    return readAll(file, size);
  } catch (error) {
    throw error instanceof UsageError ? error : unreadable(path, error);
  } finally {
    file.close();
  }
}

/** Makes a secret's file with mode 0600. Raises `UsageError` where it stands already or cannot be made. */
export function createSecretFile(path: string, text: string): void {
  try {
    using file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
    let rest = new TextEncoder().encode(text);
    while (rest.length > 0) rest = rest.subarray(file.writeSync(rest));
    file.syncSync();
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${path} cannot be made: ${text}`, { cause });
  }
}

function readAll(file: Deno.FsFile, size: number): string {
  const bytes = new Uint8Array(size);
  let filled = 0;
  while (filled < size) {
    const count = file.readSync(bytes.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return new TextDecoder().decode(bytes.subarray(0, filled));
}

function unreadable(path: string, cause: unknown): UsageError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new UsageError(`${path} cannot be read: ${text}`, { cause });
}

function octal(mode: number | null): string {
  return `0${((mode ?? 0) & 0o777).toString(8)}`;
}
