/**
 * A secret's file that gets another content while programs rely on it.
 * @module
 */
import { dirname } from "@std/path";
import { HostError } from "../errors.ts";
import { writeAll } from "./write_all.ts";

/**
 * Puts `text` in the place of what a secret's file holds, with mode 0600, and returns when it is on
 * the disk: after a crash the file holds one or the other, whole. Where the path is a link, the file
 * behind it is replaced. Raises `HostError`; the file is then as it was, or whole and new.
 */
export function replaceSecretFile(path: string, text: string): void {
  try {
    const target = Deno.realPathSync(path);
    const unfinished = `${target}.new`;
    // What a crash left would keep its own mode, whatever that is.
    removeWhereThere(unfinished);
    try {
      writeNew(unfinished, text);
      Deno.renameSync(unfinished, target);
    } catch (error) {
      removeWhereThere(unfinished);
      throw error;
    }
    // The new name is on the disk only once its folder is.
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

function removeWhereThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
