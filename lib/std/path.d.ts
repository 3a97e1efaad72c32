/**
 * Types of what the project uses of `@std/path`: the npm package `deno-std` ships no types.
 * @module
 */
export function join(...paths: string[]): string;
/** The last part of a path, without `suffix`. */
export function basename(path: string, suffix?: string): string;
/** The path without its last part. */
export function dirname(path: string): string;
/** An absolute path; starts from the working directory if no part is absolute. */
export function resolve(...paths: string[]): string;
/** The relative path from `from` to `to`. */
export function relative(from: string, to: string): string;
/** The path of a `file:` URL. */
export function fromFileUrl(url: string | URL): string;
export function isAbsolute(path: string): boolean;
export function globToRegExp(
  glob: string,
  options?: { extended?: boolean; globstar?: boolean; caseInsensitive?: boolean },
): RegExp;
