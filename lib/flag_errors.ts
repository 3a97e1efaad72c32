/**
 * Prefixes for error messages: which flag, file or environment variable a bad value came from.
 *
 * @example
 * ```ts
 * import { assertThrows } from "@std/assert";
 * import { UsageError } from "./errors.ts";
 * import { inFlag, withSource } from "./flag_errors.ts";
 *
 * const read = (): string => {
 *   throw new UsageError("line 3 holds no key");
 * };
 * assertThrows(
 *   () => inFlag("-trusted-keys", () => withSource("keys.txt", read)),
 *   UsageError,
 *   "flag -trusted-keys: keys.txt: line 3 holds no key",
 * );
 * ```
 * @module
 */
import { AddressError, UsageError } from "./errors.ts";

/**
 * Runs `read` and puts `SOURCE: ` in front of the message of an error that it raises. A
 * `UsageError` or `AddressError` becomes a `UsageError` whose `cause` is the original; any other
 * error passes unchanged. If `read` returns a promise, a rejection is treated in the same way.
 */
export function withSource<T>(source: string, read: () => T): T {
  const rethrow = (error: unknown): never => {
    const isUsage = error instanceof UsageError || error instanceof AddressError;
    throw isUsage ? new UsageError(`${source}: ${error.message}`, { cause: error }) : error;
  };
  try {
    const result = read();
    return result instanceof Promise ? result.catch(rethrow) as T : result;
  } catch (error) {
    return rethrow(error);
  }
}

/** `withSource` for the value of a flag, named with its dash: the prefix is `flag -NAME: `. */
export function inFlag<T>(flag: string, read: () => T): T {
  return withSource(`flag ${flag}`, read);
}
