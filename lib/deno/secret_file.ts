/**
 * Reads and creates secret files (tokens, keys), and reads files with rules (trusted keys, allowed
 * commands). As ssh does, it refuses a secret file that other users can read or write, and a file
 * with rules that other users can write.
 * @module
 */
import { UsageError } from "../errors.ts";
import { writeAll } from "./write_all.ts";

/** Maximum size of a secret file. */
const SECRET_FILE_MAX_BYTES = 64 * 1024;
/** Maximum size of a file with rules: thousands of commands or keys. */
const RULES_FILE_MAX_BYTES = 1024 * 1024;
/** Mode bits that a secret file must not have: any permission of other users. */
const SECRET_FORBIDDEN_BITS = 0o077;
/** Mode bits that a file with rules must not have: write permission of other users. */
const RULES_FORBIDDEN_BITS = 0o022;

/** Requirements that a file must meet. */
interface Requirements {
  readonly forbiddenBits: number;
  /** Describes a file that has a forbidden mode bit, for the error message. */
  readonly violation: string;
  /** Shell command that removes the forbidden mode bits. */
  readonly remedy: string;
  readonly maxBytes: number;
  /** Whether root may read a file of another user. */
  readonly rootReadsAll: boolean;
}

/**
 * Reads a secret file; `undefined` if it does not exist. Raises `UsageError` that names the file if
 * other users can read or write it, if another user owns it, or if it cannot be read. With
 * `rootReadsAll`, root may also read a secret file of another user.
 */
export function readSecretFile(
  path: string,
  options: { rootReadsAll?: boolean } = {},
): string | undefined {
  return readFile(path, {
    forbiddenBits: SECRET_FORBIDDEN_BITS,
    violation: "can be read or written by others",
    remedy: "chmod 600",
    maxBytes: SECRET_FILE_MAX_BYTES,
    rootReadsAll: options.rootReadsAll ?? false,
  });
}

/**
 * Reads a file with rules: what may run on this node, or whose signatures it trusts. Raises
 * `UsageError` that names the file if it does not exist, if other users can write it, if a user
 * other than this one and root owns it, or if it cannot be read.
 */
export function readRulesFile(path: string): string {
  const text = readFile(path, {
    forbiddenBits: RULES_FORBIDDEN_BITS,
    violation: "can be written by others",
    remedy: "chmod go-w",
    maxBytes: RULES_FILE_MAX_BYTES,
    rootReadsAll: false,
  });
  if (text === undefined) throw new UsageError(`${path} does not exist`);
  return text;
}

/**
 * Creates a secret file with mode 0600, atomically. Raises `UsageError` if it exists already or
 * cannot be created.
 */
export function createSecretFile(path: string, text: string): void {
  // A temporary name until all is written, so that a crash leaves no partial secret.
  const unfinished = `${path}.new`;
  try {
    using file = Deno.openSync(unfinished, { write: true, createNew: true, mode: 0o600 });
    try {
      writeAll(file, text);
      file.syncSync();
      if (exists(path)) throw new Error("it exists already");
      Deno.renameSync(unfinished, path);
    } catch (error) {
      Deno.removeSync(unfinished);
      throw error;
    }
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${path} cannot be created: ${text}`, { cause });
  }
}

/** Removes the temporary file of a `createSecretFile` that a crash interrupted. */
export function removeUnfinishedSecretFile(path: string): void {
  try {
    Deno.removeSync(`${path}.new`);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return;
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${path}.new cannot be removed: ${text}`, { cause });
  }
}

function readFile(path: string, requirements: Requirements): string | undefined {
  let file: Deno.FsFile;
  try {
    // Checked before the open, which for a FIFO would wait for a writer.
    checkFile(path, { info: Deno.statSync(path), requirements });
    file = Deno.openSync(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error instanceof UsageError ? error : unreadable(path, error);
  }
  try {
    const info = file.statSync();
    checkFile(path, { info, requirements });
    return readAll(file, info.size);
  } catch (error) {
    throw error instanceof UsageError ? error : unreadable(path, error);
  } finally {
    file.close();
  }
}

function checkFile(
  path: string,
  { info, requirements }: { info: Deno.FileInfo; requirements: Requirements },
): void {
  const { mode, uid, size, isFile } = info;
  if (!isFile) throw new UsageError(`${path} is not a regular file; expected a text file`);
  if (((mode ?? 0) & requirements.forbiddenBits) !== 0) {
    const { violation, remedy } = requirements;
    throw new UsageError(`${path} ${violation} (mode ${octal(mode)}); run: ${remedy} ${path}`);
  }
  const self = Deno.uid();
  const isOwn = uid === null || self === null || uid === self || uid === 0;
  if (!isOwn && !(requirements.rootReadsAll && self === 0)) {
    throw new UsageError(`${path} belongs to another user (uid ${uid}); expected uid ${self}`);
  }
  if (size > requirements.maxBytes) {
    throw new UsageError(`${path} is ${size} bytes long; maximum ${requirements.maxBytes}`);
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

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function unreadable(path: string, cause: unknown): UsageError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new UsageError(`${path} cannot be read: ${text}`, { cause });
}

function octal(mode: number | null): string {
  return `0${((mode ?? 0) & 0o777).toString(8)}`;
}
