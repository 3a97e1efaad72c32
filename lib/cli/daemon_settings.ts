/**
 * What the command line of `gossipcheckd` comes to: its flags with the rules between them applied.
 * @module
 */
import { type HostPort, splitHostPort } from "../address.ts";
import { UsageError } from "../errors.ts";
import type { LogLevel } from "../runtime.ts";
import { DAEMON_FLAGS, type DaemonFlags } from "./daemon_flags.ts";
import { parseFlags } from "./flags.ts";
import { type HelpRequest, programHelp, versionText } from "./help.ts";

/** What `gossipcheckd` was told: flags with the rules between them applied. */
export interface DaemonSettings {
  /** Where to listen for other nodes; an empty hostname means all interfaces. */
  readonly bind: HostPort;
  /** What others are told; absent where it is to be derived from `bind`. */
  readonly advertise?: HostPort;
  /** Where `gcheck` connects; undefined for nowhere. */
  readonly clientBind: HostPort | undefined;
  /** Peers contacted in each iteration of either phase. */
  readonly gossipGroup: number;
  /** Members to join through, as typed: names are to be resolved. */
  readonly peers: readonly HostPort[];
  /** This node's unique name; undefined where it is to be derived from the host's. */
  readonly name: string | undefined;
  /** What is published to all members. */
  readonly tags: ReadonlyMap<string, string>;
  /** Period of the second phase, in milliseconds. */
  readonly advertiseIntervalMs: number;
  /** The cluster's key in base64; absent where there is none or a file holds them. */
  readonly encryptionKey?: string;
  /** The file of the cluster's keys; absent where there is none. */
  readonly keyringFile?: string;
  /** What every packet and stream of the cluster starts with; empty for none. */
  readonly label: string;
  /** Where the node's state is kept: `none` for nowhere; absent for the user's own place. */
  readonly stateDirectory?: string;
  /** Checks and actions that run at once; absent where it is to be derived from the processors. */
  readonly maxParallel?: number;
  /** The file of the secret that gcheck must know; absent for the one in the state directory. */
  readonly tokenFile?: string;
  /** Set where the network may run actions without a cluster key. */
  readonly insecure?: boolean;
  /** The file of the keys that must have signed a batch; absent where none is asked for. */
  readonly trustedKeysFile?: string;
  /** Set where no action runs. */
  readonly noActions?: boolean;
  /** The file of the commands that may run; absent where any may. */
  readonly allowActionsFile?: string;
  /** The check types that may run; absent where all may. */
  readonly checkTypes?: readonly string[];
  /** The least that is logged. */
  readonly logLevel: LogLevel;
  /** Lines for people, or one JSON object a line. */
  readonly logFormat: "text" | "json";
}

/** Reads the command line of `gossipcheckd`. Raises `UsageError` naming the flag. */
export function parseDaemonArguments(args: readonly string[]): DaemonSettings | HelpRequest {
  const parsed = parseFlags(args, DAEMON_FLAGS);
  if (parsed.asked !== undefined) {
    return { help: parsed.asked === "help" ? daemonHelp() : versionText(DAEMON_FLAGS) };
  }
  const [stray] = parsed.positional;
  if (stray !== undefined) {
    throw new UsageError(
      `unexpected argument ${JSON.stringify(stray)}: gossipcheckd takes flags only`,
    );
  }
  const { values, given } = parsed;
  if (values["no-cli"] && given.has("cli-bind")) {
    throw new UsageError("flags -no-cli and -cli-bind contradict each other: give one of them");
  }
  if (values.encrypt !== undefined && values["keyring-file"] !== undefined) {
    throw new UsageError(
      "flags -encrypt and -keyring-file contradict each other: give one of them",
    );
  }
  if (values["no-cli"] && values["token-file"] !== undefined) {
    throw new UsageError("flags -no-cli and -token-file contradict each other: give one of them");
  }
  if (values["no-actions"] && values["allow-actions"] !== undefined) {
    throw new UsageError(
      "flags -no-actions and -allow-actions contradict each other: give one of them",
    );
  }
  return {
    bind: values.bind,
    ...(values.advertise === undefined ? {} : { advertise: values.advertise }),
    clientBind: values["no-cli"] ? undefined : values["cli-bind"],
    gossipGroup: values["gossip-group"],
    peers: readPeers(values),
    name: values.name,
    tags: values.tags,
    advertiseIntervalMs: values["advertise-interval"],
    ...(values.encrypt && { encryptionKey: values.encrypt }),
    ...(values["keyring-file"] && { keyringFile: values["keyring-file"] }),
    label: values.label,
    ...(values["state-dir"] && { stateDirectory: values["state-dir"] }),
    ...(values["max-parallel"] && { maxParallel: values["max-parallel"] }),
    ...(values["token-file"] && { tokenFile: values["token-file"] }),
    ...(values.insecure && { insecure: true }),
    ...(values["trusted-keys"] && { trustedKeysFile: values["trusted-keys"] }),
    ...(values["no-actions"] && { noActions: true }),
    ...(values["allow-actions"] && { allowActionsFile: values["allow-actions"] }),
    ...(values.checks && { checkTypes: values.checks }),
    logLevel: values["log-level"],
    logFormat: values["log-format"],
  };
}

/** The reference of `gossipcheckd`, as `-help` prints it. */
export function daemonHelp(): string {
  return programHelp(DAEMON_FLAGS, {
    summary: "The daemon of each node: runs checks and actions across a cluster of its like.",
    usage: "gossipcheckd [flags]",
  });
}

function readPeers({ peers, bind }: DaemonFlags): HostPort[] {
  return peers.map((peer) => {
    try {
      const address = splitHostPort(peer, { defaultPort: bind.port });
      if (address.hostname !== "" && address.port !== 0) return address;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new UsageError(`flag -peers: ${message}`, { cause: error });
    }
    const shown = JSON.stringify(peer);
    throw new UsageError(`flag -peers: ${shown} lacks a host or, with -bind port 0, a port`);
  });
}
