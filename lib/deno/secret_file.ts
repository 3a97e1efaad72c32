/**
 * Files that hold a secret, read only where nobody else can read them, as ssh does; and files that
 * decide what may run here, read only where nobody else can write them.
 * @module
 */
import { UsageError } from "../errors.ts";
import { writeAll } from "./write_all.ts";

/** Bytes of a secret file that are read at most; every secret of ours is far smaller. */
const SECRET_FILE_MAX_BYTES = 64 * 1024;
/** Bytes of a file of rules that are read at most: thousands of commands or keys. */
const RULES_FILE_MAX_BYTES = 1024 * 1024;
/** What others may do with a secret: nothing. */
const SECRET_LOOSE_BITS = 0o077;
/** What others may not do with rules: write. */
const RULES_LOOSE_BITS = 0o022;

/** What a file may be, to be read. */
interface Demands {
  readonly looseBits: number;
  /** Said of a file that has one of them. */
  readonly looseText: string;
  /** A shell command that takes them away. */
  readonly remedy: string;
  readonly maxBytes: number;
  /** Whether the superuser may read what belongs to another. */
  readonly rootReadsAll: boolean;
}

/**
 * The text of a secret's file; `undefined` where there is none. Raises `UsageError` that names the
 * file where others may read or write it, where another user owns it, or where it cannot be read.
 * With `rootReadsAll`, root may read another user's: what it does with it is on behalf of that user.
 */
export function readSecretFile(
  path: string,
  options: { rootReadsAll?: boolean } = {},
): string | undefined {
  return readFile(path, {
    looseBits: SECRET_LOOSE_BITS,
    looseText: "can be read or written by others",
    remedy: "make it yours alone: chmod 600",
    maxBytes: SECRET_FILE_MAX_BYTES,
    rootReadsAll: options.rootReadsAll ?? false,
  });
}

/**
 * The text of a file that says what may run here or who may order it. Raises `UsageError` that names
 * the file where it is missing, where others may write it, where another user than root owns it, or
 * where it cannot be read.
 */
export function readRulesFile(path: string): string {
  const text = readFile(path, {
    looseBits: RULES_LOOSE_BITS,
    looseText: "can be written by others",
    remedy: "keep them from it: chmod go-w",
    maxBytes: RULES_FILE_MAX_BYTES,
    rootReadsAll: false,
  });
  if (text === undefined) throw new UsageError(`${path} is not there`);
  return text;
}

/**
 * Makes a secret's file with mode 0600, whole or not at all. Raises `UsageError` where it stands
 * already or cannot be made.
 */
export function createSecretFile(path: string, text: string): void {
  // What is not written to its end has another name, so that a crash leaves no half secret.
  const unfinished = `${path}.new`;
  try {
    using file = Deno.openSync(unfinished, { write: true, createNew: true, mode: 0o600 });
    try {
      writeAll(file, text);
      file.syncSync();
      if (exists(path)) throw new Error("it is there already");
      Deno.renameSync(unfinished, path);
    } catch (error) {
      Deno.removeSync(unfinished);
      throw error;
    }
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${path} cannot be made: ${text}`, { cause });
  }
}

/** Takes away what `createSecretFile` left of this file when a crash interrupted it. */
export function removeUnfinishedSecretFile(path: string): void {
  try {
    Deno.removeSync(`${path}.new`);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return;
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${path}.new cannot be removed: ${text}`, { cause });
  }
}

function readFile(path: string, demands: Demands): string | undefined {
  let file: Deno.FsFile;
  try {
    // Opening a pipe would wait for whoever writes into it.
    judge(path, { info: Deno.statSync(path), demands });
    file = Deno.openSync(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error instanceof UsageError ? error : unreadable(path, error);
  }
  try {
    const info = file.statSync();
    judge(path, { info, demands });
    return readAll(file, info.size);
  } catch (error) {
    throw error instanceof UsageError ? error : unreadable(path, error);
  } finally {
    file.close();
  }
}

function judge(path: string, { info, demands }: { info: Deno.FileInfo; demands: Demands }): void {
  const { mode, uid, size, isFile } = info;
  if (!isFile) throw new UsageError(`${path} is no regular file; expected a file of text`);
  if (((mode ?? 0) & demands.looseBits) !== 0) {
    const found = octal(mode);
    throw new UsageError(`${path} ${demands.looseText} (mode ${found}); ${demands.remedy} ${path}`);
  }
  const self = Deno.uid();
  const isOwn = uid === null || self === null || uid === self || uid === 0;
  if (!isOwn && !(demands.rootReadsAll && self === 0)) {
    throw new UsageError(`${path} belongs to another user (uid ${uid}); expected uid ${self}`);
  }
  if (size > demands.maxBytes) {
    throw new UsageError(
      `${path} is too large (${size} bytes); expected at most ${demands.maxBytes}`,
    );
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
