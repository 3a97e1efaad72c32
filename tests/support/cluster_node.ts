/**
 * The interface of a running member of a cluster, for every program that a member may run.
 * @module
 */
import type { WaitOptions } from "./process_events.ts";

/** A member in the member list of a node. */
export interface NodeView {
  readonly name: string;
  /** `host:port`. */
  readonly address: string;
  /** Its state. */
  readonly state: "alive" | "suspect" | "failed" | "left";
  /** Its incarnation, if the program reports it. */
  readonly incarnation?: number;
  /** Its tags, if its meta has Serf's encoding. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Whether it runs gossipcheck, if the program reports it. */
  readonly runsGossipcheck?: boolean;
  /** The transport by which alone it is reachable, if the other one fails and the program reports it. */
  readonly degraded?: "udp" | "tcp";
}

/** An event that a node reports about a member. */
export interface NodeEvent {
  /** The kind of event. */
  readonly event: string;
  /** The name of the member. */
  readonly name?: string;
  /** Time of the event in Unix milliseconds. */
  readonly atMs: number;
  /** The node that declared the member failed, if the program reports it. */
  readonly by?: string;
}

/** The events of members that every program reports. */
export type MemberEventName = "join" | "update" | "left" | "failed";

/** The member whose event to wait for, and the timeout. */
export type MemberWait = Omit<WaitOptions, "what"> & { readonly name: string };

/** A running node. Disposing of it kills it. */
export interface ClusterNode extends AsyncDisposable {
  readonly name: string;
  /** `host:port` that it listens on. */
  readonly address: string;
  /** All events that it has reported. */
  readonly events: { readonly all: readonly NodeEvent[] };
  /** Waits until it reports an event of a member. */
  waitFor(event: MemberEventName, options: MemberWait): Promise<NodeEvent>;
  /** Its member list, by name. */
  members(): Promise<ReadonlyMap<string, NodeView>>;
  /** Leaves the cluster gracefully. */
  leave(): Promise<void>;
  /** Kills it with SIGKILL. Returns when it was dead, in Unix milliseconds. */
  kill(): Promise<number>;
}

/** A node that runs a program of others. */
export interface ForeignNode extends ClusterNode {
  /** Does a push/pull with each address. */
  join(...addresses: string[]): Promise<void>;
  /** Changes its tags. */
  update(tags: Readonly<Record<string, string>>): Promise<void>;
}

/** How to start a node. */
export interface NodeStart {
  /** Its name, unique in the cluster. */
  readonly name: string;
  /** `host:port`; default a free loopback port. */
  readonly bind?: string;
  /** host:port of the members through which it joins. */
  readonly join?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
}

/** Starts nodes of one program. */
export type NodeStarter<Node extends ClusterNode> = (options: NodeStart) => Promise<Node>;
