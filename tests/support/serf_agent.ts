/**
 * Runs a Serf agent and controls it through the `serf` command.
 * @module
 */
import { mustRun, TestProcess } from "./process.ts";
import type {
  ForeignNode,
  MemberEventName,
  MemberWait,
  NodeEvent,
  NodeStart,
  NodeView,
} from "./cluster_node.ts";
import { EventLog } from "./process_events.ts";
import { freePort } from "./free_port.ts";

/** How to start a Serf agent. */
export interface SerfAgentOptions extends NodeStart {
  /** The `serf` executable. */
  readonly program: string;
  /** The key in base64. */
  readonly key?: string;
}

const EVENTS: Readonly<Record<string, MemberEventName>> = {
  EventMemberJoin: "join",
  EventMemberUpdate: "update",
  EventMemberLeave: "left",
  EventMemberFailed: "failed",
};

/** A running agent. Disposing of it kills it. */
export class SerfAgent implements ForeignNode {
  readonly #process: TestProcess;
  readonly #options: SerfAgentOptions & { readonly rpc: string };
  readonly events: EventLog<NodeEvent> = new EventLog<NodeEvent>();
  readonly address: string;

  /** Takes a process that `start` has started. */
  constructor(options: {
    settings: SerfAgentOptions & { readonly rpc: string };
    address: string;
    process: TestProcess;
  }) {
    this.#options = options.settings;
    this.address = options.address;
    this.#process = options.process;
    this.#process.stdout.follow((line) => {
      const found = /(EventMember\w+): (\S+)/.exec(line);
      const event = EVENTS[found?.[1] ?? ""];
      const name = found?.[2];
      if (event !== undefined && name !== undefined) {
        this.events.push({ event, name, atMs: Date.now() });
      }
    });
    void this.#process.status.then(({ code }) => this.events.close(`${this.name} ended: ${code}`));
  }

  /** Starts an agent and waits until it answers and has joined. */
  static async start(options: SerfAgentOptions): Promise<SerfAgent> {
    const address = options.bind ?? `127.0.0.1:${freePort()}`;
    const rpc = `127.0.0.1:${freePort()}`;
    const process = new TestProcess({
      program: options.program,
      args: agentArguments(options, { address, rpc }),
    });
    const agent = new SerfAgent({ settings: { ...options, rpc }, address, process });
    try {
      await process.stdout.wait((line) => line.includes("Serf agent running"), {
        what: `start of the Serf agent ${options.name}`,
      });
      if (options.join !== undefined) await agent.join(...options.join);
      return agent;
    } catch (error) {
      await agent[Symbol.asyncDispose]();
      throw error;
    }
  }

  get name(): string {
    return this.#options.name;
  }

  waitFor(event: MemberEventName, options: MemberWait): Promise<NodeEvent> {
    return this.events.wait((seen) => seen.event === event && seen.name === options.name, {
      what: `"${event}" of ${options.name} at the Serf agent ${this.name}`,
      ...options,
    });
  }

  async members(): Promise<ReadonlyMap<string, NodeView>> {
    const { members } = JSON.parse(await this.#serf("members", "-format=json")) as SerfMembers;
    return new Map(members.map(({ name, addr, status, tags }) => {
      const state = status === "leaving" ? "left" : status;
      return [name, { name, address: addr, state, tags }];
    }));
  }

  async join(...addresses: string[]): Promise<void> {
    await this.#serf("join", ...addresses);
  }

  async leave(): Promise<void> {
    await this.#serf("leave");
    await this.#process.status;
  }

  async update(tags: Readonly<Record<string, string>>): Promise<void> {
    await this.#serf(
      "tags",
      ...Object.entries(tags).map(([key, value]) => `-set=${key}=${value}`),
    );
  }

  async kill(): Promise<number> {
    await this.#process.stop("SIGKILL");
    return Date.now();
  }

  /** Kills it and waits until all its output is read. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }

  #serf(command: string, ...args: string[]): Promise<string> {
    const rpc = `-rpc-addr=${this.#options.rpc}`;
    return mustRun({ program: this.#options.program, args: [command, rpc, ...args] });
  }
}

interface SerfMembers {
  readonly members: readonly {
    readonly name: string;
    readonly addr: string;
    readonly status: "alive" | "leaving" | "left" | "failed";
    readonly tags: Readonly<Record<string, string>>;
  }[];
}

function agentArguments(
  options: SerfAgentOptions,
  endpoints: { readonly address: string; readonly rpc: string },
): string[] {
  return [
    "agent",
    `-node=${options.name}`,
    `-bind=${endpoints.address}`,
    `-rpc-addr=${endpoints.rpc}`,
    "-log-level=info",
    ...Object.entries(options.tags ?? {}).map(([key, value]) => `-tag=${key}=${value}`),
    ...(options.key === undefined ? [] : [`-encrypt=${options.key}`]),
  ];
}
