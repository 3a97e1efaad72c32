/**
 * Full state exchanges over a stream: what is sent, and how what came is merged (memberlist's
 * `sendLocalState`, `mergeRemoteState`, `mergeState`).
 * @module
 */
import type { PushPull, PushPullNode } from "../wire/messages.ts";
import type { Core } from "./core.ts";
import { isActive, type MemberRecord } from "./members.ts";
import type { Origin, Rumours } from "./rumours.ts";
import { inSerfCluster, lamportTimeOf } from "./serf.ts";
import { incompatibility } from "./versions.ts";

/** What state exchange is made of. */
export interface StateExchangeOptions {
  /** Shared state. */
  readonly core: Core;
  /** Takes what is learnt. */
  readonly rumours: Rumours;
  /** Has a member probed soon whom the other side holds failed. */
  readonly hurry: (record: MemberRecord) => void;
}

/** Whose state it is. */
export type Teller = Pick<Origin, "from" | "answerTo">;

/** Accusations that one merge may put back into gossip; all the others are told directly. */
const ACCUSATIONS_MAX = 32;

/** For so many probe intervals after it joined a node is a newcomer. */
const NEWCOMER_INTERVALS = 5;
/** Growth by hearsay that calls for another full exchange. */
const GROWTH = 1.5;
/** Growth by an exchange that calls for another one. */
const TAUGHT = 1.01;

/** Builds and merges full states. */
export class StateExchange {
  readonly #core: Core;
  readonly #options: StateExchangeOptions;
  #newcomerUntilMs = -Infinity;
  #sizeWhenExchanged = 1;
  #taught = false;

  /** Works on the state of `core`. */
  constructor(options: StateExchangeOptions) {
    this.#core = options.core;
    this.#options = options;
  }

  /** This node's state. `told` is what the other side said: what we hold against it is added. */
  build(join: boolean, told: readonly PushPullNode[] = []): PushPull {
    const { table, self, settings } = this.#core;
    const sinceMs = this.#core.nowMs() - settings.gossipToTheDeadMs;
    // Who is long gone is not offered, so that a push/pull does not grow with all who ever were
    // (hashicorp/consul issue 11970).
    const gone = new Set(table.recentlyGone(sinceMs));
    for (const { name, state } of told) {
      const record = isActive(state) ? table.get(name) : undefined;
      if (record !== undefined) gone.add(record);
    }
    const nodes = [pushed(self)];
    for (const record of table.active()) nodes.push(pushed(record));
    for (const record of gone) {
      if (!isActive(record.member.state) && table.get(record.member.name) === record) {
        if (record !== self) nodes.push(pushed(record));
      }
    }
    return { type: "pushPull", join, nodes, userState: new Uint8Array() };
  }

  /** What to open an exchange with. A newcomer has nothing to tell but itself. */
  request(join: boolean): PushPull {
    if (!this.#newcomer) return this.build(join);
    return {
      type: "pushPull",
      join,
      nodes: [pushed(this.#core.self)],
      userState: new Uint8Array(),
    };
  }

  /** Takes over another node's state; why not, in words, where its versions do not go with ours. */
  merge(message: PushPull, teller: Teller): string | undefined {
    const core = this.#core;
    core.adoptVersions(message.nodes);
    const problem = incompatibility(core.self.member.versions, message.nodes);
    if (problem !== undefined) return problem;
    if (inSerfCluster(core.self.member.versions)) {
      core.serfTime = Math.max(core.serfTime, lamportTimeOf(message.userState));
    }
    if (core.table.activeCount === 0) {
      this.#newcomerUntilMs = core.nowMs() + NEWCOMER_INTERVALS * core.settings.probeIntervalMs;
    }
    // Who joined alone a moment ago and asks learns what the others know: to spread it is a waste.
    const quiet = teller.answerTo !== undefined && this.#newcomer;
    const origin = { ...teller, quiet, accusations: ACCUSATIONS_MAX };
    const before = core.clusterSize;
    for (const node of message.nodes) this.#mergeNode(node, origin);
    this.#sizeWhenExchanged = core.clusterSize;
    // Ours only: else the seed of many joins would ask after each of them.
    if (teller.answerTo !== undefined) {
      this.#taught = core.clusterSize > before * (this.#newcomer ? 1 : TAUGHT);
    }
    return undefined;
  }

  /**
   * Whether another full exchange is due soon, which is told once: the last one taught much, or
   * hearsay did since. Where many join at once, asking is cheaper than hearsay, and those who came
   * first would otherwise learn of each other only with the next round.
   */
  takeDue(): boolean {
    const { clusterSize } = this.#core;
    if (!this.#taught && clusterSize <= this.#sizeWhenExchanged * GROWTH) return false;
    this.#taught = false;
    this.#sizeWhenExchanged = clusterSize;
    return true;
  }

  get #newcomer(): boolean {
    return this.#core.nowMs() < this.#newcomerUntilMs;
  }

  #mergeNode(node: PushPullNode, origin: Origin): void {
    const { rumours, hurry } = this.#options;
    const { name, incarnation } = node;
    switch (node.state) {
      case "alive":
        return rumours.alive({ ...node, type: "alive" }, origin);
      case "left":
        return rumours.dead({ type: "dead", name, incarnation, from: name }, origin);
      case "suspect":
      case "dead": {
        const record = this.#core.table.get(name);
        if (rumours.claimed({ name, incarnation }, origin) && record !== undefined) hurry(record);
        return;
      }
      default:
        return node.state satisfies never;
    }
  }
}

function pushed({ member }: MemberRecord): PushPullNode {
  const { name, address, meta, incarnation, state, versions } = member;
  return { name, address, meta, incarnation, state, versions };
}
