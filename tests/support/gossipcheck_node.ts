/**
 * One of our daemons as a real process, watched through its JSON log and asked through `gcheck`.
 * @module
 */
import { fromFileUrl } from "@std/path";
import { engineFlags } from "../../scripts/engine_flags.ts";
import type { MemberRecord } from "../../lib/cli/records.ts";
import type {
  ClusterNode,
  MemberEventName,
  MemberWait,
  NodeEvent,
  NodeStart,
  NodeView,
} from "./cluster_node.ts";
import { EventLog } from "./process_events.ts";
import { type CommandLine, type CommandResult, runCommand, TestProcess } from "./process.ts";

/** The project's own folder. */
export const PROJECT: string = fromFileUrl(new URL("../../", import.meta.url));

/** How one of our daemons is started. */
export interface GossipcheckNodeOptions extends NodeStart {
  /** Where its state is kept, in a directory of its name; nowhere by default. */
  readonly stateDirectory?: string;
  /** Further flags. */
  readonly flags?: readonly string[];
  /** Wraps each command line, to run it inside a network namespace. */
  readonly wrap?: (line: CommandLine) => CommandLine;
}

/** One line of the daemon's log. */
export interface LogLine extends NodeEvent {
  /** The log event's name, or what it means in `MemberEventName`. */
  readonly event: string;
  /** The line as it was written. */
  readonly fields: Readonly<Record<string, unknown>>;
}

const MEMBER_EVENTS: Readonly<Record<string, MemberEventName>> = {
  member_joined: "join",
  member_updated: "update",
  member_left: "left",
  member_failed: "failed",
};

/** One running daemon. Disposing of it kills it. */
export class GossipcheckNode implements ClusterNode {
  readonly #process: TestProcess;
  readonly #options: GossipcheckNodeOptions;
  readonly #clientAddress: string;
  readonly events: EventLog<LogLine>;
  readonly address: string;

  /** Takes over a process that `start` started. */
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

  /** Starts one under its permission set and waits until it listens. It joins in the background. */
  static async start(settings: GossipcheckNodeOptions): Promise<GossipcheckNode> {
    const line = commandOf("gossipcheckd", daemonArguments(settings));
    const process = new TestProcess(settings.wrap?.(line) ?? line);
    const events = new EventLog<LogLine>();
    process.stderr.follow((text) => {
      const parsed = parseLogLine(text);
      if (parsed === undefined) return;
      const { leftOut } = parsed.fields;
      if (typeof leftOut !== "number") return events.push(parsed);
      // Lines that the log left out for their number are taken for the worst that they can be.
      for (let each = 0; each < leftOut; each++) events.push({ ...parsed, by: settings.name });
    });
    void process.status.then(({ code }) => events.close(`${settings.name} ended with ${code}`));
    try {
      const started = await events.wait(({ event }) => event === "daemon_started", {
        what: `start of the daemon ${settings.name}`,
        timeoutMs: 30_000,
      }).catch((error) => {
        throw new Error(`${error.message}\n${process.stderr.all.join("\n")}`);
      });
      return new GossipcheckNode({ settings, process, events, started });
    } catch (error) {
      await process[Symbol.asyncDispose]();
      throw error;
    }
  }

  get name(): string {
    return this.#options.name;
  }

  /** Its process id. */
  get pid(): number {
    return this.#process.pid;
  }

  /** What it wrote to stderr, a line an entry: its log, and what it says before it has one. */
  get lines(): EventLog<string> {
    return this.#process.stderr;
  }

  /** How it ends. */
  get status(): Promise<Deno.CommandStatus> {
    return this.#process.status;
  }

  waitFor(event: MemberEventName, options: MemberWait): Promise<LogLine> {
    return this.events.wait((seen) => seen.event === event && seen.name === options.name, {
      what: `"${event}" of ${options.name} at our node ${this.name}`,
      ...options,
    });
  }

  /** Runs `gcheck` against it. */
  gcheck(
    args: readonly string[],
    options: { input?: string; timeoutMs?: number } = {},
  ): Promise<CommandResult> {
    const line = commandOf("gcheck", ["-server", this.#clientAddress, ...args]);
    return runCommand(this.#options.wrap?.(line) ?? line, options);
  }

  async members(): Promise<ReadonlyMap<string, NodeView>> {
    const { code, stdout, stderr } = await this.gcheck(["-output", "json", "list-members"]);
    if (code !== 0) throw new Error(`gcheck list-members exited with ${code}: ${stderr}`);
    const { members } = JSON.parse(stdout) as { members: readonly MemberRecord[] };
    return new Map(members.map((member) => [member.name, viewOf(member)]));
  }

  /** Sends SIGTERM. Rejects where it does not end with status 0 in time. */
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

  /** Starts it again at the same address with the same state, once it has ended. */
  async again(changes: Partial<GossipcheckNodeOptions> = {}): Promise<GossipcheckNode> {
    await this.#process.status;
    return await GossipcheckNode.start({ ...this.#options, bind: this.address, ...changes });
  }

  /** Sends its process a signal. */
  signal(signal: Deno.Signal): void {
    this.#process.signal(signal);
  }

  /** Kills it and waits until nothing of it is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}

/** What our own document says of a member. */
function viewOf({ gossipcheck, ...member }: MemberRecord): NodeView {
  return { ...member, runsGossipcheck: gossipcheck } as NodeView;
}

const PROGRAMS = {
  gossipcheckd: { main: "main.ts", variable: "GOSSIPCHECKD" },
  gcheck: { main: "cli.ts", variable: "GCHECK" },
} as const;

/** The command line of one of our programs: an executable that a variable names, else the source under its permission set. */
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
    `-bind=${settings.bind ?? "127.0.0.1:0"}`,
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
