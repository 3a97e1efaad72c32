/**
 * Runs one of our daemons as a process; reads its JSON log and asks it through `gcheck`.
 * @module
 */
import { fromFileUrl } from "@std/path";
import { engineFlags } from "../../scripts/engine_flags.ts";
import type { MemberRecord } from "../../lib/cli/json_records.ts";
import type {
  ClusterNode,
  MemberEventName,
  MemberWait,
  NodeEvent,
  NodeStart,
  NodeView,
} from "./cluster_node.ts";
import { freePort } from "./free_port.ts";
import { EventLog } from "./process_events.ts";
import { type CommandLine, type CommandResult, runCommand, TestProcess } from "./process.ts";

/** The folder of the project. */
export const PROJECT: string = fromFileUrl(new URL("../../", import.meta.url));

/** How to start one of our daemons. */
export interface GossipcheckNodeOptions extends NodeStart {
  /** Where it keeps its state, in a directory of its name; by default it keeps none. */
  readonly stateDirectory?: string;
  /** Additional flags. */
  readonly flags?: readonly string[];
  /** Changes each command line, to run it in a network namespace for example. */
  readonly wrap?: (line: CommandLine) => CommandLine;
}

/** A line of the daemon's log. */
export interface LogLine extends NodeEvent {
  /** The name of the log event; for events of members a `MemberEventName`. */
  readonly event: string;
  /** All fields of the line. */
  readonly fields: Readonly<Record<string, unknown>>;
}

const MEMBER_EVENTS: Readonly<Record<string, MemberEventName>> = {
  member_joined: "join",
  member_updated: "update",
  member_left: "left",
  member_failed: "failed",
};

/** A running daemon. Disposing of it kills it. */
export class GossipcheckNode implements ClusterNode {
  readonly #process: TestProcess;
  readonly #options: GossipcheckNodeOptions;
  readonly #clientAddress: string;
  readonly events: EventLog<LogLine>;
  readonly address: string;

  /** Takes a process that `start` has started. */
  constructor(options: {
    settings: GossipcheckNodeOptions;
    process: TestProcess;
    events: EventLog<LogLine>;
    started: LogLine;
  }) {
    this.#options = options.settings;
    this.#process = options.process;
    this.events = options.events;
    const { fields } = options.started;
    this.address = String(fields["advertise"] ?? fields["bind"]);
    this.#clientAddress = String(fields["clients"]);
  }

  /**
   * Starts a daemon under its permission set and waits until it listens. It joins in the background.
   * Without `bind` it gets a port that no other test takes while it restarts.
   */
  static async start(settings: GossipcheckNodeOptions): Promise<GossipcheckNode> {
    const line = commandOf("gossipcheckd", daemonArguments(settings));
    const process = new TestProcess(settings.wrap?.(line) ?? line);
    const events = new EventLog<LogLine>();
    process.stderr.follow((text) => {
      const parsed = parseLogLine(text);
      if (parsed === undefined) return;
      const { leftOut } = parsed.fields;
      if (typeof leftOut !== "number") return events.push(parsed);
      // The lines that the log left out count as events of this node itself, the worst case.
      for (let each = 0; each < leftOut; each++) events.push({ ...parsed, by: settings.name });
    });
    void process.status.then(({ code }) => events.close(`${settings.name} ended with ${code}`));
    try {
      const started = await events.wait(({ event }) => event === "daemon_started", {
        what: `start of the daemon ${settings.name}`,
      });
      return new GossipcheckNode({ settings, process, events, started });
    } catch (error) {
      // Only then all of its output has been read.
      await process[Symbol.asyncDispose]();
      const message = error instanceof Error ? error.message : String(error);
      throw new Error(`${message}\n${process.stderr.all.join("\n")}`, { cause: error });
    }
  }

