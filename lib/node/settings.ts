/**
 * What a node is given: the operator's choices and the machine that it runs on.
 * @module
 */
import type { HostPort } from "../address.ts";
import type { Clock, Log, Network, Random, Timers } from "../runtime.ts";

/** The operator's choices about a node among the others. */
export interface NodeSettings {
  /** Where to listen for other nodes; an empty host name means all interfaces. */
  readonly bind: HostPort;
  /** The address that others are told; absent to derive it from `bind`. */
  readonly advertise?: HostPort;
  /** Where `gcheck` connects; undefined for nowhere. */
  readonly clientBind: HostPort | undefined;
  /** Peers contacted in a round. */
  readonly gossipGroup: number;
  /** Members to join through, as typed: names are to be resolved. */
  readonly peers: readonly HostPort[];
  /** What is published to all members. */
  readonly tags: ReadonlyMap<string, string>;
  /** Period of anti-entropy. */
  readonly advertiseIntervalMs: number;
  /** The cluster's key in base64; absent if there is none or a file holds the keys. */
  readonly encryptionKey?: string;
  /** The file of the cluster's keys; absent if there is none. */
  readonly keyringFile?: string;
  /** With keys: whether traffic without encryption is accepted, and also sent. Default `refuse`. */
  readonly plaintext?: "refuse" | "accept" | "send";
  /** What every packet and stream of the cluster starts with; empty for none. */
  readonly label: string;
}

/** What of the machine a node needs. */
export interface NodeRuntime {
  /** Time. */
  readonly clock: Clock;
  /** Randomness. */
  readonly random: Random;
  /** Timers. */
  readonly timers: Timers;
  /** Sockets and names. */
  readonly network: Network;
  /** Where events are logged. */
  readonly log: Log;
  /**
   * The text of a file that holds a secret; undefined if there is none. Raises `UsageError` if others
   * than its owner can read or write it.
   */
  readonly readSecretFile: (path: string) => string | undefined;
  /**
   * Replaces the text of such a file; when it returns, the new text is on the disk whole. Raises
   * `HostError`.
   */
  readonly replaceSecretFile: (path: string, text: string) => void;
}
