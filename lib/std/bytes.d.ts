/** The arrays one after another. */
export function concat(buffers: readonly Uint8Array[]): Uint8Array<ArrayBuffer>;
/** Where `needle` first is in `source` from `start` on; -1 where it is not. */
export function indexOfNeedle(source: Uint8Array, needle: Uint8Array, start?: number): number;
