/** What of `@std/assert` the tests use. */
export class AssertionError extends Error {}
/** Fails unless the expression is truthy. */
export function assert(expression: unknown, message?: string): asserts expression;
/** Deep equality. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void;
/** Deep inequality. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void;
/** Identity. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  message?: string,
): asserts actual is T;
/** Closeness of two numbers. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  message?: string,
): void;
/** Not null and not undefined. */
export function assertExists<T>(actual: T, message?: string): asserts actual is NonNullable<T>;
/** A class's instance. */
export function assertInstanceOf<T>(
  actual: unknown,
  expected: abstract new (...args: never[]) => T,
  message?: string,
): asserts actual is T;
/** A regular expression matches. */
export function assertMatch(actual: string, expected: RegExp, message?: string): void;
/** A regular expression does not match. */
export function assertNotMatch(actual: string, expected: RegExp, message?: string): void;
/** A text is part of another. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void;
/** An array holds all the given items. */
export function assertArrayIncludes<T>(
  actual: ArrayLike<T>,
  expected: ArrayLike<T>,
  message?: string,
): void;
/** An object holds at least the given fields. */
export function assertObjectMatch(
  actual: object,
  expected: Record<PropertyKey, unknown>,
  message?: string,
): void;
/** A function throws. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: abstract new (...args: never[]) => E,
  messageIncludes?: string,
): E;
/** A promise is rejected. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: abstract new (...args: never[]) => E,
  messageIncludes?: string,
): Promise<E>;
/** `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, message?: string): void;
/** `actual >= expected`. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void;
/** `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, message?: string): void;
/** `actual <= expected`. */
export function assertLessOrEqual<T>(actual: T, expected: T, message?: string): void;
/** Fails always. */
export function fail(message?: string): never;
/** Marks code that must not be reached. */
export function unreachable(reason?: string): never;
