/**
 * How `gcheck` comes by the token that a daemon asks for: from the file of `-token-file`, else from
 * that of `GOSSIPCHECK_TOKEN`, else from the one that the daemon names.
 * @module
 */
import { UsageError } from "../errors.ts";
import { parseToken } from "../trust/token.ts";

/** Reads a secret's file; undefined where there is none. Raises `UsageError` that names the file. */
export type ReadSecretFile = (path: string, options: { rootReadsAll: true }) => string | undefined;

/** The variable that names a token's file. */
export const TOKEN_VARIABLE = "GOSSIPCHECK_TOKEN";

/** The token that the user names; undefined where they name none. Raises `UsageError`. */
export function givenToken(
  named: { readonly flag: string | undefined; readonly variable: string | undefined },
  read: ReadSecretFile,
): Uint8Array | undefined {
  const { flag, variable } = named;
  const path = flag ?? variable ?? "";
  if (path === "") return undefined;
  const source = flag === undefined ? TOKEN_VARIABLE : "flag -token-file";
  try {
    const text = read(path, { rootReadsAll: true });
    if (text === undefined) throw new UsageError(`${path} is not there`);
    return parseToken(text, { source: path });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${source}: ${error.message}`, { cause: error });
  }
}

/**
 * The token in the file that a daemon names. Whoever listens there may name any file: it is taken
 * only where it is a token that this user may read and others may not, and told to nobody. Raises
 * `UsageError`.
 */
export function tokenFrom(path: string, read: ReadSecretFile): Uint8Array {
  if (!/^\/[^\p{C}]*$/u.test(path)) throw new UsageError("that is no absolute path");
  const text = read(path, { rootReadsAll: true });
  if (text === undefined) throw new UsageError(`${path} is not there`);
  return parseToken(text, { source: path });
}
