/**
 * The token that `gcheck` must know: loopback is no authority, since every user of a machine
 * reaches it.
 * @module
 */
import { UsageError } from "../errors.ts";
import type { Random } from "../runtime.ts";
import { newTokenText, parseToken } from "./token.ts";

/** Where secrets are kept. All raise `UsageError` that names the file and not what it holds. */
export interface SecretFiles {
  /**
   * The text of a file that holds a secret; undefined where there is none. Raises where others than
   * its owner can read or write it.
   */
  readonly read: (path: string) => string | undefined;
  /** Makes one, whole or not at all, for its owner alone; raises where it stands already. */
  readonly create: (path: string, text: string) => void;
  /** Takes away what a crash left of `create`. */
  readonly removeUnfinished: (path: string) => void;
}

/** What decides which token a daemon has. */
export interface ClientTokenOptions {
  /** The file of `-token-file`, which must be there; undefined where the flag is not given. */
  readonly named: string | undefined;
  /** The file in the state directory, made where it is not there; undefined without such a directory. */
  readonly own: string | undefined;
  /** Where it is read and made. */
  readonly files: SecretFiles;
  /** For a new one. */
  readonly random: Random;
}

/** A token and where it stands. */
export interface ClientToken {
  /** The secret. */
  readonly token: Uint8Array;
  /** Its file, which clients may be told. */
  readonly file: string;
}

/**
 * This daemon's token; undefined where it has none, so that every user of the machine may command
 * it. Raises `UsageError`.
 */
export function clientToken(options: ClientTokenOptions): ClientToken | undefined {
  const { named, own, files, random } = options;
  if (named !== undefined) {
    const source = `flag -token-file: ${named}`;
    const text = inFlag("-token-file", () => files.read(named));
    if (text === undefined) throw new UsageError(`${source} is not there`);
    return { token: parseToken(text, { source }), file: named };
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

function inFlag<T>(flag: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`flag ${flag}: ${error.message}`, { cause: error });
  }
}
