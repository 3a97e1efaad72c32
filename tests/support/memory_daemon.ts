/**
 * Complete daemons in the test process, on a memory network and in virtual time.
 * @module
 */
import { Client } from "../../lib/client/client.ts";
import type { Reply, Request } from "../../lib/client/protocol.ts";
import { Daemon } from "../../lib/daemon/daemon.ts";
import type { DaemonOptions, DaemonRuntime } from "../../lib/daemon/settings.ts";
import { SqliteStore } from "../../lib/deno/store.ts";
import { StoreError } from "../../lib/errors.ts";
import type { Store, StoreValue } from "../../lib/runtime.ts";
import { FakeHost } from "./fake_host.ts";
import { MemoryNetwork } from "./memory_network.ts";
import { VirtualTime } from "./virtual_time.ts";
import { SeededRandom } from "./world_time.ts";

const HOST = "127.0.0.1";
const TOKEN_BYTES = 32;

/** A cluster of daemons on one memory network. Disposing of it stops all daemons. */
export class MemoryCluster implements AsyncDisposable {
  /** The virtual time of all daemons. */
  readonly time = new VirtualTime();
  readonly network = new MemoryNetwork();
  /** The daemons, in the order of their start. */
  readonly daemons: MemoryDaemon[] = [];

  /** Starts a daemon that joins through the first one, and lets some time pass. */
  async add(name: string): Promise<MemoryDaemon> {
    const daemon = await MemoryDaemon.start(this, name);
    this.daemons.push(daemon);
    await this.time.pass(2_000);
    return daemon;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { daemon } of this.daemons) {
      let stopped = false;
      const stopping = daemon.stop({ graceMs: 0 }).finally(() => stopped = true);
      while (!stopped) await this.time.pass(100);
      await stopping;
    }
  }
}

/** A daemon and its fake host, disk and logs. */
export class MemoryDaemon {
  /** The fake host that its checks and actions use. */
  readonly host = new FakeHost();
  /** The lines of its audit log. */
  readonly audit: Record<string, unknown>[] = [];
  /** Its log, as `level event: message`. */
  readonly logged: string[] = [];
  /** Whether writes to its disk fail. */
  diskFull = false;
  readonly #cluster: MemoryCluster;
  readonly #index: number;
  #store: SqliteStore | undefined;
  #daemon: Daemon | undefined;

  /** Does not start the daemon. */
  constructor(cluster: MemoryCluster) {
    this.#cluster = cluster;
    this.#index = cluster.daemons.length;
  }

  /** Starts a daemon. */
  static async start(cluster: MemoryCluster, name: string): Promise<MemoryDaemon> {
    const started = new MemoryDaemon(cluster);
    const settings: DaemonOptions = {
      name,
      bind: { hostname: HOST, port: 7000 + started.#index },
      clientBind: { hostname: HOST, port: 6000 + started.#index },
      gossipGroup: 5,
      peers: started.#index === 0 ? [] : [{ hostname: HOST, port: 7000 }],
      tags: new Map(),
      advertiseIntervalMs: 20_000,
      label: "",
      maxParallel: 10,
    };
    started.#daemon = await Daemon.start({ settings, runtime: started.#runtime() });
    return started;
  }

  /** The running daemon. */
  get daemon(): Daemon {
    if (this.#daemon === undefined) throw new Error("it was not started");
    return this.#daemon;
  }

  /** Sends a request and returns all replies; the test must let `cluster.time` pass meanwhile. */
  ask(request: Request): Promise<Reply[]> {
    const { network, time } = this.#cluster;
    const client = new Client({
      ...{ network, timers: time, random: new SeededRandom("client") },
      server: { host: HOST, port: 6000 + this.#index },
      timeoutMs: 5_000,
      token: new Uint8Array(TOKEN_BYTES),
    });
    return Array.fromAsync(client.request(request));
  }

  /** Runs a query on its database. */
  onDisk(sql: string): Record<string, StoreValue>[] {
    return this.#store?.query(sql) ?? [];
  }

  #runtime(): DaemonRuntime {
    const { network, time } = this.#cluster;
    const secrets = new Map([["token", "00".repeat(TOKEN_BYTES)]]);
    const none = () => {
      throw new Error("not here");
    };
    return {
      ...{ network, clock: time, timers: time, random: new SeededRandom(this.#index) },
      host: this.host,
      hostname: "memory",
      cores: 1,
      log: {
        write: (...[level, event, message]) => this.logged.push(`${level} ${event}: ${message}`),
      },
      readSecretFile: (path) => secrets.get(path),
      createSecretFile: none,
      replaceSecretFile: none,
      removeUnfinishedSecretFile() {},
      readRulesFile: none,
      stateFile: ({ file }) => file,
      openAppendFile: () => ({
        append: (line) => void this.audit.push(JSON.parse(line)),
        size: () => 0,
        rotate() {},
        reopen() {},
        close() {},
      }),
      openStore: ({ schema }) => this.#openStore(schema),
    };
  }

  #openStore(schema: readonly string[]): Store {
    const store = new SqliteStore({ path: ":memory:", schema });
    this.#store = store;
    return {
      run: (sql, ...parameters) => store.run(sql, ...parameters),
      query: (sql, ...parameters) => store.query(sql, ...parameters),
      transaction: (body, options) => {
        if (this.diskFull) throw new StoreError("the disk is full");
        return store.transaction(body, options);
      },
      close: () => store.close(),
    };
  }
}
