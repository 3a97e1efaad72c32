/**
 * The policy of a node: what batches may do on it, by its flags and its address.
 * @module
 */
import { closestString } from "@std/text/closest-string";
import { formatAddress, isLoopback } from "../address.ts";
import { UsageError } from "../errors.ts";
import { inFlag } from "../flag_errors.ts";
import type { Address } from "../runtime.ts";
import { parseAllowedActions, Policy } from "./policy.ts";

/** The flags that restrict what may run. */
export interface PolicyFlags {
  /** Whether no action runs at all. */
  readonly noActions?: boolean;
  /** The file of the commands that may run; absent if any may. */
  readonly allowActionsFile?: string;
  /** The check types that may run; absent if all may. */
  readonly checkTypes?: readonly string[];
}

/** The properties of a check type that decide what may run. */
export interface CheckTypeTraits {
  /** What a check's `type` says. */
  readonly name: string;
  /** Whether a probe needs another process. */
  readonly needsProcesses?: boolean;
}

/** The policy that the flags ask for. Raises `UsageError` that names the flag. */
export function nodePolicy(
  flags: PolicyFlags,
  options: {
    readonly readRulesFile: (path: string) => string;
    /** All that this version has. */
    readonly knownTypes: readonly CheckTypeTraits[];
  },
): Policy {
  const { noActions = false, allowActionsFile, checkTypes } = flags;
  return new Policy({
    ...(noActions ? { noActionsBecause: "this node runs no actions (-no-actions)" } : {}),
    ...(allowActionsFile === undefined
      ? {}
      : { allowedActions: allowedActions(allowActionsFile, options.readRulesFile) }),
    ...(checkTypes === undefined
      ? {}
      : { allowedCheckTypes: allowedTypes(checkTypes, options.knownTypes) }),
  });
}

/** Whether anything that may run needs another process: an action, or a check that lists processes. */
export function needsProcesses(
  { noActions = false, checkTypes }: PolicyFlags,
  knownTypes: readonly CheckTypeTraits[],
): boolean {
  if (!noActions) return true;
  return knownTypes.some(({ name, needsProcesses = false }) =>
    needsProcesses && (checkTypes?.includes(name) ?? true)
  );
}

/** The properties of a node that decide whether other nodes may run actions on it. */
export interface NetworkFlags {
  /** The address on which this node listens for other nodes. */
  readonly bound: Address;
  /** Whether traffic of other nodes is accepted only if it is encrypted with a cluster key. */
  readonly onlyEncrypted: boolean;
  /** Whether the operator allows it anyway. */
  readonly insecure: boolean;
}

/**
 * Why actions of batches from other nodes do not run here; undefined if they do. Anybody who reaches
 * a port without a cluster key could run any command on this machine.
 */
export function networkActionsRefusal(flags: NetworkFlags): string | undefined {
  const { bound, onlyEncrypted, insecure } = flags;
  if (onlyEncrypted || insecure || isLoopback(bound.host)) return undefined;
  const where = formatAddress(bound);
  return `this node listens at ${where} without requiring a cluster key, so it runs no actions that ` +
    `come from the network: give every node -keyring-file, or -insecure`;
}

function allowedActions(
  file: string,
  readRulesFile: (path: string) => string,
): ReadonlySet<string> {
  return inFlag(
    "-allow-actions",
    () => parseAllowedActions(readRulesFile(file), { source: file }),
  );
}

function allowedTypes(
  types: readonly string[],
  knownTypes: readonly CheckTypeTraits[],
): ReadonlySet<string> {
  const known = knownTypes.map(({ name }) => name);
  for (const type of types) {
    if (known.includes(type)) continue;
    const nearest = closestString(type, known);
    throw new UsageError(
      `flag -checks: unknown check type ${
        JSON.stringify(type)
      }: the nearest known one is ${nearest}`,
    );
  }
  return new Set(types);
}
