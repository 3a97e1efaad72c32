/**
 * Types of `@std/streams/text-line-stream`: the npm package `deno-std` ships no types.
 * @module
 */
/** Splits text chunks into lines, without their `\n` or `\r\n`. */
export class TextLineStream extends TransformStream<string, string> {
  /** With `allowCR`, a `\r` without `\n` ends a line as well. */
  constructor(options?: { allowCR?: boolean });
}
