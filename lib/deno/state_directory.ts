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

/** Who runs the daemon. */
export interface StateOwner {
  /** The user's id; null where the platform has none. */
  readonly uid: number | null;
  /** A variable of the environment. */
  readonly variable: (name: string) => string | undefined;
}

/**
 * Where nodes keep their state unless told otherwise (XDG Base Directory Specification, and
 * `/var/lib` for root as in the Filesystem Hierarchy Standard). Raises `UsageError` where nothing tells.
 */
export function defaultStateDirectory({ uid, variable }: StateOwner): string {
  if (uid === 0) return "/var/lib/gossipcheck";
  // The specification has relative paths ignored.
  const [state, home] = ["XDG_STATE_HOME", "HOME"].map(variable)
    .map((path) => path?.startsWith("/") ? path : undefined);
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
  const path = join(directory, DATABASE);
  attempt(`state directory ${directory} cannot be made`, () => {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
  });
  // SQLite would only say that something was wrong with it, and let others read a new one.
  attempt(`state database ${path} cannot be written`, () => {
    Deno.openSync(path, { write: true, create: true, mode: 0o600 }).close();
  });
  return new SqliteStore({ path, schema });
}

function attempt(what: string, operation: () => void): void {
  try {
    operation();
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new StoreError(
      `${what}: ${text}; make it writable for this user, or choose another -state-dir`,
      { cause },
    );
  }
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
