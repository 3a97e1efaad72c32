/**
 * A bare hashicorp memberlist node, steered by the test through `tests/go/peer`.
 * @module
 */

import type { ForeignNode, MemberWait, NodeEvent, NodeStart, NodeView } from "./cluster_node.ts";
import { EventLog } from "./process_events.ts";
import { type CommandLine, TestProcess } from "./process.ts";

/** How a Go node is started. */
export interface GoPeerOptions extends NodeStart {
  /** The built `tests/go/peer`. */
  readonly program: string;
  /** host:port that others are told; where it listens by default. */
  readonly advertise?: string;
  /** Base64 keys: the first encrypts, all decrypt. */
  readonly keys?: readonly string[];
  /** Label on every packet and stream. */
  readonly label?: string;
  /** Whether it compresses what it sends; memberlist's default is true. */
  readonly compress?: boolean;
  /** memberlist's timing; `lan` by default. */
  readonly profile?: "lan" | "wan" | "local";
  /** Members in its process; all but the first only answer. */
  readonly count?: number;
  /** Delegate protocol versions: minimum, maximum, current. */
  readonly delegateVersions?: readonly [number, number, number];
  /** Wraps the command line, to run it inside a network namespace. */
  readonly wrap?: (line: CommandLine) => CommandLine;
}

/**
 * What a Go node reports. `failed` and `left` come however it learned of it; `declared` only where
 * its own suspicion ran out; `log` is a line of memberlist's own log.
 */
export interface GoEvent extends NodeEvent {
  /** What happened. */
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
  /** host:port of that member. */
  readonly address?: string;
  /** That member's incarnation. */
  readonly incarnation?: number;
  /** That member's tags. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Base64 of a user message. */
  readonly payload?: string;
  /** Which command a reply answers. */
  readonly id?: number;
  /** Members in the reply to `members`. */
  readonly members?: readonly NodeView[];
  /** Why a command failed; the text of a log line. */
  readonly error?: string;
}

/** One running Go node. Disposing of it kills it. */
export class GoPeer implements ForeignNode {
  readonly #process: TestProcess;
  #nextId = 1;
  /** Its name. */
  readonly name: string;
  /** Everything that it reported. */
  readonly events: EventLog<GoEvent> = new EventLog<GoEvent>();
  /** host:port where it listens. */
  readonly address: string;

  /** Takes over a process that `start` started. */
  constructor(options: { name: string; address: string; process: TestProcess }) {
    this.name = options.name;
    this.address = options.address;
    this.#process = options.process;
  }

  /** Starts one and waits until it listens and has joined. */
  static async start(options: GoPeerOptions): Promise<GoPeer> {
    const line = { program: options.program, args: peerArguments(options) };
    const process = new TestProcess(options.wrap?.(line) ?? line);
    try {
      const ready = await process.stdout.wait((text) => text.includes('"event":"ready"'), {
        what: `start of the Go node ${options.name}`,
        // A crowd joins one by one, and the machine may be busy.
        timeoutMs: 30_000 + 500 * (options.count ?? 1),
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

  /** Waits for the report that `event` happened to the member `name`. */
  waitFor(event: GoEvent["event"], options: MemberWait): Promise<GoEvent> {
    return this.events.wait((seen) => seen.event === event && seen.name === options.name, {
      what: `"${event}" of ${options.name} at the Go node ${this.name}`,
      ...options,
    });
  }

  /** Every member that it knows, the failed and the left ones until it forgets them. */
  async members(): Promise<ReadonlyMap<string, NodeView>> {
    const { members } = await this.#ask({ command: "members" });
    return new Map((members ?? []).map((member) => [member.name, member]));
  }

  /** Push/pull with each address. */
  async join(...addresses: string[]): Promise<void> {
    await this.#ask({ command: "join", addresses });
  }

  /** Leaves gracefully; the process runs on. */
  async leave(): Promise<void> {
    await this.#ask({ command: "leave", timeoutMs: 5000 });
  }

  /** Publishes other tags. */
  async update(tags: Readonly<Record<string, string>>): Promise<void> {
    await this.#ask({ command: "update", tags, timeoutMs: 5000 });
  }

  /** Sends the member `to` a user message, over TCP or in a packet. */
  async send(
    to: string,
    message: { readonly payload: Uint8Array; readonly via: "tcp" | "packet" },
  ): Promise<void> {
    const payload = message.payload.toBase64();
    await this.#ask({ command: "send", name: to, payload, packet: message.via === "packet" });
  }

  /** Encrypts with another of its keys from now on. */
  async useKey(base64: string): Promise<void> {
    await this.#ask({ command: "use-key", key: base64 });
  }

  /** Kills it as a power cut would. When it was dead, in Unix milliseconds. */
  async kill(): Promise<number> {
    await this.#process.stop("SIGKILL");
    return Date.now();
  }

  /** Kills it and waits until nothing of it is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }

  async #ask(command: Readonly<Record<string, unknown>>): Promise<GoEvent> {
    const id = this.#nextId++;
    const since = this.events.all.length;
    await this.#process.writeLine(JSON.stringify({ id, ...command }));
    const reply = await this.events.wait((seen) => seen.event === "reply" && seen.id === id, {
      what: `reply to ${command["command"]} from the Go node ${this.name}`,
      timeoutMs: 20_000,
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
    bind: options.bind,
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
