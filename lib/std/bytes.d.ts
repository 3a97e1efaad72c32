/**
 * Types of what the project uses of `@std/bytes`: the npm package `deno-std` ships no types.
 * @module
 */
/** Concatenates the arrays into a new one. */
export function concat(buffers: readonly Uint8Array[]): Uint8Array<ArrayBuffer>;
/** The index of the first `needle` in `source` at or after `start` (default 0), or -1. */
export function indexOfNeedle(source: Uint8Array, needle: Uint8Array, start?: number): number;
