/**
 * The daemon: assembles a node from its parts, and starts, stops and reloads it.
 * @module
 */
import { formatAddress } from "../address.ts";
import { CHECK_TYPES } from "../checks/registry.ts";
import { Runner } from "../checks/runner.ts";
import { ClientServer } from "../client/server.ts";
import { readBody, summaryOf } from "../batch/body.ts";
import type { GossipEvent } from "../gossip/types.ts";
import {
  DEFAULT_NODE_PORT,
  LEAVE_TIMEOUT_MS,
  PARALLEL_PER_CORE,
  REPORT_GRACE_MS,
} from "../limits.ts";
import { bindAll, type Bound } from "../node/bind.ts";
import { BatchRuns } from "./batch_runs.ts";
import { Desk } from "./desk.ts";
import { clusterEnvelope } from "../node/keyring_source.ts";
import { Node } from "../node/node.ts";
import type { DaemonOptions, DaemonRuntime } from "./settings.ts";
import { type NodeState, openState } from "../journal/node_state.ts";
import { Trust } from "../trust/trust.ts";

/** Options of the constructor of `Daemon`. */
export interface DaemonParts {
  readonly settings: DaemonOptions;
  readonly runtime: DaemonRuntime;
  /** Sockets to listen on; `stop` closes them. */
  readonly bound: Bound;
  /** Unique in the cluster. */
  readonly name: string;
  /** The durable state; `stop` closes it. */
  readonly state: NodeState;
  /** Token, signatures, policy and audit log; `stop` closes it. */
  readonly trust: Trust;
}

/** A running node, from `start` to `stop`. */
export class Daemon {
  readonly #options: DaemonParts;
  readonly #node: Node;
  readonly #runner: Runner;
  readonly #runs: BatchRuns;
  readonly #desk: Desk;
  readonly #clients: ClientServer | undefined;
  #stopping = false;

  /** Unique in the cluster. */
  readonly name: string;
  /** Resolves when the node has stopped; rejects on an internal error. */
  readonly finished: Promise<void>;

  /**
   * Binds the sockets, opens the state and starts the node. Rejects with `AddressError`,
   * `UsageError`, `StoreError` and `HostError`; nothing is then left open.
   */
  static async start(options: Pick<DaemonParts, "settings" | "runtime">): Promise<Daemon> {
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
    const checkTypes = CHECK_TYPES;
    const trust = new Trust({ name, ...listening, settings, checkTypes, runtime });
    cleanup.defer(() => trust.close());
    const daemon = new Daemon({ ...options, bound, name, state, trust });
    cleanup.move();
    return daemon;
  }

  /**
   * Starts the node; it joins the cluster in the background. Raises `UsageError` if the tags exceed
   * `META_MAX_BYTES`.
   */
  constructor(options: DaemonParts) {
    const { settings, runtime, bound, state, trust } = options;
    const { clock, random, timers, host, log } = runtime;
    this.#options = options;
    this.name = options.name;
    this.#node = new Node({
      name: this.name,
      address: bound.address,
      sockets: bound.sockets,
      settings,
      runtime,
      envelope: clusterEnvelope(settings, runtime),
      state,
      admit: (batch) => this.#stopping ? "this node is stopping" : trust.admit(batch),
      onGossipEvent: (event) => this.#onGossipEvent(event),
    });
    const { membership: members, peers, dissemination } = this.#node;
    const maxParallel = settings.maxParallel ?? PARALLEL_PER_CORE * runtime.cores;
    this.#runner = new Runner({ host, clock, timers, maxParallel, policy: trust.policy });
    this.#runs = new BatchRuns({
      node: this.name,
      runner: this.#runner,
      keys: this.#node.keys,
      rules: trust.rules({ isOwn: (id) => dissemination.progress(id) !== undefined }),
      store: state.batches,
      report: (id, report) => dissemination.report(id, report),
      clock,
      timers,
      log,
    });
    this.#desk = new Desk({
      members,
      peers,
      batches: dissemination,
      store: state.batches,
      keys: this.#node.keys,
      signerOf: (batch) => trust.signerOf(batch),
    });
    const { token } = trust;
    this.#clients = bound.clients && new ClientServer({
      ...{ listener: bound.clients, service: this.#desk, log, timers, random },
      drop: (input) => this.#node.drops.add(input),
      ...(token === undefined ? {} : { token: token.token, tokenFile: token.file }),
    });
    trust.logStart();
    this.#logStart();
    this.finished = this.#run();
  }

  /**
   * Stops the node: accepts no more batches, waits `graceMs` for running actions and then kills
   * them, sends the reports to their origins, leaves the cluster, and closes everything. It leaves
   * after the reports are acknowledged, so that the origins do not count it as unreached.
   */
  async stop({ graceMs }: { graceMs: number }): Promise<void> {
    const { runtime: { log }, state, trust } = this.#options;
    this.#stopping = true;
    this.#desk.stop();
    this.#runner.close("this node is stopping");
    log.write("info", "daemon_stopping", "waiting for running actions, then leaving the cluster", {
      running: this.#runs.running,
    });
    await this.#runs.drain(graceMs);
    await this.#runs.reportsSettled(REPORT_GRACE_MS);
    await this.#node.leave(LEAVE_TIMEOUT_MS);
    this.#clients?.close();
    this.#node.close();
    await this.finished;
    trust.close();
    state.close();
    log.write("info", "daemon_stopped", "stopped");
  }

  /** Reloads the files that an operator may change, and reopens the audit log. Never throws. */
  reload(): void {
    this.#options.trust.reload();
  }

  async #run(): Promise<void> {
    await Promise.all([this.#node.run(), this.#clients?.run()]);
  }

  #onGossipEvent(event: GossipEvent): void {
    const { runtime: { log }, trust } = this.#options;
    switch (event.type) {
      case "batch_accepted": {
        const { batch, targeted } = event;
        const body = readBody(batch.body);
        trust.accepted(batch, { runsHere: targeted, summary: summaryOf(body) });
        log.write("info", event.type, `accepted batch ${batch.id}`, {
          origin: batch.origin.name,
          runsHere: targeted,
        });
        if (targeted) this.#runs.begin(event, body);
        break;
      }
      case "batch_released":
        this.#runs.begin(event, readBody(event.batch.body));
        break;
      case "batch_cancelled":
        this.#runs.stop(event.batchId, "the batch was cancelled");
        break;
      case "batch_refused":
        trust.refused(event);
        log.write("warn", event.type, `refused batch ${event.batchId}: ${event.reason}`, {
          origin: event.origin,
          from: event.from,
        });
        break;
      case "report_confirmed":
      case "report_abandoned":
        this.#runs.reportSettled(event.batchId);
        break;
      case "results_forgotten":
        log.write("info", event.type, `evicted the results of batch ${event.batchId}`, {
          forgotten: this.#node.dissemination.status().forgottenCollections,
        });
        break;
      case "batch_not_stored":
      case "batch_expired":
      case "progress":
      case "batch_settled":
      case "rollout_stopped":
      case "dropped":
        break;
      default:
        event satisfies never;
    }
    this.#desk.notice(event);
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
