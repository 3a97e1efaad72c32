/**
 * The flags of `gossipcheckd`: the one place from which their parsing, help and reference come.
 * @module
 */
import type { HostPort } from "../address.ts";
import { formatDuration } from "../duration.ts";
import {
  ADVERTISE_INTERVAL_DEFAULT_MS,
  DEFAULT_CLIENT_PORT,
  DEFAULT_NODE_PORT,
  GOSSIP_GROUP_DEFAULT,
  GOSSIP_GROUP_MAX,
  PARALLEL_PER_CORE,
} from "../limits.ts";
import type { LogLevel } from "../runtime.ts";
import { type ProgramFlags, readBoolean } from "./flags.ts";
import {
  durationIn,
  durationRange,
  integerIn,
  oneOfWords,
  type Range,
  readBindAddress,
  readDirectory,
  readFile,
  readLabel,
  readList,
  readName,
  readPath,
  readRemoteAddress,
  readSomeList,
  readTags,
  readWord,
} from "./values.ts";

/** What each flag of `gossipcheckd` gives. */
export interface DaemonFlags {
  /** Where to listen for other nodes. */
  readonly bind: HostPort;
  /** What others are told; undefined where it is derived. */
  readonly advertise: HostPort | undefined;
  /** Where `gcheck` connects. */
  readonly "cli-bind": HostPort;
  /** Whether there is no client listener. */
  readonly "no-cli": boolean;
  /** Peers contacted in each iteration of either phase. */
  readonly "gossip-group": number;
  /** Peers as typed. */
  readonly peers: readonly string[];
  /** The unique name; undefined where it is derived. */
  readonly name: string | undefined;
  /** What is published to all members. */
  readonly tags: ReadonlyMap<string, string>;
  /** Period of the second phase, in milliseconds. */
  readonly "advertise-interval": number;
  /** The cluster's key; undefined where there is none. */
  readonly encrypt: string | undefined;
  /** The file of the cluster's keys; undefined where there is none. */
  readonly "keyring-file": string | undefined;
  /** The cluster's label; empty for none. */
  readonly label: string;
  /** Where the node's state is kept; `none` for nowhere, undefined for the user's own place. */
  readonly "state-dir": string | undefined;
  /** Checks and actions that run at once; undefined where it is derived. */
  readonly "max-parallel": number | undefined;
  /** The file of the secret that gcheck must know; undefined for the one in the state directory. */
  readonly "token-file": string | undefined;
  /** Whether the network may run actions without a cluster key. */
  readonly insecure: boolean;
  /** The file of the keys that must have signed a batch; undefined where none is asked for. */
  readonly "trusted-keys": string | undefined;
  /** Whether no action runs. */
  readonly "no-actions": boolean;
  /** The file of the commands that may run; undefined where any may. */
  readonly "allow-actions": string | undefined;
  /** The check types that may run; undefined where all may. */
  readonly checks: readonly string[] | undefined;
  /** The least that is logged. */
  readonly "log-level": LogLevel;
  /** How it is logged. */
  readonly "log-format": "text" | "json";
}

