/**
 * The settings of a daemon and the runtime interfaces that it needs.
 * @module
 */
import type { StateRuntime } from "../journal/node_state.ts";
import type { NodeRuntime, NodeSettings } from "../node/settings.ts";
import { CHECK_TYPES } from "../checks/registry.ts";
import type { Host } from "../runtime.ts";
import { needsProcesses as needsProcessesFor } from "../trust/node_policy.ts";
import type { TrustRuntime, TrustSettings } from "../trust/trust.ts";

/** The settings of one daemon. */
export interface DaemonOptions extends NodeSettings, TrustSettings {
  /** Name of the node, unique in the cluster. Default: derived from the host name. */
  readonly name?: string;
  /** Maximum number of checks that run at once. Default: `PARALLEL_PER_CORE` per processor core. */
  readonly maxParallel?: number;
}

/** The runtime interfaces that a daemon needs. */
export interface DaemonRuntime extends NodeRuntime, TrustRuntime, StateRuntime {
  /** Files, processes and the shell. */
  readonly host: Host;
  readonly hostname: string;
  /** Number of processor cores. */
  readonly cores: number;
}

/** Whether a node may start processes: for actions, or for a check type that needs them. */
export function needsProcesses(options: DaemonOptions): boolean {
  return needsProcessesFor(options, CHECK_TYPES);
}
