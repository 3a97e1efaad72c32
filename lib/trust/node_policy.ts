/**
 * What batches may do on this node, by its flags and by where it listens.
 * @module
 */
import { closestString } from "@std/text/closest-string";
import { formatAddress, isLoopback } from "../address.ts";
import { CHECK_TYPES } from "../checks/registry.ts";
import { UsageError } from "../errors.ts";
import type { Address } from "../runtime.ts";
import { parseAllowedActions, Policy } from "./policy.ts";

/** The flags that restrict what may run. */
export interface PolicyFlags {
  /** Set where no action runs at all. */
  readonly noActions?: boolean;
  /** The file of the commands that may run; absent where any may. */
  readonly allowActionsFile?: string;
  /** The check types that may run; absent where all may. */
  readonly checkTypes?: readonly string[];
}

/** The policy that the flags ask for. Raises `UsageError` that names the flag. */
export function nodePolicy(
  flags: PolicyFlags,
  options: { readRulesFile: (path: string) => string },
): Policy {
  const { noActions = false, allowActionsFile, checkTypes } = flags;
  return new Policy({
    ...(noActions ? { noActionsBecause: "this node runs no actions (-no-actions)" } : {}),
    ...(allowActionsFile === undefined
      ? {}
      : { allowedActions: allowedActions(allowActionsFile, options.readRulesFile) }),
    ...(checkTypes === undefined ? {} : { allowedCheckTypes: knownTypes(checkTypes) }),
  });
}

/** Whether anything that the flags let run needs another process: an action, or a look at those that run. */
export function needsProcesses({ noActions = false, checkTypes }: PolicyFlags): boolean {
  if (!noActions) return true;
  return CHECK_TYPES.some(({ name, needsProcesses = false }) =>
    needsProcesses && (checkTypes?.includes(name) ?? true)
  );
}

/** What decides whether the network may run actions here. */
export interface NetworkFlags {
  /** Where this node listens for others. */
  readonly bound: Address;
  /** Whether everything between nodes is encrypted and authenticated. */
  readonly encrypts: boolean;
  /** Whether the operator wants it all the same. */
  readonly insecure: boolean;
}

/**
 * Why actions of batches that come from other nodes do not run here; undefined where they do. Whoever
 * reaches a port that asks for no key could run any command on this machine.
 */
export function networkActionsRefusal(flags: NetworkFlags): string | undefined {
  const { bound, encrypts, insecure } = flags;
  if (encrypts || insecure || isLoopback(bound.host)) return undefined;
  return `this node listens at ${formatAddress(bound)} without a cluster key, so it runs no ` +
    `actions that come from the network: give every node -keyring-file, or -insecure`;
}

function allowedActions(
  file: string,
  readRulesFile: (path: string) => string,
): ReadonlySet<string> {
  const source = `flag -allow-actions: ${file}`;
  try {
    return parseAllowedActions(readRulesFile(file), { source });
  } catch (error) {
    if (!(error instanceof UsageError) || error.message.startsWith(source)) throw error;
    throw new UsageError(`flag -allow-actions: ${error.message}`, { cause: error });
  }
}

function knownTypes(types: readonly string[]): ReadonlySet<string> {
  const known = CHECK_TYPES.map(({ name }) => name);
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
