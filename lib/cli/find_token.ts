/**
 * Finds the token of a daemon for `gcheck`: in the file of `-token-file`, else in the file of the
 * environment variable `GOSSIPCHECK_TOKEN`, else in the file that the daemon names.
 * @module
 */
import { UsageError } from "../errors.ts";
import { inFlag, withSource } from "../flag_errors.ts";
import { parseToken } from "../trust/token.ts";

/**
 * Reads a file with a secret; undefined if it does not exist. Raises `UsageError` that names it.
 */
export type ReadSecretFile = (path: string, options: { rootReadsAll: true }) => string | undefined;

/** The environment variable that holds the path of a token's file. */
export const TOKEN_VARIABLE = "GOSSIPCHECK_TOKEN";

/**
 * Reads the token from the file that the flag names, else from the file that the variable names;
 * undefined if neither is set. Raises `UsageError`.
 */
export function configuredToken(
  paths: { readonly flag: string | undefined; readonly variable: string | undefined },
  read: ReadSecretFile,
): Uint8Array | undefined {
  const { flag, variable = "" } = paths;
  if (flag !== undefined) return inFlag("-token-file", () => readToken(flag, read));
  if (variable === "") return undefined;
  return withSource(TOKEN_VARIABLE, () => readToken(variable, read));
}

/**
 * Reads the token from the file that a daemon names. Another program may listen at the daemon's
 * address and name any file, so the file is used only if it is a token and only this user can read
 * it, and no error repeats its content. Raises `UsageError`.
 */
export function tokenNamedByDaemon(path: string, read: ReadSecretFile): Uint8Array {
  if (!/^\/[^\p{C}]*$/u.test(path)) throw new UsageError("the path is not absolute");
  return readToken(path, read);
}

function readToken(path: string, read: ReadSecretFile): Uint8Array {
  const text = read(path, { rootReadsAll: true });
  if (text === undefined) throw new UsageError(`${path} does not exist`);
  return parseToken(text, { source: path });
}
