/**
 * A node among the others: membership and dissemination on their sockets.
 * @module
 */
import type { Batch } from "../batch/batch.ts";
import { formatAddress } from "../address.ts";
import type { Dissemination } from "../gossip/dissemination.ts";
import { newSession, type Session } from "../link/header.ts";
import { DEFAULT_GOSSIP_SETTINGS } from "../gossip/settings.ts";
import type { GossipEvent, RestoredState } from "../gossip/types.ts";
import type { Address } from "../runtime.ts";
import { LAN_SETTINGS, type SwimSettings } from "../swim/config.ts";
import { Membership } from "../swim/membership.ts";
import { encodeMeta } from "../swim/meta.ts";
import type { StreamSender, SwimEvent } from "../swim/types.ts";
import type { Envelope } from "../wire/envelope.ts";
import type { StreamMessage } from "../wire/messages.ts";
import type { BatchStore } from "../journal/batch_store.ts";
import type { KnownMembers } from "../journal/known_members.ts";
import type { NodeSockets } from "./bind.ts";
import { Drops } from "./drops.ts";
import { Gossip } from "./gossip.ts";
import { KeyChanges } from "./key_changes.ts";
import { logMemberEvent } from "./member_log.ts";
import { PeerFinder } from "./peer_finder.ts";
import { MembershipPeers } from "./membership_peers.ts";
import type { NodeRuntime, NodeSettings } from "./settings.ts";
import { StreamServer } from "./stream_server.ts";
import { SwimHost } from "./swim_host.ts";

/** What a node keeps over a restart, opened. */
export interface NodeStores {
  /** The journal. */
  readonly batches: BatchStore;
  /** What the journal kept over a restart; absent if nothing is kept. */
  readonly restored?: RestoredState;
  /** Remembers where other nodes are; absent if nothing is kept. */
  readonly known?: Pick<KnownMembers, "addresses" | "notice">;
}

/** Options of a `Node`. */
export interface NodeOptions {
  /** Unique in the cluster. */
  readonly name: string;
  /** Where others reach this node. */
  readonly address: Address;
  /** Where it listens. Closed by `close`. */
  readonly sockets: NodeSockets;
  readonly settings: NodeSettings;
  /** Timings of the membership. Default: `LAN_SETTINGS`. */
  readonly swimSettings?: SwimSettings;
  readonly runtime: NodeRuntime;
  /** Seals and opens what goes over the network; see `clusterEnvelope`. */
  readonly envelope: Envelope;
  readonly state: NodeStores;
  /** Why a batch is refused; `undefined` accepts it. */
  readonly admit: (batch: Batch) => string | undefined;
  /** Handles the events of dissemination. */
  readonly onGossipEvent: (event: GossipEvent) => void;
}

/** Membership and dissemination of one node, from `run` to `close`. */
export class Node {
  readonly #options: NodeOptions;
  readonly #swimHost: SwimHost;
  readonly #gossip: Gossip;
  readonly #streams: StreamServer;
  readonly #finder: PeerFinder;
  readonly #left = Promise.withResolvers<void>();

  /** The members of the cluster. */
  readonly membership: Membership;
  /** The members as dissemination sees them. */
  readonly peers: MembershipPeers;
  /** Issues, follows and cancels batches. */
  readonly dissemination: Dissemination;
  /** Counts input that was dropped. */
  readonly drops: Drops;
  /** Changes the keys of this node. */
  readonly keys: KeyChanges;

  /** Sends nothing before `run`. Raises `UsageError` on tags that do not fit. */
  constructor(options: NodeOptions) {
    const { runtime, settings, envelope } = options;
    const { clock, random, timers, log, network } = runtime;
    this.#options = options;
    this.drops = new Drops({ log, timers });
    this.#swimHost = this.#makeSwimHost();
    const session = newSession(random);
    this.membership = new Membership({
      name: options.name,
      address: options.address,
      meta: encodeMeta(settings.tags, session),
      settings: options.swimSettings ?? LAN_SETTINGS,
      envelope,
      effects: this.#swimHost,
      clock,
      random,
    });
    this.peers = new MembershipPeers(this.membership);
    this.#gossip = this.#makeGossip(session);
    this.dissemination = this.#gossip.dissemination;
    this.keys = new KeyChanges({
      keyring: envelope.options.keyring,
      file: settings.keyringFile,
      acceptPlaintext: envelope.options.acceptPlaintext ?? false,
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

  /** Starts, looks for the configured peers in the background, and serves until `close`. */
  async run(): Promise<void> {
    this.membership.start();
    this.dissemination.start();
    this.#rejoin();
    for (const peer of this.#options.settings.peers) this.#finder.find(peer);
    await Promise.all([this.#receivePackets(), this.#streams.run()]);
  }

  /** Leaves the cluster; resolves when the others were told, or after `timeoutMs`. */
  async leave(timeoutMs: number): Promise<void> {
    this.#finder.close();
    this.membership.leave(timeoutMs);
    await this.#left.promise;
  }

  /** Ends everything at once, without a message to the others. */
  close(): void {
    this.#finder.close();
    this.#swimHost.close();
    this.#gossip.close();
    this.#streams.close();
    this.#options.sockets.datagrams.close();
    this.drops.close();
  }

  /** Contacts members known before the restart; configured peers are looked for as well. */
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

  #makeSwimHost(): SwimHost {
    const { sockets, envelope, runtime: { network, timers } } = this.#options;
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

  #makeGossip(session: Session): Gossip {
    const { runtime: { network, timers, clock, random }, envelope, settings, state } = this
      .#options;
    return new Gossip({
      ...{ network, timers, clock, random, envelope, session },
      peers: this.peers,
      members: this.membership,
      drops: this.drops,
      settings: {
        ...DEFAULT_GOSSIP_SETTINGS,
        gossipGroup: settings.gossipGroup,
        advertiseIntervalMs: settings.advertiseIntervalMs,
      },
      store: state.batches,
      ...(state.restored && { restored: state.restored }),
      admit: this.#options.admit,
      onEvent: this.#options.onGossipEvent,
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
      ? this.#gossip.receiveUserMessage({ from, payload: message.payload, carrier: "stream" })
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
        return this.dissemination.memberChanged(event.member.name);
      case "member_forgotten":
        return this.dissemination.memberChanged(event.name);
      case "user_message":
        this.#gossip.receiveUserMessage({ ...event, carrier: "packet" });
        return;
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
