/**
 * The token that `gcheck` must know. Loopback proves nothing about a client, because every user of the
 * machine reaches it.
 * @module
 */
import { UsageError } from "../errors.ts";
import { inFlag } from "../flag_errors.ts";
import type { Random } from "../runtime.ts";
import { newTokenText, parseToken } from "./token.ts";

/** Files that hold secrets. All methods raise `UsageError` that names the file and never its content. */
export interface SecretFiles {
  /**
   * The text of a file that holds a secret; undefined if there is none. Raises if others than its owner
   * can read or write it.
   */
  readonly read: (path: string) => string | undefined;
  /** Creates a file, whole or not at all, for its owner alone. Raises if it exists. */
  readonly create: (path: string, text: string) => void;
  /** Removes what a crash left of `create`. */
  readonly removeUnfinished: (path: string) => void;
}

/** Where a daemon's token comes from. */
export interface ClientTokenOptions {
  /** The file of `-token-file`, which must exist; undefined if the flag is not given. */
  readonly named: string | undefined;
  /** The file in the state directory, created if it does not exist; undefined without a state directory. */
  readonly own: string | undefined;
  /** Reads and creates the file. */
  readonly files: SecretFiles;
  /** For a new token. */
  readonly random: Random;
}

/** A token and its file. */
export interface ClientToken {
  /** The token. */
  readonly token: Uint8Array;
  /** The path of its file, which is sent to clients. */
  readonly file: string;
}

/**
 * A daemon's token; undefined if it has none, so that every user of the machine can command it. Raises
 * `UsageError`.
 */
export function clientToken(options: ClientTokenOptions): ClientToken | undefined {
  const { named, own, files, random } = options;
  if (named !== undefined) {
    const token = inFlag("-token-file", () => {
      const text = files.read(named);
      if (text === undefined) throw new UsageError(`${named} does not exist`);
      return parseToken(text, { source: named });
    });
    return { token, file: named };
  }
  if (own === undefined) return undefined;
  let text = files.read(own);
  if (text === undefined) {
    text = newTokenText(random);
    files.removeUnfinished(own);
    files.create(own, text);
  }
  return { token: parseToken(text, { source: own }), file: own };
}
