/**
 * The side of a node that faces the others: both protocol machines on their sockets.
 * @module
 */
import { formatAddress } from "../address.ts";
import { StoreError } from "../errors.ts";
import { Dissemination } from "../gossip/dissemination.ts";
import { newSession, type Session } from "../link/header.ts";
import { DEFAULT_GOSSIP_SETTINGS } from "../gossip/settings.ts";
import type { Batch, GossipEvent } from "../gossip/types.ts";
import type { Address } from "../runtime.ts";
import { LAN_SETTINGS } from "../swim/config.ts";
import { Membership } from "../swim/membership.ts";
import { encodeMeta } from "../swim/meta.ts";
import type { StreamSender, SwimEvent } from "../swim/types.ts";
import { Envelope } from "../wire/envelope.ts";
import type { StreamMessage } from "../wire/messages.ts";
import type { NodeSockets } from "./bind.ts";
import { clusterKeyring } from "./keyring_source.ts";
import { Drops } from "./drops.ts";
import { DurableSends } from "./durable_sends.ts";
import { GossipHost } from "./gossip_host.ts";
import { KeyOperations } from "./key_changes.ts";
import { logMemberEvent } from "./member_log.ts";
import { PeerFinder } from "./peer_finder.ts";
import { MembershipPeers } from "./membership_peers.ts";
import type { DaemonRuntime, NodeSettings } from "../daemon/settings.ts";
import type { NodeState } from "../journal/node_state.ts";
import { StreamServer } from "./stream_server.ts";
import { SwimHost } from "./swim_host.ts";

/** What a `Cluster` is made of. */
export interface ClusterOptions {
  /** Unique in the cluster. */
  readonly name: string;
  /** Where others reach this node. */
  readonly address: Address;
  /** Where it listens. Closed by `close`. */
  readonly sockets: NodeSockets;
  /** What the operator chose. */
  readonly settings: NodeSettings;
  /** What it runs on. */
  readonly runtime: DaemonRuntime;
  /** What it starts from, and where members are remembered. */
  readonly state: Pick<NodeState, "batches" | "restored" | "known">;
  /** Why a batch is not let in; `undefined` lets it in. */
  readonly admit: (batch: Batch) => string | undefined;
  /** Takes what happens in dissemination. */
  readonly onGossipEvent: (event: GossipEvent) => void;
}

