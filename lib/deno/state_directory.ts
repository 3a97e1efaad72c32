/**
 * The state directory of a node: one directory per node name, accessible by its owner only.
 * @module
 */
import { join } from "@std/path";
import { StoreError, UsageError } from "../errors.ts";
import { SqliteStore } from "./store.ts";

/** File name of the database. */
const DATABASE = "state.db";
/**
 * Maximum length of one directory name, below the 255 bytes of usual file systems; a longer one is
 * nested.
 */
const PIECE_LENGTH = 250;

/** The user who runs the daemon. */
export interface StateOwner {
  /** User id; null if the platform has none. */
  readonly uid: number | null;
  /** Reads an environment variable. */
  readonly variable: (name: string) => string | undefined;
}

/**
 * The default of `-state-dir`: `/var/lib/gossipcheck` for root (Filesystem Hierarchy Standard), a
 * directory below `$XDG_STATE_HOME` or `~/.local/state` for other users (XDG Base Directory
 * Specification). Raises `UsageError` if neither is set.
 */
export function defaultStateDirectory({ uid, variable }: StateOwner): string {
  if (uid === 0) return "/var/lib/gossipcheck";
  // The specification says that relative paths are ignored.
  const [state, home] = ["XDG_STATE_HOME", "HOME"].map(variable)
    .map((path) => path?.startsWith("/") ? path : undefined);
  if (state !== undefined) return join(state, "gossipcheck");
  if (home !== undefined) return join(home, ".local", "state", "gossipcheck");
  throw new UsageError(
    "there is no directory for this node's state: neither XDG_STATE_HOME nor HOME is set to an " +
      "absolute path; give -state-dir DIR, or -state-dir none to keep the state in memory only",
  );
}

/** The state directory of the node `name`, below `root`. */
export function nodeDirectory({ root, name }: { root: string; name: string }): string {
  return join(root, ...directoryNames(name));
}

/**
 * Opens and locks the database of the node `name`, and creates it if it does not exist. Raises
 * `StoreError`.
 */
export function openNodeStore(
  { root, name, schema }: { root: string; name: string; schema: readonly string[] },
): SqliteStore {
  const directory = nodeDirectory({ root, name });
  const path = join(directory, DATABASE);
  attempt(`state directory ${directory} cannot be created`, () => {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
  });
  // SQLite would report a vague error, and create a file that other users can read.
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
 * Encodes a node name as the names of nested directories, nearly always one. Letters, digits, `-`,
 * `_` and dots (except the first character) are kept, all other bytes are percent-encoded. A name
 * that ends with `%` continues in the next directory. The encoding is unique and can be reversed.
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
