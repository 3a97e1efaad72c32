/**
 * Types of what the tests use of `@std/assert`: the npm package `deno-std` ships no types.
 * @module
 */
export class AssertionError extends Error {}
/** Fails if the expression is falsy. */
export function assert(expression: unknown, message?: string): asserts expression;
/** Compares deeply. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void;
/** Compares deeply. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void;
/** Compares with `Object.is`. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  message?: string,
): asserts actual is T;
/** The default tolerance is 1e-7 of `expected`. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  message?: string,
): void;
/** Fails on null and undefined. */
export function assertExists<T>(actual: T, message?: string): asserts actual is NonNullable<T>;
export function assertInstanceOf<T>(
  actual: unknown,
  expected: abstract new (...args: never[]) => T,
  message?: string,
): asserts actual is T;
export function assertMatch(actual: string, expected: RegExp, message?: string): void;
export function assertNotMatch(actual: string, expected: RegExp, message?: string): void;
export function assertStringIncludes(actual: string, expected: string, message?: string): void;
/** Fails if an item of `expected` is missing from `actual`; compares items deeply. */
export function assertArrayIncludes<T>(
  actual: ArrayLike<T>,
  expected: ArrayLike<T>,
  message?: string,
): void;
/** Compares deeply, and ignores the fields that `expected` lacks. */
export function assertObjectMatch(
  actual: object,
  expected: Record<PropertyKey, unknown>,
  message?: string,
): void;
/** Returns the error. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: abstract new (...args: never[]) => E,
  messageIncludes?: string,
): E;
/** Returns the error. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: abstract new (...args: never[]) => E,
  messageIncludes?: string,
): Promise<E>;
/** Fails unless `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, message?: string): void;
/** Fails unless `actual >= expected`. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void;
/** Fails unless `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, message?: string): void;
/** Fails unless `actual <= expected`. */
export function assertLessOrEqual<T>(actual: T, expected: T, message?: string): void;
/** Always fails. */
export function fail(message?: string): never;
/** Always fails: marks code that no test should reach. */
export function unreachable(reason?: string): never;
