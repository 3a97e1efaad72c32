/**
 * What a node is given: the operator's choices and the machine that it runs on.
 * @module
 */
import type { DaemonSettings } from "../cli/daemon_settings.ts";
import type { AppendFile, Clock, Host, Log, Network, Random, Store, Timers } from "../runtime.ts";

/** What the operator chose; how it is logged and where its state is kept is not the node's business. */
export type NodeSettings = Omit<DaemonSettings, "logLevel" | "logFormat" | "stateDirectory">;

/** The machine that a node runs on. */
export interface DaemonRuntime {
  /** Time. */
  readonly clock: Clock;
  /** Chance. */
  readonly random: Random;
  /** Wakes. */
  readonly timers: Timers;
  /** Sockets and names. */
  readonly network: Network;
  /** Files, processes and the shell. */
  readonly host: Host;
  /** Where events are told. */
  readonly log: Log;
  /**
   * The text of a file that holds a secret; undefined where there is none. Raises `UsageError` where
   * others than its owner can read or write it.
   */
  readonly readSecretFile: (path: string) => string | undefined;
  /**
   * Puts another text in the place of what such a file holds; when it returns, that is on the disk
   * whole. Raises `HostError`.
   */
  readonly replaceSecretFile: (path: string, text: string) => void;
  /**
   * The text of a file that says what may run here or who may order it. Raises `UsageError` where
   * others than its owner can write it, and where there is none.
   */
  readonly readRulesFile: (path: string) => string;
  /** Makes a secret's file, whole or not at all, for its owner alone. Raises `UsageError` where it stands already. */
  readonly createSecretFile: (path: string, text: string) => void;
  /** Takes away what a crash left of `createSecretFile`. Raises `UsageError`. */
  readonly removeUnfinishedSecretFile: (path: string) => void;
  /** The path of a file beside the store of the node `name`; undefined where the operator wants nothing kept. */
  readonly stateFile: (options: { name: string; file: string }) => string | undefined;
  /** Opens a file that is only ever appended to, and rotated. Raises `HostError`. */
  readonly openAppendFile: (path: string) => AppendFile;
  /**
   * Opens and locks the durable store of the node `name`, with the tables that `schema` makes;
   * undefined where the operator wants nothing kept. Raises `StoreError`.
   */
  readonly openStore: (options: { name: string; schema: readonly string[] }) => Store | undefined;
  /** This machine's name. */
  readonly hostname: string;
  /** Processors: how much runs at once is scaled by them. */
  readonly cores: number;
}
