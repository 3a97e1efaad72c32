/**
 * What the tests do with one running member of a cluster, whichever program it runs.
 * @module
 */
import type { WaitOptions } from "./process_events.ts";

/** A member as a node sees it. */
export interface NodeView {
  /** Its name. */
  readonly name: string;
  /** host:port. */
  readonly address: string;
  /** Its state there. */
  readonly state: "alive" | "suspect" | "failed" | "left";
  /** Its incarnation there, where the program tells. */
  readonly incarnation?: number;
  /** Its tags, where its meta is in Serf's form. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Whether it runs gossipcheck, where the program tells. */
  readonly runsGossipcheck?: boolean;
  /** Which transport alone reaches it, where only one does and the program tells. */
  readonly degraded?: "udp" | "tcp";
}

/** What happened to a member in a node's view. */
export interface NodeEvent {
  /** What happened. */
  readonly event: string;
  /** To which member. */
  readonly name?: string;
  /** When, in Unix milliseconds. */
  readonly atMs: number;
  /** Who declared it failed, where the program tells. */
  readonly by?: string;
}

/** What every node reports of its members. */
export type MemberEventName = "join" | "update" | "left" | "failed";

/** Which member's event to wait for, and for how long. */
export type MemberWait = Omit<WaitOptions, "what"> & { readonly name: string };

/** One running node. Disposing of it kills it. */
export interface ClusterNode extends AsyncDisposable {
  /** Its name. */
  readonly name: string;
  /** host:port where it listens. */
  readonly address: string;
  /** Everything that it reported. */
  readonly events: { readonly all: readonly NodeEvent[] };
  /** Waits for its report of what happened to a member. */
  waitFor(event: MemberEventName, options: MemberWait): Promise<NodeEvent>;
  /** Every member that it knows. */
  members(): Promise<ReadonlyMap<string, NodeView>>;
  /** Leaves gracefully. */
  leave(): Promise<void>;
  /** Kills it as a power cut would. When it was dead, in Unix milliseconds. */
  kill(): Promise<number>;
}

/** A node that is not ours. */
export interface ForeignNode extends ClusterNode {
  /** Push/pull with each address. */
  join(...addresses: string[]): Promise<void>;
  /** Publishes other tags. */
  update(tags: Readonly<Record<string, string>>): Promise<void>;
}

/** What differs from node to node of one kind. */
export interface NodeStart {
  /** Unique node name. */
  readonly name: string;
  /** host:port; a free loopback port by default. */
  readonly bind?: string;
  /** host:port of members to join at start. */
  readonly join?: readonly string[];
  /** Its tags. */
  readonly tags?: Readonly<Record<string, string>>;
}

/** Starts nodes of one kind. */
export type NodeStarter<Node extends ClusterNode> = (options: NodeStart) => Promise<Node>;
