/**
 * Replaces the contents of a secret file atomically.
 * @module
 */
import { dirname } from "@std/path";
import { HostError } from "../errors.ts";
import { writeAll } from "./write_all.ts";

/**
 * Replaces the contents of a secret file by `text`, with mode 0600, and returns when it is on the
 * disk. After a crash the file has either the old or the new contents. If the path is a symbolic
 * link, its target is replaced. Raises `HostError`; the file then has either the old or the new
 * contents.
 */
export function replaceSecretFile(path: string, text: string): void {
  try {
    const target = Deno.realPathSync(path);
    const unfinished = `${target}.new`;
    // A file that a crash left would keep its mode.
    removeIfExists(unfinished);
    try {
      writeNew(unfinished, text);
      Deno.renameSync(unfinished, target);
    } catch (error) {
      removeIfExists(unfinished);
      throw error;
    }
    // The rename is on the disk only after the directory is.
    using folder = Deno.openSync(dirname(target), { read: true });
    folder.syncSync();
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new HostError(`${path} cannot be written: ${text}`, { cause });
  }
}

function writeNew(path: string, text: string): void {
  using file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
  writeAll(file, text);
  file.syncSync();
}

function removeIfExists(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