  get name(): string {
    return this.#options.name;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** The lines of its stderr: its log, and what it wrote before it opened the log. */
  get lines(): EventLog<string> {
    return this.#process.stderr;
  }

  /** Its exit status, once it ends. */
  get status(): Promise<Deno.CommandStatus> {
    return this.#process.status;
  }

  waitFor(event: MemberEventName, options: MemberWait): Promise<LogLine> {
    return this.events.wait((seen) => seen.event === event && seen.name === options.name, {
      what: `"${event}" of ${options.name} at our node ${this.name}`,
      ...options,
    });
  }

  /** Runs `gcheck` with this daemon as its server, wrapped as the daemon is unless `unwrapped`. */
  gcheck(
    args: readonly string[],
    options: { input?: string; timeoutMs?: number; unwrapped?: boolean } = {},
  ): Promise<CommandResult> {
    const line = commandOf("gcheck", ["-server", this.#clientAddress, ...args]);
    const wrapped = options.unwrapped ? undefined : this.#options.wrap?.(line);
    return runCommand(wrapped ?? line, options);
  }

  async members(): Promise<ReadonlyMap<string, NodeView>> {
    const { code, stdout, stderr } = await this.gcheck(["-output", "json", "list-members"]);
    if (code !== 0) throw new Error(`gcheck list-members exited with ${code}: ${stderr}`);
    const { members } = JSON.parse(stdout) as { members: readonly MemberRecord[] };
    return new Map(members.map((member) => [member.name, viewOf(member)]));
  }

  /** Sends SIGTERM. Rejects if it does not exit with status 0 in time. */
  async leave(): Promise<void> {
    const { code, signal } = await this.#process.stop("SIGTERM");
    if (code !== 0) {
      const how = signal ?? `status ${code}`;
      throw new Error(`the daemon ${this.name} ended with ${how} on SIGTERM`);
    }
  }

  async kill(): Promise<number> {
    await this.#process.stop("SIGKILL");
    return Date.now();
  }

  /** Waits for its end and starts it again with the same address and state. */
  async again(changes: Partial<GossipcheckNodeOptions> = {}): Promise<GossipcheckNode> {
    await this.#process.status;
    return await GossipcheckNode.start({ ...this.#options, bind: this.address, ...changes });
  }

  /** Sends a signal to its process. */
  signal(signal: Deno.Signal): void {
    this.#process.signal(signal);
  }

  /** Kills it and waits until all its output is read. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}

/** A member as `gcheck list-members` prints it. */
function viewOf({ gossipcheck, ...member }: MemberRecord): NodeView {
  return { ...member, runsGossipcheck: gossipcheck } as NodeView;
}

const PROGRAMS = {
  gossipcheckd: { main: "main.ts", variable: "GOSSIPCHECKD" },
  gcheck: { main: "cli.ts", variable: "GCHECK" },
} as const;

/** The command line of a program: the executable that a variable names, else the source under its permission set. */
function commandOf(program: keyof typeof PROGRAMS, args: readonly string[]): CommandLine {
  const { main, variable } = PROGRAMS[program];
  const executable = Deno.env.get(variable) ?? "";
  const common = { directory: PROJECT, environment: { NO_COLOR: "1" } };
  if (executable !== "") return { program: Deno.realPathSync(executable), args, ...common };
  const run = ["run", "--quiet", ...engineFlags(program), `-P=${program}`, main];
  return { program: Deno.execPath(), args: [...run, ...args], ...common };
}

function daemonArguments(settings: GossipcheckNodeOptions): string[] {
  const tags = Object.entries(settings.tags ?? {}).map((pair) => pair.join("="));
  return [
    `-name=${settings.name}`,
    `-bind=${settings.bind ?? `127.0.0.1:${freePort()}`}`,
    "-cli-bind=127.0.0.1:0",
    `-state-dir=${settings.stateDirectory ?? "none"}`,
    "-log-format=json",
    "-log-level=debug",
    ...(tags.length === 0 ? [] : [`-tags=${tags.join(",")}`]),
    ...(settings.join === undefined ? [] : [`-peers=${settings.join.join(",")}`]),
    ...(settings.flags ?? []),
  ];
}

function parseLogLine(text: string): LogLine | undefined {
  if (!text.startsWith("{")) return undefined;
  const fields = JSON.parse(text) as Record<string, unknown>;
  const event = String(fields["event"]);
  const { member, by } = fields;
  return {
    event: MEMBER_EVENTS[event] ?? event,
    atMs: Date.parse(String(fields["time"])),
    ...(typeof member === "string" ? { name: member } : {}),
    ...(typeof by === "string" ? { by } : {}),
    fields,
  };
}
