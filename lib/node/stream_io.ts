/**
 * One connection from its opening to its end, both for what this node sends and what it is sent.
 * @module
 */
import { formatAddress } from "../address.ts";
import { StreamError } from "../errors.ts";
import type { Address, ByteStream, Network, Timers } from "../runtime.ts";
import type { StreamReader } from "../wire/frames.ts";
import type { StreamMessage } from "../wire/messages.ts";

/** Most messages fit the first read; whoever sends more gets larger ones. */
const FIRST_READ_BYTES = 1024;
const LATER_READ_BYTES = 65_536;

/** Where a connection goes and how long it may take in all. */
export interface Dial {
  /** Opens it. */
  readonly network: Network;
  /** Ends it when time is up. */
  readonly timers: Timers;
  /** The other end. */
  readonly to: Address;
  /** From now to the end of `use`. */
  readonly timeoutMs: number;
  /** From now until it is open. Default: as `timeoutMs`. */
  readonly connectTimeoutMs?: number;
}

/**
 * Opens a connection, hands it to `use` and closes it when that is done or time is up. Rejects
 * with `StreamError`, or with what `use` rejects with.
 */
export async function withStream<T>(
  { network, timers, to, timeoutMs, connectTimeoutMs = timeoutMs }: Dial,
  use: (stream: ByteStream) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  let stream: ByteStream | undefined;
  const cancel = timers.after(timeoutMs, () => {
    abort.abort();
    stream?.close();
  });
  try {
    stream = await network.connect(to, { timeoutMs: connectTimeoutMs, signal: abort.signal });
    return await use(stream);
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    throw new StreamError(
      `${formatAddress(to)} (TCP) did not answer within ${Math.round(timeoutMs)} ms`,
      { cause: error },
    );
  } finally {
    cancel();
    stream?.close();
  }
}

/**
 * Reads one message; `undefined` where the stream ended before there was a whole one. Rejects with
 * `StreamError` and `WireError`.
 */
export async function readMessage(
  stream: ByteStream,
  reader: StreamReader,
): Promise<StreamMessage | undefined> {
  let buffer = new Uint8Array(FIRST_READ_BYTES);
  for (;;) {
    const count = await stream.read(buffer);
    if (count === undefined) return undefined;
    reader.push(buffer.subarray(0, count));
    const message = reader.take();
    if (message !== undefined) return message;
    if (count === FIRST_READ_BYTES) buffer = new Uint8Array(LATER_READ_BYTES);
  }
}
