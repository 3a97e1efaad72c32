import { assertEquals, assertRejects } from "@std/assert";
import { WireError } from "../errors.ts";
import type { ByteStream } from "../runtime.ts";
import { encodeFrame, readFrame } from "./frames.ts";

/** A stream that hands over `chunks`, one a read, and then ends. */
function streamOf(chunks: readonly Uint8Array[]): ByteStream {
  let rest = [...chunks];
  return {
    remote: { host: "127.0.0.1", port: 1 },
    read(buffer) {
      const [first, ...more] = rest;
      if (first === undefined) return Promise.resolve(undefined);
      const count = Math.min(first.length, buffer.length);
      buffer.set(first.subarray(0, count));
      rest = count < first.length ? [first.subarray(count), ...more] : more;
      return Promise.resolve(count);
    },
    write: () => Promise.resolve(),
    close() {},
  };
}

const OPTIONS = { maxBytes: 1024 };
const PAYLOAD = new Uint8Array([9, 8, 7, 6, 5]);
const TWO_FRAMES = new Uint8Array([...encodeFrame(PAYLOAD), ...encodeFrame(new Uint8Array())]);

Deno.test("frames arrive whole at every split", async () => {
  for (let split = 0; split <= TWO_FRAMES.length; split++) {
    const parts = [TWO_FRAMES.slice(0, split), TWO_FRAMES.slice(split)];
    const stream = streamOf(parts.filter((part) => part.length > 0));
    assertEquals(await readFrame(stream, OPTIONS), PAYLOAD, `split at ${split}`);
    assertEquals(await readFrame(stream, OPTIONS), new Uint8Array(), `split at ${split}`);
    assertEquals(await readFrame(stream, OPTIONS), undefined, `split at ${split}`);
  }
});

Deno.test("a frame larger than one read's memory is put together", async () => {
  const payload = new Uint8Array(200_000).map((_, index) => index % 251);
  const stream = streamOf([encodeFrame(payload)]);
  assertEquals(await readFrame(stream, { maxBytes: 200_000 }), payload);
});

Deno.test("an end within a frame is told from an end between two", async () => {
  const frame = encodeFrame(PAYLOAD);
  for (let length = 1; length < frame.length; length++) {
    const cut = streamOf([frame.slice(0, length)]);
    const error = await assertRejects(() => readFrame(cut, OPTIONS), WireError);
    assertEquals(error.reason, "truncated", `${length} bytes`);
  }
});

Deno.test("a declared length over the bound is refused", async () => {
  const frame = encodeFrame(new Uint8Array(1025));
  const error = await assertRejects(() => readFrame(streamOf([frame]), OPTIONS), WireError);
  assertEquals(error.reason, "too_large");
});
