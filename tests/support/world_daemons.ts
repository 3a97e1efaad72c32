/**
 * Whole daemons in one process and in virtual time: each on a host of a virtual network, with a disk,
 * files, a shell and clients.
 * @module
 */
import { Client, type RequestSource } from "../../lib/client/client.ts";
import type { Reply } from "../../lib/client/protocol.ts";
import { Daemon } from "../../lib/daemon/daemon.ts";
import type { DaemonOptions, DaemonRuntime } from "../../lib/daemon/settings.ts";
import { UsageError } from "../../lib/errors.ts";
import type { LogFields } from "../../lib/runtime.ts";
import { parseToken } from "../../lib/trust/token.ts";
import { FakeHost } from "./fake_host.ts";
import { MemoryDisk } from "./memory_disk.ts";
import type { VirtualHost, VirtualProcess } from "./world_host.ts";
import { VirtualNetwork } from "./world_network.ts";
import { SeededRandom } from "./world_time.ts";

const NODE_PORT = 3505;
const CLIENT_PORT = 5924;

/** A line of a daemon's log. */
export interface LogLine {
  readonly event: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** Hosts with a daemon each, and one for an operator. */
export class DaemonWorld implements Disposable {
  readonly network: VirtualNetwork;
  /** All daemons, in the order in which they were added. */
  readonly daemons: WorldDaemon[] = [];
  readonly seed: number;
  /** The process in which an operator's clients run. */
  readonly operator: VirtualProcess;
  #failure: unknown;

  /** Has no daemons yet. */
  constructor(options: { readonly seed: number }) {
    this.seed = options.seed;
    this.network = new VirtualNetwork(options);
    this.operator = this.network.addHost({ host: "10.9.0.1", port: 1 }).start();
  }

  /** Adds a daemon, which joins through the first one, and starts it. */
  async add(name: string): Promise<WorldDaemon> {
    const daemon = new WorldDaemon(this, name);
    this.daemons.push(daemon);
    await daemon.start();
    return daemon;
  }

  /** Lets time pass. Rejects with what a bug in a daemon has thrown. */
  async pass(ms: number): Promise<void> {
    await this.network.schedule.passSettled(ms);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Lets time pass until a promise is settled. Rejects if that takes over `atMostMs`. */
  async until<T>(promise: Promise<T>, atMostMs: number): Promise<T> {
    let settled = false;
    const done = () => settled = true;
    promise.then(done, done);
    for (let passedMs = 0; !settled; passedMs += 10) {
      if (passedMs > atMostMs) throw new Error(`not within ${atMostMs} ms (seed ${this.seed})`);
      await this.pass(10);
    }
    return await promise;
  }

  /** For daemons: the next `pass` rejects. */
  fail(error: unknown): void {
    this.#failure ??= error;
  }

  /** Kills all daemons and frees their disks. */
  [Symbol.dispose](): void {
    for (const daemon of this.daemons) {
      daemon.kill();
      daemon.disk[Symbol.dispose]();
    }
  }
}

/** One daemon, and the machine that it runs on. */
export class WorldDaemon {
  readonly name: string;
  readonly host: VirtualHost;
  /** Where its checks look and its actions run; a test ends each action. */
  readonly machine = new FakeHost();
  /** What its journal has written. */
  readonly disk = new MemoryDisk();
  /** What it has logged, over all restarts. */
  readonly logged: LogLine[] = [];
  /** The lines of its audit log. */
  readonly audit: Record<string, unknown>[] = [];
  readonly #world: DaemonWorld;
  readonly #files = new Map<string, string>();
  #daemon: Daemon | undefined;
  #starts = 0;

  /** Made by `DaemonWorld.add`. */
  constructor(world: DaemonWorld, name: string) {
    this.#world = world;
    this.name = name;
    const address = { host: `10.0.0.${world.daemons.length + 1}`, port: NODE_PORT };
    this.host = world.network.addHost(address);
  }

  /** Starts it, with what its disk and its files hold. */
  async start(): Promise<void> {
    const first = this.#world.daemons[0]?.host.address ?? this.host.address;
    const { host } = this.host.address;
    const settings: DaemonOptions = {
      name: this.name,
      bind: { hostname: host, port: NODE_PORT },
      clientBind: { hostname: host, port: CLIENT_PORT },
      gossipGroup: 5,
      peers: [{ hostname: first.host, port: first.port }],
      tags: new Map(),
      advertiseIntervalMs: 20_000,
      label: "",
      // Without keys a node that others reach refuses actions of batches from the network.
      insecure: true,
    };
    const runtime = this.#runtime(this.host.start());
    const daemon = await Daemon.start({ settings, runtime });
    daemon.finished.catch((error) => this.#world.fail(error));
    this.#daemon = daemon;
  }

  /** Kills it, as `kill -9` does. Its machine goes on. */
  kill(): void {
    this.host.end();
    this.#daemon = undefined;
  }

  /** Lets it leave and end, as SIGTERM does; `DaemonWorld.until` lets time pass meanwhile. */
  async stop(options: { readonly graceMs: number }): Promise<void> {
    await this.#daemon?.stop(options);
    this.kill();
  }

  /** Asks it as `gcheck` does; calls back with each reply as it comes. */
  async ask(
    request: RequestSource,
    options: { readonly onReply?: (reply: Reply) => void; readonly token?: Uint8Array } = {},
  ): Promise<Reply[]> {
    const process = this.#world.operator;
    const client = new Client({
      network: process,
      timers: process,
      random: new SeededRandom(`client ${this.name}`),
      server: { host: this.host.address.host, port: CLIENT_PORT },
      timeoutMs: 5_000,
      token: options.token ?? this.token,
    });
    const replies: Reply[] = [];
    for await (const reply of client.request(request)) {
      replies.push(reply);
      options.onReply?.(reply);
    }
    return replies;
  }

  /** The token that the daemon made at its first start. */
  get token(): Uint8Array {
    return parseToken(this.#files.get("token") ?? "", { source: "token" });
  }

  /** Commands of the actions that were started on its machine, over all restarts. */
  get actions(): string[] {
    return this.machine.shells.map(({ command }) => command);
  }

  #runtime(process: VirtualProcess): DaemonRuntime {
    const random = new SeededRandom(`${this.name} ${++this.#starts} ${this.#world.seed}`);
    const files = this.#files;
    const absent = () => {
      throw new UsageError("these daemons have no such file");
    };
    return {
      ...{ network: process, timers: process, clock: process.host.clock, random },
      host: this.machine,
      hostname: this.name,
      cores: 1,
      log: {
        write: (...[, event, message, fields = {}]) => this.logged.push({ event, message, fields }),
      },
      readSecretFile: (path) => files.get(path),
      createSecretFile: (path, text) => void files.set(path, text),
      replaceSecretFile: (path, text) => void files.set(path, text),
      removeUnfinishedSecretFile() {},
      readRulesFile: absent,
      stateFile: ({ file }) => file,
      openAppendFile: () => ({
        append: (line) => void this.audit.push(JSON.parse(line)),
        size: () => 0,
        rotate() {},
        reopen() {},
        close() {},
      }),
      openStore: ({ schema }) => this.disk.open(schema),
    };
  }
}
