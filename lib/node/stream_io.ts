/**
 * One TCP connection to another node from its opening to its end, and reading one message from one.
 * @module
 */
import { formatAddress } from "../address.ts";
import { StreamError } from "../errors.ts";
import type { Address, ByteStream, Network, Timers } from "../runtime.ts";
import type { StreamReader } from "../wire/stream_reader.ts";
import type { StreamMessage } from "../wire/messages.ts";

/** Size of the first read: most messages fit into it. */
const FIRST_READ_BYTES = 1024;
/** Size of later reads, for a sender that filled the first one. */
const LATER_READ_BYTES = 65_536;

/** A connection to open. */
export interface Dial {
  readonly network: Network;
  readonly timers: Timers;
  readonly to: Address;
  /** Deadline from the call to the end of `use`. */
  readonly timeoutMs: number;
  /** Deadline until the connection is open. Default: `timeoutMs`. */
  readonly connectTimeoutMs?: number;
}

/**
 * Opens a connection, calls `use` with it, and closes it when `use` has ended or at the deadline.
 * Rejects with `StreamError`, or with what `use` rejects with.
 */
export async function withStream<T>(
  { network, timers, to, timeoutMs, connectTimeoutMs = timeoutMs }: Dial,
  use: (stream: ByteStream) => Promise<T>,
): Promise<T> {
  let late = false;
  let stream: ByteStream | undefined;
  const cancel = timers.after(timeoutMs, () => {
    late = true;
    stream?.close();
  });
  try {
    stream = await network.connect(to, { timeoutMs: Math.min(connectTimeoutMs, timeoutMs) });
    if (late) throw new StreamError("connected after the deadline");
    return await use(stream);
  } catch (error) {
    if (!late) throw error;
    throw new StreamError(
      `${formatAddress(to)} (TCP) did not answer within ${Math.round(timeoutMs)} ms`,
      { cause: error },
    );
  } finally {
    cancel();
    stream?.close();
  }
}

/** How a message is read. */
export interface ReadOptions {
  readonly reader: StreamReader;
  /** Called with the number of bytes of each read. */
  readonly onRead?: (count: number) => void;
}

/**
 * Reads one message; `undefined` if the stream ended before a whole one. Rejects with `StreamError`
 * and `WireError`.
 */
export async function readMessage(
  stream: ByteStream,
  { reader, onRead }: ReadOptions,
): Promise<StreamMessage | undefined> {
  let buffer = new Uint8Array(FIRST_READ_BYTES);
  for (;;) {
    const count = await stream.read(buffer);
    if (count === undefined) return undefined;
    onRead?.(count);
    reader.push(buffer.subarray(0, count));
    const message = reader.take();
    if (message !== undefined) return message;
    if (count === FIRST_READ_BYTES) buffer = new Uint8Array(LATER_READ_BYTES);
  }
}
