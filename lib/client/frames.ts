/**
 * Frames of a 4-byte big-endian length and that many bytes, on a `ByteStream`.
 * @module
 */
import type { ByteStream } from "../runtime.ts";
import { WireError } from "../errors.ts";

const HEADER_BYTES = 4;
/** Memory grows with what has arrived, not with what was declared. */
const CHUNK_BYTES = 64 * 1024;

/** `payload` with its length in front. */
export function encodeFrame(payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(HEADER_BYTES + payload.length);
  new DataView(frame.buffer).setUint32(0, payload.length);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/**
 * The next frame's payload; `undefined` if the stream ends between two frames. Raises `WireError` for
 * a declared length over `maxBytes` (before anything is allocated) and for an end within a frame, and
 * the stream's `StreamError`.
 */
export async function readFrame(
  stream: ByteStream,
  options: { maxBytes: number },
): Promise<Uint8Array | undefined> {
  const header = new Uint8Array(HEADER_BYTES);
  const got = await fill(stream, header);
  if (got === 0) return undefined;
  if (got < HEADER_BYTES) throw cut();
  const length = new DataView(header.buffer).getUint32(0);
  if (length > options.maxBytes) {
    throw new WireError(
      "too_large",
      `a frame is ${length} bytes long; maximum ${options.maxBytes}`,
    );
  }
  const chunks: Uint8Array[] = [];
  for (let lacking = length; lacking > 0;) {
    const chunk = new Uint8Array(Math.min(lacking, CHUNK_BYTES));
    if (await fill(stream, chunk) < chunk.length) throw cut();
    chunks.push(chunk);
    lacking -= chunk.length;
  }
  return chunks.length === 1 ? chunks[0] : concat(chunks, length);
}

/** Reads until `buffer` is full or the stream ends. Returns how many bytes came. */
async function fill(stream: ByteStream, buffer: Uint8Array): Promise<number> {
  let got = 0;
  while (got < buffer.length) {
    const read = await stream.read(buffer.subarray(got));
    if (read === undefined) break;
    got += read;
  }
  return got;
}

function concat(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function cut(): WireError {
  return new WireError("truncated", "the connection ended within a frame");
}
