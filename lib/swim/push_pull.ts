/**
 * Push/pull: builds this node's full state and merges that of another node (memberlist's
 * `sendLocalState`, `mergeRemoteState`, `mergeState`).
 * @module
 */
import type { PushPull, PushPullNode } from "../wire/messages.ts";
import type { LocalNode } from "./local_node.ts";
import { isActive, type MemberRecord } from "./members.ts";
import type { MessageSource, StateMessages } from "./state_messages.ts";
import { inSerfCluster, lamportTimeOf } from "./serf.ts";
import { incompatibility } from "./versions.ts";

/** Options of `StateExchange`. */
export interface StateExchangeOptions {
  readonly node: LocalNode;
  /** Applies the merged state. */
  readonly stateMessages: StateMessages;
  /** Probes a member soon that the other node considers suspect or failed. */
  readonly probeSoon: (record: MemberRecord) => void;
}

/** The node that sent a full state. */
export type StateSource = Pick<MessageSource, "from" | "answerTo">;

/** Maximum number of suspect and dead messages that one merge rebroadcasts. */
const REBROADCASTS_MAX = 32;

/** A node is new for this many probe intervals after it has joined. */
const NEW_NODE_INTERVALS = 5;
/** Growth of the cluster by broadcasts that requires another push/pull. */
const GROWTH_BY_BROADCASTS = 1.5;
/** Growth of the cluster by a push/pull that requires another one. */
const GROWTH_BY_PUSH_PULL = 1.01;

/** Builds and merges full states. */
export class StateExchange {
  readonly #node: LocalNode;
  readonly #options: StateExchangeOptions;
  #newNodeUntilMs = -Infinity;
  /** Size of the cluster at the last push/pull. */
  #sizeWhenExchanged = 1;
  /** Whether the last push/pull that this node opened brought many members. */
  #broughtMany = false;

  /** Begins without any push/pull. */
  constructor(options: StateExchangeOptions) {
    this.#node = options.node;
    this.#options = options;
  }

  /**
   * Builds this node's full state. Members in `received`, the state of the other node, that are alive
   * there and failed or left here are included however old they are, so that they can refute.
   */
  build(join: boolean, received: readonly PushPullNode[] = []): PushPull {
    const { table, self, settings } = this.#node;
    const sinceMs = this.#node.nowMs() - settings.gossipToTheDeadMs;
    // Members that failed or left long ago are not included, so that a push/pull does not grow with
    // every former member (hashicorp/consul issue 11970).
    const inactive = new Set(table.recentlyDeadOrLeft(sinceMs));
    for (const { name, state } of received) {
      const record = isActive(state) ? table.get(name) : undefined;
      if (record !== undefined) inactive.add(record);
    }
    const nodes = [stateOf(self)];
    for (const record of table.active()) nodes.push(stateOf(record));
    for (const record of inactive) {
      if (!isActive(record.member.state) && table.get(record.member.name) === record) {
        if (record !== self) nodes.push(stateOf(record));
      }
    }
    return { type: "pushPull", join, nodes, userState: new Uint8Array() };
  }

  /** Builds the state to open a push/pull with: of a new node only the node itself. */
  request(join: boolean): PushPull {
    if (!this.#isNewNode) return this.build(join);
    return {
      type: "pushPull",
      join,
      nodes: [stateOf(this.#node.self)],
      userState: new Uint8Array(),
    };
  }

  /**
   * Merges the full state of another node. Returns why it was not merged if a version in it is
   * incompatible, else `undefined`.
   */
  merge(message: PushPull, source: StateSource): string | undefined {
    const node = this.#node;
    node.adoptVersions(message.nodes);
    const problem = incompatibility(node.self.member.versions, message.nodes);
    if (problem !== undefined) return problem;
    if (inSerfCluster(node.self.member.versions)) {
      node.serfTime = Math.max(node.serfTime, lamportTimeOf(message.userState));
    }
    if (node.table.activeCount === 0) {
      this.#newNodeUntilMs = node.nowMs() + NEW_NODE_INTERVALS * node.settings.probeIntervalMs;
    }
    // What a new node learns from its own push/pull all others know already.
    const suppressAlive = source.answerTo !== undefined && this.#isNewNode;
    const messageSource = { ...source, suppressAlive, rebroadcasts: REBROADCASTS_MAX };
    const before = node.clusterSize;
    for (const remote of message.nodes) this.#mergeNode(remote, messageSource);
    this.#sizeWhenExchanged = node.clusterSize;
    // Only for push/pulls that this node opened: else each of many joins would cause one here.
    if (source.answerTo !== undefined) {
      this.#broughtMany = node.clusterSize > before * (this.#isNewNode ? 1 : GROWTH_BY_PUSH_PULL);
    }
    return undefined;
  }

  /**
   * Whether another push/pull is due soon, which is returned once: the cluster has grown much by the
   * last one, or by broadcasts since. If many nodes join at once, push/pulls are cheaper than
   * broadcasts, and the first to join would else learn of the others only in the next period.
   */
  takeDue(): boolean {
    const { clusterSize } = this.#node;
    if (!this.#broughtMany && clusterSize <= this.#sizeWhenExchanged * GROWTH_BY_BROADCASTS) {
      return false;
    }
    this.#broughtMany = false;
    this.#sizeWhenExchanged = clusterSize;
    return true;
  }

  get #isNewNode(): boolean {
    return this.#node.nowMs() < this.#newNodeUntilMs;
  }

  #mergeNode(remote: PushPullNode, source: MessageSource): void {
    const { stateMessages, probeSoon } = this.#options;
    const { name, incarnation } = remote;
    switch (remote.state) {
      case "alive":
        return stateMessages.alive({ ...remote, type: "alive" }, source);
      case "left":
        return stateMessages.dead({ type: "dead", name, incarnation, from: name }, source);
      case "suspect":
      case "dead": {
        const record = this.#node.table.get(name);
        const probe = stateMessages.reportedFailed({ name, incarnation }, source);
        if (probe && record !== undefined) probeSoon(record);
        return;
      }
      default:
        return remote.state satisfies never;
    }
  }
}

function stateOf({ member }: MemberRecord): PushPullNode {
  const { name, address, meta, incarnation, state, versions } = member;
  return { name, address, meta, incarnation, state, versions };
}
