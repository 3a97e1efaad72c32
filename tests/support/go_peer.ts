/**
 * Runs a bare hashicorp memberlist node, which the test controls through `tests/go/peer`.
 * @module
 */
import type { ForeignNode, MemberWait, NodeEvent, NodeStart, NodeView } from "./cluster_node.ts";
import { freePort } from "./free_port.ts";
import { EventLog } from "./process_events.ts";
import { type CommandLine, TestProcess } from "./process.ts";

/** How to start a Go node. */
export interface GoPeerOptions extends NodeStart {
  /** The executable of `tests/go/peer`. */
  readonly program: string;
  /** host:port that it tells other members; by default the one where it listens. */
  readonly advertise?: string;
  /** Base64 keys: it encrypts with the first and decrypts with all. */
  readonly keys?: readonly string[];
  /** Label of every packet and stream. */
  readonly label?: string;
  /** Whether it compresses what it sends; the default of memberlist is true. */
  readonly compress?: boolean;
  /** Timing profile of memberlist; `lan` by default. */
  readonly profile?: "lan" | "wan" | "local";
  /** Number of members in its process; all but the first only answer others. */
  readonly count?: number;
  /** Delegate protocol versions: minimum, maximum, current. */
  readonly delegateVersions?: readonly [number, number, number];
  /** Changes the command line, to run it in a network namespace for example. */
  readonly wrap?: (line: CommandLine) => CommandLine;
}

/**
 * What a Go node reports. It reports `failed` and `left` however it learned of them, and `declared`
 * only if its own suspicion timed out; `log` is a line of memberlist's log.
 */
export interface GoEvent extends NodeEvent {
  /** The type of the event. */
  readonly event:
    | "ready"
    | "join"
    | "update"
    | "left"
    | "failed"
    | "declared"
    | "message"
    | "log"
    | "reply";
  /** `host:port` of the member. */
  readonly address?: string;
  readonly incarnation?: number;
  readonly tags?: Readonly<Record<string, string>>;
  /** A user message in base64. */
  readonly payload?: string;
  /** The id of the command that a reply answers. */
  readonly id?: number;
  /** The members, in a reply to `members`. */
  readonly members?: readonly NodeView[];
  /** The error of a command, or the text of a log line. */
  readonly error?: string;
}

/** A running Go node. Disposing of it kills it. */
export class GoPeer implements ForeignNode {
  readonly #process: TestProcess;
  #nextId = 1;
  readonly name: string;
  /** The events that it reported. */
  readonly events: EventLog<GoEvent> = new EventLog<GoEvent>();
  /** `host:port` that it listens on. */
  readonly address: string;

  /** Takes a process that `start` has started. */
  constructor(options: { name: string; address: string; process: TestProcess }) {
    this.name = options.name;
    this.address = options.address;
    this.#process = options.process;
  }

  /** Starts a node and waits until it listens and has joined. */
  static async start(options: GoPeerOptions): Promise<GoPeer> {
    const line = { program: options.program, args: peerArguments(options) };
    const process = new TestProcess(options.wrap?.(line) ?? line);
    try {
      const ready = await process.stdout.wait((text) => text.includes('"event":"ready"'), {
        what: `start of the Go node ${options.name}`,
      }).catch((error) => {
        throw new Error(`${error.message}\n${process.stderr.all.join("\n")}`);
      });
      const { address } = JSON.parse(ready) as GoEvent;
      const peer = new GoPeer({ name: options.name, address: address ?? "", process });
      process.stdout.follow((text) => peer.events.push(JSON.parse(text) as GoEvent));
      void process.status.then(({ code }) => peer.events.close(`${options.name} ended: ${code}`));
      return peer;
    } catch (error) {
      await process[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Waits for an event about the member `name`. */
  waitFor(event: GoEvent["event"], options: MemberWait): Promise<GoEvent> {
    return this.events.wait((seen) => seen.event === event && seen.name === options.name, {
      what: `"${event}" of ${options.name} at the Go node ${this.name}`,
      ...options,
    });
  }

  /** Every member that it knows, including those that failed or left until it removes them. */
  async members(): Promise<ReadonlyMap<string, NodeView>> {
    const { members } = await this.#ask({ command: "members" });
    return new Map((members ?? []).map((member) => [member.name, member]));
  }

  /** Does a push/pull with each address. */
  async join(...addresses: string[]): Promise<void> {
    await this.#ask({ command: "join", addresses });
  }

  /** Leaves gracefully; the process goes on. */
  async leave(): Promise<void> {
    await this.#ask({ command: "leave", timeoutMs: 30_000 });
  }

  /** Changes its tags. */
  async update(tags: Readonly<Record<string, string>>): Promise<void> {
    await this.#ask({ command: "update", tags, timeoutMs: 30_000 });
  }

  /** Sends a user message to the member `to`, over TCP or in a packet. */
  async send(
    to: string,
    message: { readonly payload: Uint8Array; readonly via: "tcp" | "packet" },
  ): Promise<void> {
    const payload = message.payload.toBase64();
    await this.#ask({ command: "send", name: to, payload, packet: message.via === "packet" });
  }

  /** Makes another of its keys the one that it encrypts with. */
  async useKey(base64: string): Promise<void> {
    await this.#ask({ command: "use-key", key: base64 });
  }

  /** Kills it with SIGKILL. Returns when it was dead, in Unix milliseconds. */
  async kill(): Promise<number> {
    await this.#process.stop("SIGKILL");
    return Date.now();
  }

  /** Kills it and waits until all its output is read. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }

  async #ask(command: Readonly<Record<string, unknown>>): Promise<GoEvent> {
    const id = this.#nextId++;
    const since = this.events.all.length;
    await this.#process.writeLine(JSON.stringify({ id, ...command }));
    const reply = await this.events.wait((seen) => seen.event === "reply" && seen.id === id, {
      what: `reply to ${command["command"]} from the Go node ${this.name}`,
      since,
    });
    if (reply.error !== undefined) {
      throw new Error(`the Go node ${this.name} could not ${command["command"]}: ${reply.error}`);
    }
    return reply;
  }
}

function peerArguments(options: GoPeerOptions): string[] {
  const flags: Record<string, string | undefined> = {
    name: options.name,
    bind: options.bind ?? `127.0.0.1:${freePort()}`,
    advertise: options.advertise,
    join: options.join?.join(","),
    tags: options.tags && Object.entries(options.tags).map((pair) => pair.join("=")).join(","),
    keys: options.keys?.join(","),
    label: options.label,
    compress: options.compress?.toString(),
    profile: options.profile,
    count: options.count?.toString(),
    "delegate-versions": options.delegateVersions?.join(","),
  };
  return Object.entries(flags).flatMap(([flag, value]) =>
    value === undefined ? [] : [`-${flag}=${value}`]
  );
}