const GROUP_RANGE: Range = { least: 1, most: GOSSIP_GROUP_MAX };
const INTERVAL_RANGE: Range = { least: 10, most: 24 * 3_600_000 };
const PARALLEL_RANGE: Range = { least: 1, most: 10_000 };
const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** The flags of `gossipcheckd`. */
export const DAEMON_FLAGS: ProgramFlags<DaemonFlags> = {
  program: "gossipcheckd",
  flags: {
    bind: {
      placeholder: "HOST:PORT",
      meaning: "Where to listen for other nodes, UDP and TCP on one port. An empty host means " +
        "all interfaces; IPv6 goes in brackets, as in [::1]:2000.",
      defaultText: `:${DEFAULT_NODE_PORT}`,
      fallback: { hostname: "", port: DEFAULT_NODE_PORT },
      read: readBindAddress,
    },
    advertise: {
      placeholder: "HOST:PORT",
      meaning: "The address that other nodes are told.",
      defaultText: "from -bind; where that is all interfaces, the first private address, then " +
        "the first other one that is not loopback",
      fallback: undefined,
      read: readRemoteAddress,
    },
    "cli-bind": {
      placeholder: "HOST:PORT",
      meaning: "Where gcheck connects.",
      defaultText: `127.0.0.1:${DEFAULT_CLIENT_PORT}`,
      fallback: { hostname: "127.0.0.1", port: DEFAULT_CLIENT_PORT },
      read: readBindAddress,
    },
    "no-cli": {
      meaning: "Do not listen for gcheck.",
      defaultText: "off",
      fallback: false,
      read: readBoolean,
    },
    "gossip-group": {
      placeholder: "N",
      meaning: "Peers contacted in each iteration of either phase.",
      tradeOff: "Higher spreads batches faster and survives more dead peers, for more traffic; " +
        "lower leaves more nodes to the second phase.",
      range: `${GROUP_RANGE.least} to ${GROUP_RANGE.most}`,
      defaultText: String(GOSSIP_GROUP_DEFAULT),
      fallback: GOSSIP_GROUP_DEFAULT,
      read: integerIn(GROUP_RANGE),
    },
    peers: {
      placeholder: "HOST[:PORT],…",
      meaning: "Members to join through, separated by commas; one without a port uses this " +
        "node's own. Names are resolved and every address is tried, again and again.",
      defaultText: "none",
      fallback: [],
      read: readList,
    },
    name: {
      placeholder: "NAME",
      meaning: "This node's name, unique in the cluster.",
      defaultText: `the host's name, with :port where the port is not ${DEFAULT_NODE_PORT}`,
      fallback: undefined,
      read: readName,
    },
    tags: {
      placeholder: "KEY=VALUE,…",
      meaning: "Published to all members; 512 bytes of node meta at most.",
      defaultText: "none",
      fallback: new Map(),
      read: readTags,
    },
    "advertise-interval": {
      placeholder: "DURATION",
      meaning:
        "Period of the second phase, in which nodes tell each other which batches they have.",
      tradeOff: "Shorter brings a batch sooner to nodes that missed the first phase, for more " +
        "traffic at rest; longer is the other way round.",
      range: durationRange(INTERVAL_RANGE),
      defaultText: formatDuration(ADVERTISE_INTERVAL_DEFAULT_MS),
      fallback: ADVERTISE_INTERVAL_DEFAULT_MS,
      read: durationIn(INTERVAL_RANGE),
    },
    encrypt: {
      placeholder: "BASE64",
      meaning: "The cluster's key, 16, 24 or 32 bytes in base64: everything between nodes is " +
        "encrypted with it, and nodes without it are not heard. Any user of this machine can " +
        "read it in the list of processes: prefer -keyring-file.",
      defaultText: "none",
      fallback: undefined,
      read: readWord,
    },
    "keyring-file": {
      placeholder: "FILE",
      meaning: "The cluster's keys: what gcheck keygen makes, or a JSON array of base64 texts as " +
        "in Serf's keyring file, of which the first one encrypts and every one decrypts. Only its " +
        "owner may be able to read it.",
      defaultText: "none",
      fallback: undefined,
      read: readPath,
    },
    label: {
      placeholder: "TEXT",
      meaning: "Keeps clusters apart: nodes with another label are not heard. Not a secret.",
      defaultText: "none",
      fallback: "",
      read: readLabel,
    },
    "state-dir": {
      placeholder: "DIR",
      meaning: "Where the node remembers, in a directory of its name, what it ran, what it still " +
        "owes and whom it knew, so that a restart loses nothing and runs nothing twice; none " +
        "keeps all in memory.",
      defaultText: "/var/lib/gossipcheck as root, else $XDG_STATE_HOME/gossipcheck, else " +
        "~/.local/state/gossipcheck",
      fallback: undefined,
      read: readDirectory,
    },
    "max-parallel": {
      placeholder: "N",
      meaning: "Checks, each with its action, that run at once; the rest wait their turn in order.",
      tradeOff: "Higher ends large batches sooner, for more load; lower is gentler.",
      range: `${PARALLEL_RANGE.least} to ${PARALLEL_RANGE.most}`,
      defaultText: `${PARALLEL_PER_CORE} for each processor`,
      fallback: undefined,
      read: integerIn(PARALLEL_RANGE),
    },
    "token-file": {
      placeholder: "FILE",
      meaning: "The secret that gcheck must know, 64 hex digits. Only its owner may be able to " +
        "read it.",
      defaultText: "token in the node's state directory, made at the first start",
      fallback: undefined,
      read: readFile,
    },
    insecure: {
      meaning: "Run actions that come from the network although nodes have no key, wherever this " +
        "node listens: whoever reaches its port can run any command on it.",
      defaultText: "off",
      fallback: false,
      read: readBoolean,
    },
    "trusted-keys": {
      placeholder: "FILE",
      meaning: "Run and pass on only batches that one of these keys signed: lines of a name, " +
        "ssh-ed25519 and the key, as in ssh's allowed signers. SIGHUP reads it again.",
      defaultText: "none: batches need no signature",
      fallback: undefined,
      read: readFile,
    },
    "no-actions": {
      meaning: "Run checks only; what would run an action says so in the results.",
      defaultText: "off",
      fallback: false,
      read: readBoolean,
    },
    "allow-actions": {
      placeholder: "FILE",
      meaning: "The commands that actions may run, one a line, compared whole.",
      defaultText: "none: any command",
      fallback: undefined,
      read: readFile,
    },
    checks: {
      placeholder: "TYPE,…",
      meaning: "The check types that may run here.",
      defaultText: "all",
      fallback: undefined,
      read: readSomeList,
    },
    "log-level": {
      placeholder: "LEVEL",
      meaning: `The least that is logged on stderr: ${LOG_LEVELS.join(", ")}.`,
      defaultText: "info",
      fallback: "info",
      read: oneOfWords(LOG_LEVELS),
    },
    "log-format": {
      placeholder: "FORMAT",
      meaning: "text, or json for one object a line.",
      defaultText: "text",
      fallback: "text",
      read: oneOfWords(["text", "json"]),
    },
  },
};
