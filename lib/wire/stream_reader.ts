/**
 * Reads stream messages from chunks of bytes as they arrive: removes label, encryption and
 * compression, and decodes (`readStream`, `readRemoteState` and `readUserMsg` in memberlist's
 * `net.go`). Every declared length is checked before memory is allocated for it. No byte is scanned
 * twice.
 * @module
 */
import { WireError } from "../errors.ts";
import {
  DATAGRAM_MAX_BYTES,
  DECOMPRESSED_MAX_BYTES,
  GOSSIP_MESSAGE_MAX_BYTES,
  PUSH_PULL_MAX_BYTES,
  PUSH_PULL_NODE_MAX_BYTES,
} from "../limits.ts";
import { getUint32 } from "./uint32.ts";
import {
  type Body,
  decodeBody,
  decodeCompressed,
  decodePushPullHeader,
  decodePushPullNode,
  decodeUserHeader,
} from "./codec.ts";
import { type Envelope, STREAM_SEAL_HEAD_BYTES } from "./envelope.ts";
import { decompressLzw } from "./lzw.ts";
import {
  MESSAGE_TYPE,
  type PushPull,
  type PushPullNode,
  type StreamMessage,
  type User,
} from "./messages.ts";
import { ValueScanner } from "../msgpack_scanner.ts";

/** Maximum size of the header of a push/pull or user message; memberlist's take under 100 bytes. */
const HEADER_MAX_BYTES = 1024;
/** Maximum bytes that a compressed message adds to its content: a map with two keys. */
const COMPRESS_OVERHEAD_BYTES = 64;

/** Maximum size of a page that collects small chunks; a larger chunk gets a page of its own size. */
const PAGE_MAX_BYTES = 64 * 1024;

/** A parser that yields while it needs more bytes. */
type Reading<T> = Generator<void, T, void>;

/**
 * Reads the messages of one stream. Bytes after a message are not parsed until that message was
 * taken. After an error every call raises the same error: close the stream.
 *
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Envelope } from "./envelope.ts";
 *
 * const random = { next: () => 0, bytes: (length: number) => new Uint8Array(length) };
 * const envelope = new Envelope({ label: "", keyring: undefined, random, compress: false });
 * const reader = new StreamReader({ envelope });
 * reader.push(envelope.sealStream({ type: "ping", sequence: 1, targetName: "web-1" }));
 * assertEquals(reader.take(), { type: "ping", sequence: 1, targetName: "web-1" });
 * ```
 */
export class StreamReader {
  readonly #envelope: Envelope;
  readonly #input = new Input();
  #labelPassed: boolean;
  #reading: Reading<StreamMessage> | undefined;
  #ready: StreamMessage | undefined;
  #failure: unknown;
  readonly #traits: Traits = { compressed: false };

  /**
   * `reply` is true if this node opened the connection and reads the reply, which has no label.
   * Default false.
   */
  constructor(options: { envelope: Envelope; reply?: boolean }) {
    this.#envelope = options.envelope;
    this.#labelPassed = options.reply === true;
  }

  /** Adds a chunk, which is copied. Raises `WireError` as soon as the bytes are known to be invalid. */
  push(chunk: Uint8Array): void {
    this.#input.append(chunk);
    this.#advance();
  }

  /** Whether any message so far was compressed. */
  get compressed(): boolean {
    return this.#traits.compressed;
  }

  /** Returns the next message and removes it; `undefined` until it has arrived as a whole. Raises `WireError`. */
  take(): StreamMessage | undefined {
    this.#advance();
    const message = this.#ready;
    this.#ready = undefined;
    return message;
  }

