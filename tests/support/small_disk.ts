/**
 * Folders that only one daemon sees as it does: on a disk of their own, or on one that is read only.
 * They are mounts in a mount namespace, which ends with the daemon.
 * @module
 */
import { join } from "@std/path";
import type { CommandLine } from "./process.ts";

/** Whether this user can make a mount namespace. */
export function canMount(): boolean {
  try {
    return new Deno.Command("unshare", {
      args: ["--mount", "true"],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Wraps a command line so that it sees `folder` on an empty disk of `bytes`. */
export function onSmallDisk(folder: string, bytes: number): (line: CommandLine) => CommandLine {
  return inMounts(`mount -t tmpfs -o size=${bytes},mode=700 none '${folder}'`);
}

/** Wraps a command line so that it sees `folder` read only. */
export function onReadOnlyDisk(folder: string): (line: CommandLine) => CommandLine {
  return inMounts(`mount --bind '${folder}' '${folder}' && mount -o remount,ro,bind '${folder}'`);
}

/** Fills the disk that the process `pid` sees at `folder`; the result gives the room back. */
export function fillDisk(pid: number, folder: string): () => void {
  const path = join(`/proc/${pid}/root`, folder, "fill");
  using file = Deno.openSync(path, { write: true, createNew: true });
  const block = new Uint8Array(4096);
  try {
    while (true) file.writeSync(block);
  } catch (error) {
    if (!/No space left/.test(String(error))) throw error;
  }
  return () => Deno.removeSync(path);
}

/** `exec` keeps the process id, so that signals reach the program itself. */
function inMounts(mount: string): (line: CommandLine) => CommandLine {
  return ({ program, args, ...rest }) => ({
    ...rest,
    program: "unshare",
    args: ["--mount", "/bin/sh", "-c", `${mount} && exec "$@"`, "sh", program, ...args],
  });
}
