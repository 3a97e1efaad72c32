/**
 * One node: cluster, checks and clients put together; owns start and stop.
 * @module
 */
import { formatAddress } from "../address.ts";
import { Runner } from "../checks/runner.ts";
import { ClientServer } from "../client/server.ts";
import type { GossipEvent } from "../gossip/types.ts";
import {
  DEFAULT_NODE_PORT,
  LEAVE_TIMEOUT_MS,
  PARALLEL_PER_CORE,
  REPORT_GRACE_MS,
} from "../limits.ts";
import { bindAll, type Bound } from "../node/bind.ts";
import { Batches } from "./batch_runs.ts";
import { DaemonService } from "./desk.ts";
import { Cluster } from "../node/node.ts";
import type { DaemonRuntime, NodeSettings } from "./settings.ts";
import { type NodeState, openState } from "../journal/node_state.ts";
import { Trust } from "../trust/trust.ts";

/** What a `Daemon` is made of. */
export interface DaemonOptions {
  /** What the operator chose. */
  readonly settings: NodeSettings;
  /** What it runs on. */
  readonly runtime: DaemonRuntime;
  /** What it listens on; closed by `stop`. */
  readonly bound: Bound;
  /** Unique in the cluster. */
  readonly name: string;
  /** What it remembers; closed by `stop`. */
  readonly state: NodeState;
  /** Who may do what; closed by `stop`. */
  readonly trust: Trust;
}

/** A node that runs, from `start` to `stop`. */
export class Daemon {
  readonly #options: DaemonOptions;
  readonly #cluster: Cluster;
  readonly #runner: Runner;
  readonly #batches: Batches;
  readonly #service: DaemonService;
  readonly #clients: ClientServer | undefined;
  #stopping = false;

  /** Unique in the cluster. */
  readonly name: string;
  /** Resolves when the node has stopped; rejects where a bug ended one of its loops. */
  readonly finished: Promise<void>;

  /**
   * Binds, opens the node's state and begins. Rejects with `AddressError`, `UsageError`,
   * `StoreError` and `HostError`; then nothing is left open.
   */
  static async start(options: Pick<DaemonOptions, "settings" | "runtime">): Promise<Daemon> {
    const { settings, runtime } = options;
    using cleanup = new DisposableStack();
    const bound = await bindAll(runtime.network, settings);
    cleanup.defer(() => bound.sockets.datagrams.close());
    cleanup.defer(() => bound.sockets.streams.close());
    cleanup.defer(() => bound.clients?.close());
    const name = settings.name ?? defaultName(runtime.hostname, bound.address.port);
    const state = openState({ name, runtime });
    cleanup.defer(() => state.close());
    const listening = { bound: bound.sockets.datagrams.local, clients: bound.clients?.local };
    const trust = new Trust({ name, ...listening, settings, runtime });
    cleanup.defer(() => trust.close());
    const daemon = new Daemon({ ...options, bound, name, state, trust });
    cleanup.move();
    return daemon;
  }

  /** Begins; peers are looked for in the background. Raises `UsageError` on tags that do not fit. */
  constructor(options: DaemonOptions) {
    const { settings, runtime, bound, state, trust } = options;
    const { clock, random, timers, host, log } = runtime;
    this.#options = options;
    this.name = options.name;
    this.#cluster = new Cluster({
      name: this.name,
      address: bound.address,
      sockets: bound.sockets,
      settings,
      runtime,
      state,
      admit: (batch) => this.#stopping ? "this node is stopping" : trust.admit(batch),
      onGossipEvent: (event) => this.#onGossipEvent(event),
    });
    const { membership: members, peers, dissemination } = this.#cluster;
    const maxParallel = settings.maxParallel ?? PARALLEL_PER_CORE * runtime.cores;
    this.#runner = new Runner({ host, clock, timers, maxParallel, policy: trust.policy });
    this.#batches = new Batches({
      node: this.name,
      runner: this.#runner,
      keys: this.#cluster.keys,
      rules: trust.rules({ isOwn: (id) => dissemination.progress(id) !== undefined }),
      store: state.batches,
      report: (id, report) => this.#cluster.guard(() => dissemination.report(id, report)),
      clock,
      timers,
      log,
    });
    this.#service = new DaemonService({
      members,
      peers,
      batches: dissemination,
      store: state.batches,
      keys: this.#cluster.keys,
      signerOf: (batch) => trust.signerOf(batch),
    });
    const { token } = trust;
    this.#clients = bound.clients && new ClientServer({
      ...{ listener: bound.clients, service: this.#service, log, timers, random },
      drop: (input) => this.#cluster.drops.add(input),
      ...(token === undefined ? {} : { token: token.token, tokenFile: token.file }),
    });
    trust.logStart();
    this.#logStart();
    this.finished = this.#run();
  }

  /**
   * Takes no more batches, lets what runs finish for `graceMs` and ends the rest, sends the results
   * home, leaves the cluster, and closes everything. It leaves last: who waits for its results sees
   * them, and not a member that left.
   */
  async stop({ graceMs }: { graceMs: number }): Promise<void> {
    const { runtime: { log }, state, trust } = this.#options;
    this.#stopping = true;
    this.#service.stop();
    this.#runner.close("this node is stopping");
    log.write("info", "daemon_stopping", "finishing what runs, then leaving the cluster", {
      running: this.#batches.running,
    });
    await this.#batches.drain(graceMs);
    await this.#batches.reportsSettled(REPORT_GRACE_MS);
    await this.#cluster.leave(LEAVE_TIMEOUT_MS);
    this.#clients?.close();
    this.#cluster.close();
    await this.finished;
    trust.close();
    state.close();
    log.write("info", "daemon_stopped", "stopped");
  }

  /** Reads anew what the operator may have changed, and opens the audit log anew. Never throws. */
  reload(): void {
    this.#options.trust.reload();
  }

  async #run(): Promise<void> {
    await Promise.all([this.#cluster.run(), this.#clients?.run()]);
  }

  #onGossipEvent(event: GossipEvent): void {
    const { runtime: { log }, state, trust } = this.#options;
    if (event.type !== "batch_released") state.batches.note(event);
    switch (event.type) {
      case "batch_accepted":
        this.#batches.accepted(event);
        log.write("info", event.type, `took batch ${event.batch.id}`, {
          origin: event.batch.origin.name,
          runsHere: event.targeted,
        });
        break;
      case "batch_released":
        this.#batches.released(event);
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
      case "results_forgotten":
        log.write("info", event.type, `newer results took the room of batch ${event.batchId}`, {
          forgotten: this.#cluster.dissemination.status().forgottenCollections,
        });
        break;
      case "batch_expired":
      case "progress":
      case "batch_settled":
      case "rollout_stopped":
      case "dropped":
        break;
      default:
        event satisfies never;
    }
    trust.notice(event);
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