  #advance(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ready !== undefined) return;
    try {
      this.#reading ??= this.#read();
      const step = this.#reading.next();
      if (step.done !== true) return;
      this.#ready = step.value;
      this.#reading = undefined;
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  *#read(): Reading<StreamMessage> {
    while (!this.#labelPassed) {
      const length = this.#envelope.matchLabel(this.#input.rest(), { more: true });
      if (length === undefined) yield;
      else {
        this.#input.take(length);
        this.#labelPassed = true;
      }
    }
    return yield* readSealed(this.#input, { envelope: this.#envelope, traits: this.#traits });
  }
}

/** What a reader learns about the other node. */
interface Traits {
  compressed: boolean;
}

function* readSealed(
  input: Input,
  { envelope, traits }: { envelope: Envelope; traits: Traits },
): Reading<StreamMessage> {
  yield* input.need(1);
  if (input.rest()[0] !== MESSAGE_TYPE.encrypt) {
    if (envelope.acceptsPlaintext()) return yield* readCompressed(input, traits);
    throw new WireError("not_encrypted", "stream is not encrypted: this node has a key");
  }
  yield* input.need(STREAM_SEAL_HEAD_BYTES);
  const length = getUint32(input.rest(), 1);
  checkLength(length, { most: PUSH_PULL_MAX_BYTES, what: "an encrypted stream message" });
  yield* input.need(STREAM_SEAL_HEAD_BYTES + length);
  const opened = envelope.openStream(input.take(STREAM_SEAL_HEAD_BYTES + length));
  return readWhole(opened, (whole) => readCompressed(whole, traits));
}

function* readCompressed(input: Input, traits: Traits): Reading<StreamMessage> {
  yield* input.need(1);
  if (input.rest()[0] !== MESSAGE_TYPE.compress) return yield* readPlain(input);
  traits.compressed = true;
  input.take(1);
  const body = yield* input.value(PUSH_PULL_MAX_BYTES + COMPRESS_OVERHEAD_BYTES);
  const plain = decompressLzw(decodeCompressed(body), { limitBytes: DECOMPRESSED_MAX_BYTES });
  return readWhole(plain, readPlain);
}

function* readPlain(input: Input): Reading<StreamMessage> {
  yield* input.need(1);
  const type = input.take(1)[0];
  switch (type) {
    case MESSAGE_TYPE.pushPull:
      return yield* readPushPull(input);
    case MESSAGE_TYPE.user:
      return yield* readUser(input);
    case MESSAGE_TYPE.ping:
      return decodeBody("ping", yield* input.value(DATAGRAM_MAX_BYTES));
    case MESSAGE_TYPE.ack:
      return decodeBody("ack", yield* input.value(DATAGRAM_MAX_BYTES));
    case MESSAGE_TYPE.error:
      return decodeBody("error", yield* input.value(DATAGRAM_MAX_BYTES));
    default:
      throw new WireError("unknown_type", `unknown message type ${type} on a stream`);
  }
}

function* readPushPull(input: Input): Reading<PushPull> {
  const header = decodePushPullHeader(yield* input.value(HEADER_MAX_BYTES));
  const nodes: PushPullNode[] = [];
  let nodesBytes = 0;
  while (nodes.length < header.nodes) {
    const body = yield* input.value(PUSH_PULL_NODE_MAX_BYTES);
    nodesBytes += body.length;
    checkLength(nodesBytes, { most: PUSH_PULL_MAX_BYTES, what: "the nodes of a push/pull" });
    nodes.push(decodePushPullNode(body));
  }
  yield* input.need(header.userStateBytes);
  return {
    type: "pushPull",
    join: header.join,
    nodes,
    userState: input.take(header.userStateBytes),
  };
}

function* readUser(input: Input): Reading<User> {
  const length = decodeUserHeader(yield* input.value(HEADER_MAX_BYTES));
  checkLength(length, { most: GOSSIP_MESSAGE_MAX_BYTES, what: "a user message" });
  yield* input.need(length);
  return { type: "user", payload: input.take(length) };
}

/** Parses bytes that are complete: a parser that needs more means that they are truncated. */
function readWhole(
  bytes: Uint8Array,
  read: (input: Input) => Reading<StreamMessage>,
): StreamMessage {
  const step = read(new Input(bytes)).next();
  if (step.done === true) return step.value;
  throw new WireError("truncated", "truncated stream message inside its encryption or compression");
}

function checkLength(length: number, bound: { most: number; what: string }): void {
  if (length <= bound.most) return;
  throw new WireError(
    "too_large",
    `${bound.what} is ${length} bytes long; maximum ${bound.most}`,
  );
}

/**
 * The bytes that have arrived and are not parsed yet. They stay in pages until the parser needs them,
 * so that half a message takes half its memory; then they are joined in one buffer. Joined bytes are
 * never overwritten, so that views of them stay valid, and each byte is copied a bounded number of
 * times.
 */
class Input {
  #bytes: Uint8Array;
  #start = 0;
  #end: number;
  #pages: Uint8Array[] = [];
  #pagesBytes = 0;
  #lastPageBytes = 0;

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  append(chunk: Uint8Array): void {
    let page = this.#pages.at(-1);
    if (page === undefined || this.#lastPageBytes + chunk.length > page.length) {
      if (page !== undefined) this.#pages.push(this.#pages.pop()!.subarray(0, this.#lastPageBytes));
      page = new Uint8Array(Math.max(chunk.length, Math.min(this.#pagesBytes, PAGE_MAX_BYTES)));
      this.#pages.push(page);
      this.#lastPageBytes = 0;
    }
    page.set(chunk, this.#lastPageBytes);
    this.#lastPageBytes += chunk.length;
    this.#pagesBytes += chunk.length;
  }

  get length(): number {
    return this.#end - this.#start + this.#pagesBytes;
  }

  /** All bytes that have arrived, as a view. */
  rest(): Uint8Array {
    this.#join();
    return this.#bytes.subarray(this.#start, this.#end);
  }

  /** Removes `count` bytes, which must have arrived, and returns a view of them. */
  take(count: number): Uint8Array {
    this.#join();
    this.#start += count;
    return this.#bytes.subarray(this.#start - count, this.#start);
  }

  /** Yields until `count` bytes have arrived. */
  *need(count: number): Reading<void> {
    while (this.length < count) yield;
  }

  /** Joins all pages in one buffer, which doubles in size if less was added than it holds. */
  #join(): void {
    if (this.#pagesBytes === 0) return;
    if (this.#end + this.#pagesBytes > this.#bytes.length) {
      const rest = this.#bytes.subarray(this.#start, this.#end);
      const grows = this.#pagesBytes < rest.length ? 2 : 1;
      this.#bytes = new Uint8Array(grows * (rest.length + this.#pagesBytes));
      this.#bytes.set(rest);
      this.#start = 0;
      this.#end = rest.length;
    }
    const last = this.#pages.pop()?.subarray(0, this.#lastPageBytes);
    for (const page of last === undefined ? this.#pages : [...this.#pages, last]) {
      this.#bytes.set(page, this.#end);
      this.#end += page.length;
    }
    this.#pages = [];
    this.#pagesBytes = 0;
    this.#lastPageBytes = 0;
  }

  /** Yields until one MessagePack value of at most `limitBytes` has arrived, and removes it. */
  *value(limitBytes: number): Reading<Required<Body>> {
    const scanner = new ValueScanner({ limitBytes });
    for (;;) {
      this.#join();
      const window = { bytes: this.#bytes, start: this.#start, end: this.#end };
      const length = scanner.scan(window);
      if (length !== undefined) {
        this.#start += length;
        return { window, length };
      }
      yield* this.need(Math.max(this.length + 1, scanner.leastBytes));
    }
  }
}
