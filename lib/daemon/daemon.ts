/**
 * One node: cluster, checks and clients put together; owns start and stop.
 * @module
 */
import { formatAddress } from "../address.ts";
import { Runner } from "../checks/runner.ts";
import { ClientServer } from "../client/server.ts";
import type { GossipEvent } from "../gossip/types.ts";
import { DEFAULT_NODE_PORT, LEAVE_TIMEOUT_MS, REPORT_GRACE_MS } from "../limits.ts";
import { bindAll, type Bound } from "./bind.ts";
import { type BatchStore, MemoryBatchStore } from "./batch_store.ts";
import { Batches } from "./batches.ts";
import { DaemonService } from "./client_service.ts";
import { Cluster } from "./cluster.ts";
import type { DaemonRuntime, NodeSettings } from "./settings.ts";

/** Checks and actions that run at once, for each processor. */
const PARALLEL_PER_CORE = 4;

/** What a `Daemon` is made of. */
export interface DaemonOptions {
  /** What the operator chose. */
  readonly settings: NodeSettings;
  /** What it runs on. */
  readonly runtime: DaemonRuntime;
  /** What it listens on; closed by `stop`. */
  readonly bound: Bound;
}

/** A node that runs, from `start` to `stop`. */
export class Daemon {
  readonly #options: DaemonOptions;
  readonly #cluster: Cluster;
  readonly #runner: Runner;
  readonly #batches: Batches;
  readonly #store: BatchStore;
  readonly #service: DaemonService;
  readonly #clients: ClientServer | undefined;
  #stopping = false;

  /** Unique in the cluster. */
  readonly name: string;
  /** Resolves when the node has stopped; rejects where a bug ended one of its loops. */
  readonly finished: Promise<void>;

  /** Binds and begins. Rejects with `AddressError` and `UsageError`; then nothing is left open. */
  static async start(options: Omit<DaemonOptions, "bound">): Promise<Daemon> {
    const bound = await bindAll(options.runtime.network, options.settings);
    try {
      return new Daemon({ ...options, bound });
    } catch (error) {
      bound.sockets.datagrams.close();
      bound.sockets.streams.close();
      bound.clients?.close();
      throw error;
    }
  }

  /** Begins; peers are looked for in the background. Raises `UsageError` on tags that do not fit. */
  constructor(options: DaemonOptions) {
    const { settings, runtime, bound } = options;
    const { clock, random, timers, host, log } = runtime;
    this.#options = options;
    this.name = settings.name ?? defaultName(runtime.hostname, bound.address.port);
    this.#cluster = new Cluster({
      name: this.name,
      address: bound.address,
      sockets: bound.sockets,
      settings,
      runtime,
      admit: () => this.#stopping ? "this node is stopping" : undefined,
      onGossipEvent: (event) => this.#onGossipEvent(event),
    });
    const { membership: members, peers, dissemination } = this.#cluster;
    this.#store = new MemoryBatchStore();
    const maxParallel = PARALLEL_PER_CORE * runtime.cores;
    this.#runner = new Runner({ host, clock, timers, maxParallel });
    this.#batches = new Batches({
      node: this.name,
      runner: this.#runner,
      keys: this.#cluster.keys,
      store: this.#store,
      report: (id, report) => this.#cluster.guard(() => dissemination.report(id, report)),
      clock,
      timers,
      log,
    });
    this.#service = new DaemonService({
      members,
      peers,
      batches: dissemination,
      store: this.#store,
      keys: this.#cluster.keys,
    });
    this.#clients = bound.clients &&
      new ClientServer({ listener: bound.clients, service: this.#service, log, timers, random });
    this.#logStart();
    this.finished = this.#run();
  }

  /**
   * Takes no more batches, leaves the cluster, lets what runs finish for `graceMs` and ends the
   * rest, sends the results home, and closes everything.
   */
  async stop({ graceMs }: { graceMs: number }): Promise<void> {
    const { log } = this.#options.runtime;
    this.#stopping = true;
    this.#service.stop();
    this.#runner.close("this node is stopping");
    log.write("info", "daemon_stopping", "leaving the cluster", { running: this.#batches.running });
    await Promise.all([this.#cluster.leave(LEAVE_TIMEOUT_MS), this.#batches.drain(graceMs)]);
    await this.#batches.reportsSettled(REPORT_GRACE_MS);
    this.#clients?.close();
    this.#cluster.close();
    await this.finished;
    log.write("info", "daemon_stopped", "stopped");
  }

  async #run(): Promise<void> {
    await Promise.all([this.#cluster.run(), this.#clients?.run()]);
  }

  #onGossipEvent(event: GossipEvent): void {
    const { log } = this.#options.runtime;
    this.#store.note(event);
    switch (event.type) {
      case "batch_accepted":
        log.write("info", event.type, `took batch ${event.batch.id}`, {
          origin: event.batch.origin.name,
          runsHere: event.targeted,
        });
        this.#batches.accepted(event);
        break;
      case "batch_released":
        this.#batches.run(event.batch, { cancelled: event.cancelled });
        break;
      case "batch_cancelled":
        this.#batches.stop(event.batchId, "the batch was cancelled");
        break;
      case "batch_refused":
        log.write("warn", event.type, `refused batch ${event.batchId}: ${event.reason}`, {
          origin: event.origin,
          from: event.from,
        });
        break;
      case "report_confirmed":
      case "report_abandoned":
        this.#batches.reportSettled(event.batchId);
        break;
      case "batch_expired":
      case "progress":
      case "batch_settled":
      case "rollout_stopped":
      case "results_forgotten":
      case "dropped":
        break;
      default:
        event satisfies never;
    }
    this.#service.notice(event);
  }

  #logStart(): void {
    const { settings, runtime: { log }, bound: { sockets, clients, address } } = this.#options;
    const [bind, advertise] = [sockets.datagrams.local, address].map(formatAddress);
    log.write("info", "daemon_started", "gossipcheckd is up", {
      name: this.name,
      bind,
      advertise: advertise === bind ? undefined : advertise,
      clients: clients ? formatAddress(clients.local) : "none",
      peers: settings.peers.length === 0 ? "none" : settings.peers.map(formatAddress).join(","),
    });
  }
}

function defaultName(hostname: string, port: number): string {
  return port === DEFAULT_NODE_PORT ? hostname : `${hostname}:${port}`;
}
