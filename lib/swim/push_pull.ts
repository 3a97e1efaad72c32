/**
 * Full state exchanges over a stream: what is sent, and how what came is merged (memberlist's
 * `sendLocalState`, `mergeRemoteState`, `mergeState`).
 * @module
 */
import type { PushPull, PushPullNode } from "../wire/messages.ts";
import type { Core } from "./core.ts";
import { isActive, type MemberRecord } from "./members.ts";
import type { Origin, Rumours } from "./rumours.ts";
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

/** Builds and merges full states. */
export class StateExchange {
  readonly #core: Core;
  readonly #options: StateExchangeOptions;

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

  /** Takes over another node's state; why not, in words, where its versions do not go with ours. */
  merge(message: PushPull, teller: Teller): string | undefined {
    const core = this.#core;
    core.adoptVersions(message.nodes);
    const problem = incompatibility(core.self.member.versions, message.nodes);
    if (problem !== undefined) return problem;
    // Who joins alone learns what the others know: to spread it would only cost packets.
    const quiet = core.table.activeCount === 0 && message.nodes.length > 2;
    const origin = { ...teller, quiet, accusations: ACCUSATIONS_MAX };
    for (const node of message.nodes) this.#mergeNode(node, origin);
    return undefined;
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
