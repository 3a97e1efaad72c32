/**
 * A real memberlist node whose network is a pipe (`tests/go/vectors`, mode `node`): the test
 * delivers packets and streams to it, and observes what it sends and its callbacks.
 * @module
 */
import type { Envelope } from "../../lib/wire/envelope.ts";
import { StreamReader } from "../../lib/wire/stream_reader.ts";
import type { PacketMessage, StreamMessage } from "../../lib/wire/messages.ts";
import { EventLog } from "./process_events.ts";
import { TestProcess } from "./process.ts";
import { envelopeOf, type Layers } from "./vectors.ts";

/** An event of the node: a packet sent, a callback to its application, or a stream reply. */
export interface Happening {
  readonly event: string;
  readonly name?: string;
  readonly hex?: string;
  readonly address?: string;
  readonly error?: string;
}

/** A memberlist node on a pipe. Disposing of it ends its process. */
export class PipeNode implements AsyncDisposable {
  readonly #process: TestProcess;
  readonly #happenings = new EventLog<Happening>();
  /** Label, keys and compression of both ends. */
  readonly envelope: Envelope;

  /** Used by `start`. */
  constructor(options: { process: TestProcess; layers: Layers }) {
    this.#process = options.process;
    this.envelope = envelopeOf(options.layers);
    this.#process.stdout.follow((line) => this.#happenings.push(JSON.parse(line) as Happening));
    void this.#process.status.then(({ code }) => this.#happenings.close(`it ended with ${code}`));
  }

  /** Starts a node. `program`: the executable of `tests/go/vectors`. */
  static async start(
    options: { program: string; name: string; layers: Layers },
  ): Promise<PipeNode> {
    const process = new TestProcess({ program: options.program, args: ["node"] });
    const node = new PipeNode({ process, layers: options.layers });
    await node.order({ do: "start", name: options.name, layers: options.layers });
    return node;
  }

  /** Writes a line to its stdin. */
  async order(order: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#process.writeLine(JSON.stringify(order));
  }

  /** Number of events so far, which is the index of the next event. */
  now(): number {
    return this.#happenings.all.length;
  }

  /** Waits for an event with the index `since` or a higher one. */
  happens(
    matches: (happening: Happening) => boolean,
    options: { what: string; since: number },
  ): Promise<Happening> {
    return this.#happenings.wait(matches, options);
  }

  /**
   * Waits for a packet that contains a message of that type; `about`: what is awaited, for the
   * error.
   */
  async sends<T extends PacketMessage["type"]>(
    type: T,
    options: { since: number; about?: (message: Extract<PacketMessage, { type: T }>) => boolean },
  ): Promise<Extract<PacketMessage, { type: T }>> {
    let found: Extract<PacketMessage, { type: T }> | undefined;
    const isIt = (message: PacketMessage): message is Extract<PacketMessage, { type: T }> =>
      message.type === type &&
      (options.about?.(message as Extract<PacketMessage, { type: T }>) ?? true);
    await this.happens(({ event, hex }) => {
      if (event !== "packet" || hex === undefined) return false;
      found = this.envelope.openPacket(Uint8Array.fromHex(hex)).find(isIt);
      return found !== undefined;
    }, { what: `${type} in a packet`, since: options.since });
    return found!;
  }

  /** Writes a stream to it and returns its reply, up to the end of the connection. */
  async exchange(stream: Uint8Array): Promise<StreamMessage | undefined> {
    const since = this.now();
    await this.order({ do: "stream", hex: stream.toHex() });
    const reply = await this.happens(({ event }) => event === "reply", {
      what: "end of a stream",
      since,
    });
    const reader = new StreamReader({ envelope: this.envelope, reply: true });
    reader.push(Uint8Array.fromHex(reply.hex ?? ""));
    return reader.take();
  }

  /** Waits for a connection that it opens, and returns its request. */
  async requests(options: { since: number }): Promise<StreamMessage> {
    const reader = new StreamReader({ envelope: this.envelope });
    let request: StreamMessage | undefined;
    await this.happens(({ event, hex }) => {
      if (event !== "chunk" || hex === undefined) return false;
      reader.push(Uint8Array.fromHex(hex));
      request = reader.take();
      return request !== undefined;
    }, { what: "request on a stream", ...options });
    return request!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
