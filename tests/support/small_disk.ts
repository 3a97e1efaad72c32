/**
 * Mounts a small or a read-only file system over a folder, for one daemon only: in a mount namespace,
 * which ends with the daemon.
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

/** Returns a function that changes a command line so that it sees `folder` on an empty disk of `bytes`. */
export function onSmallDisk(folder: string, bytes: number): (line: CommandLine) => CommandLine {
  return inMounts(`mount -t tmpfs -o size=${bytes},mode=700 none '${folder}'`);
}

/** Returns a function that changes a command line so that it sees `folder` read-only. */
export function onReadOnlyDisk(folder: string): (line: CommandLine) => CommandLine {
  return inMounts(`mount --bind '${folder}' '${folder}' && mount -o remount,ro,bind '${folder}'`);
}

/** Fills the disk that the process `pid` sees at `folder`. Call the returned function to free the space. */
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

/** Runs a line in a mount namespace. `exec` keeps the process id, so that signals reach the program. */
function inMounts(mount: string): (line: CommandLine) => CommandLine {
  return ({ program, args, ...rest }) => ({
    ...rest,
    program: "unshare",
    args: ["--mount", "/bin/sh", "-c", `${mount} && exec "$@"`, "sh", program, ...args],
  });
}
