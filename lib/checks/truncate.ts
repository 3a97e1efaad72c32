/**
 * Cutting text to a number of bytes.
 * @module
 */

/** The start of a text, and how many bytes of its UTF-8 were cut. */
export interface Truncated {
  /** At most the asked bytes of UTF-8, cut between characters. */
  readonly text: string;
  /** 0 where nothing was cut. */
  readonly droppedBytes: number;
}

/** The longest start of `text` that is at most `maximumBytes` of UTF-8 and ends with a whole character. */
export function truncateUtf8(text: string, maximumBytes: number): Truncated {
  // No character has more than three bytes for each of its UTF-16 units.
  if (text.length * 3 <= maximumBytes) return { text, droppedBytes: 0 };
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= maximumBytes) return { text, droppedBytes: 0 };
  let end = maximumBytes;
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return {
    text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(0, end)),
    droppedBytes: bytes.length - end,
  };
}
