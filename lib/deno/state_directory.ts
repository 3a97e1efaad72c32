/**
 * Where a node keeps its state: one directory a node name, its owner's alone.
 * @module
 */
import { join } from "@std/path";
import { StoreError, UsageError } from "../errors.ts";
import { SqliteStore } from "./store.ts";

/** The database's file in a node's directory. */
const DATABASE = "state.db";
/** A directory's name has 255 bytes at most on every usual file system; a longer one is nested. */
const PIECE_LENGTH = 250;

/**
 * Where nodes keep their state unless told otherwise (XDG Base Directory Specification, and
 * `/var/lib` for root as in the Filesystem Hierarchy Standard). Raises `UsageError` where nothing tells.
 */
export function defaultStateDirectory(): string {
  if (Deno.uid() === 0) return "/var/lib/gossipcheck";
  const [state, home] = [absoluteVariable("XDG_STATE_HOME"), absoluteVariable("HOME")];
  if (state !== undefined) return join(state, "gossipcheck");
  if (home !== undefined) return join(home, ".local", "state", "gossipcheck");
  throw new UsageError(
    "there is no place for this node's state: neither XDG_STATE_HOME nor HOME is set to an " +
      "absolute path; give one with -state-dir DIR, or -state-dir none to keep nothing",
  );
}

/** Where the state of the node `name` is, below `root`. */
export function nodeDirectory({ root, name }: { root: string; name: string }): string {
  return join(root, ...directoryNames(name));
}

/** Opens and locks the state of the node `name` below `root`. Raises `StoreError`. */
export function openNodeStore(
  { root, name, schema }: { root: string; name: string; schema: readonly string[] },
): SqliteStore {
  const directory = nodeDirectory({ root, name });
  try {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new StoreError(
      `state directory ${directory} cannot be made: ${text}; choose another -state-dir`,
      { cause },
    );
  }
  return new SqliteStore({ path: join(directory, DATABASE), schema });
}

/**
 * A node's name as the names of nested directories, nearly always one. Letters, digits, `-`, `_`
 * and inner dots stand for themselves, all else as in a URL; what ends in `%` goes on in the next
 * directory. So no two names share a directory, and each can be read back.
 */
export function directoryNames(name: string): string[] {
  const encoded = Array.from(new TextEncoder().encode(name), (byte, index) => {
    const character = String.fromCharCode(byte);
    const safe = /[\w-]/.test(character) || (character === "." && index > 0);
    return safe ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
  const pieces = encoded.match(new RegExp(`.{1,${PIECE_LENGTH}}`, "g")) ?? [];
  return pieces.map((piece, index) => index < pieces.length - 1 ? `${piece}%` : piece);
}

/** The specification has relative paths ignored. */
function absoluteVariable(name: string): string | undefined {
  const value = Deno.env.get(name);
  return value?.startsWith("/") ? value : undefined;
}