/** Membership and dissemination of one node, from `run` to `close`. */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #swimHost: SwimHost;
  readonly #gossipHost: GossipHost;
  readonly #sends: DurableSends;
  readonly #streams: StreamServer;
  readonly #finder: PeerFinder;
  readonly #left = Promise.withResolvers<void>();

  /** Who is there. */
  readonly membership: Membership;
  /** The same as dissemination sees it. */
  readonly peers: MembershipPeers;
  /** What travels among them. */
  readonly dissemination: Dissemination;
  /** What came in and was dropped. */
  readonly drops: Drops;
  /** Changes the keys. */
  readonly keys: KeyOperations;

  /** Sends nothing yet. Raises `UsageError` on tags that do not fit and on bad keys. */
  constructor(options: ClusterOptions) {
    const { runtime, settings } = options;
    const { clock, random, timers, log, network } = runtime;
    this.#options = options;
    this.drops = new Drops({ log, timers });
    const keyring = clusterKeyring(settings, runtime);
    const envelope = new Envelope({ label: settings.label, keyring, random, compress: true });
    this.#swimHost = this.#makeSwimHost(envelope);
    const session = newSession(random);
    this.membership = new Membership({
      name: options.name,
      address: options.address,
      meta: encodeMeta(settings.tags, session),
      settings: LAN_SETTINGS,
      envelope,
      effects: this.#swimHost,
      clock,
      random,
    });
    this.peers = new MembershipPeers(this.membership);
    this.#gossipHost = this.#makeGossipHost(envelope, session);
    this.#sends = new DurableSends({
      host: this.#gossipHost,
      store: options.state.batches,
      timers,
      log,
      failed: (id) => this.dissemination.sent(id, false),
    });
    this.dissemination = new Dissemination({
      settings: {
        ...DEFAULT_GOSSIP_SETTINGS,
        gossipGroup: settings.gossipGroup,
        advertiseIntervalMs: settings.advertiseIntervalMs,
      },
      peers: this.peers,
      effects: this.#sends,
      clock,
      random,
      admit: options.admit,
      ...(options.state.restored && { restored: options.state.restored }),
    });
    this.keys = new KeyOperations({
      keyring,
      file: settings.keyringFile,
      writeFile: runtime.replaceSecretFile,
      log,
    });
    this.keys.remember(this.dissemination.batches());
    this.#streams = new StreamServer({
      listener: options.sockets.streams,
      envelope,
      timers,
      drops: this.drops,
      onMessage: (from, message) => this.#onStreamMessage(from, message),
    });
    const join = (addresses: readonly Address[]) => this.membership.join(addresses);
    this.#finder = new PeerFinder({ network, timers, random, log, join });
  }

  /** Begins, looks for the peers in the background, and serves until `close`. */
  async run(): Promise<void> {
    this.membership.start();
    this.guard(() => this.dissemination.start());
    this.#rejoin();
    for (const peer of this.#options.settings.peers) this.#finder.find(peer);
    await Promise.all([this.#receivePackets(), this.#streams.run()]);
  }

  /** Tells the others that this node leaves; resolves when the news is out or time is up. */
  async leave(timeoutMs: number): Promise<void> {
    this.#finder.close();
    this.membership.leave(timeoutMs);
    await this.#left.promise;
  }

  /** Ends everything, at once and without a word to the others. */
  close(): void {
    this.#finder.close();
    this.#swimHost.close();
    this.#sends.close();
    this.#gossipHost.close();
    this.#streams.close();
    this.#options.sockets.datagrams.close();
    this.drops.close();
  }

  /**
   * Calls into dissemination. Where the store fails, what was asked is undone there and said here,
   * and the answer is false: the node goes on, and refuses what it cannot remember.
   */
  guard(call: () => void): boolean {
    try {
      call();
      return true;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#options.runtime.log.write("error", "store_failed", error.message);
      return false;
    }
  }

  /** Peers that the operator names are looked for as well. */
  #rejoin(): void {
    const addresses = this.#options.state.known?.addresses() ?? [];
    if (addresses.length === 0) return;
    this.#options.runtime.log.write(
      "info",
      "rejoining",
      "looking for the cluster through members known before the restart",
      { known: addresses.length },
    );
    this.membership.rejoin(addresses);
  }

  #makeSwimHost(envelope: Envelope): SwimHost {
    const { sockets, runtime: { network, timers } } = this.#options;
    return new SwimHost({
      socket: sockets.datagrams,
      network,
      timers,
      envelope,
      machine: {
        fire: (timer) => this.membership.fire(timer),
        receiveReply: (exchange, message) => this.membership.receiveReply(exchange, message),
        exchangeFailed: (exchange, reason) => this.membership.exchangeFailed(exchange, reason),
      },
      onEvent: (event) => this.#onMemberEvent(event),
    });
  }

  #makeGossipHost(envelope: Envelope, session: Session): GossipHost {
    const { runtime: { network, timers, clock, random }, settings, onGossipEvent } = this.#options;
    return new GossipHost({
      ...{ network, timers, clock, random, envelope, session },
      peers: this.peers,
      members: this.membership,
      drops: this.drops,
      machine: {
        fire: (timer) => this.guard(() => this.dissemination.fire(timer)),
        sent: (sendId, ok) => this.guard(() => this.dissemination.sent(sendId, ok)),
        receive: (message, from) => this.guard(() => this.dissemination.receive(message, from)),
      },
      onEvent: (event) => {
        if (event.type === "dropped") this.drops.add(event);
        onGossipEvent(event);
      },
      onSession: (next) => this.membership.updateMeta(encodeMeta(settings.tags, next)),
    });
  }

  async #receivePackets(): Promise<void> {
    const { datagrams } = this.#options.sockets;
    for (let datagram; (datagram = await datagrams.receive()) !== undefined;) {
      this.membership.receivePacket(datagram.from, datagram.bytes);
    }
  }

  #onStreamMessage(from: StreamSender, message: StreamMessage): Uint8Array | undefined {
    return message.type === "user"
      ? this.#gossipHost.receiveStream(from, message.payload)
      : this.membership.receiveStream(from, message);
  }

  #onMemberEvent(event: SwimEvent): void {
    logMemberEvent(event, { log: this.#options.runtime.log, self: this.#options.name });
    this.#options.state.known?.notice(event);
    switch (event.type) {
      case "member_joined":
      case "member_updated":
      case "member_suspected":
      case "member_trusted":
      case "member_failed":
      case "member_left":
      case "member_degraded":
        return void this.guard(() => this.dissemination.memberChanged(event.member.name));
      case "member_forgotten":
        return void this.guard(() => this.dissemination.memberChanged(event.name));
      case "user_message":
        return this.#gossipHost.receivePacket(event.from, event.payload);
      case "dropped":
        return this.drops.add({ ...event, from: formatAddress(event.from) });
      case "left":
        return this.#left.resolve();
      case "join_succeeded":
      case "join_failed":
      case "name_conflict":
      case "refuted":
        return;
      default:
        return event satisfies never;
    }
  }
}
