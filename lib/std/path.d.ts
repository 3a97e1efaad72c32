/** What of `@std/path` the project uses. */
export function join(...paths: string[]): string;
/** The last part of a path. */
export function basename(path: string, suffix?: string): string;
/** The folder part of a path. */
export function dirname(path: string): string;
/** An absolute path. */
export function resolve(...paths: string[]): string;
/** The path of `to` as seen from `from`. */
export function relative(from: string, to: string): string;
/** A `file:` URL's path. */
export function fromFileUrl(url: string | URL): string;
/** Whether a path starts at the root. */
export function isAbsolute(path: string): boolean;
/** A glob as a regular expression. */
export function globToRegExp(
  glob: string,
  options?: { extended?: boolean; globstar?: boolean; caseInsensitive?: boolean },
): RegExp;
