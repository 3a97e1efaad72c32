/**
 * The flags of `gossipcheckd`. To add one, add an entry: the settings' type, parsing, help and the
 * README's table come from it.
 * @module
 */
import { formatDuration } from "../duration.ts";
import {
  ADVERTISE_INTERVAL_DEFAULT_MS,
  DEFAULT_CLIENT_PORT,
  DEFAULT_NODE_PORT,
  GOSSIP_GROUP_DEFAULT,
  GOSSIP_GROUP_MAX,
  META_MAX_BYTES,
  PARALLEL_PER_CORE,
} from "../limits.ts";
import type { LogLevel } from "../runtime.ts";
import {
  DIRECTORY_OR_NONE,
  durationBetween,
  FILE,
  integerBetween,
  LABEL,
  LISTEN_ADDRESS,
  NODE_NAME,
  oneOf,
  PEER_LIST,
  REMOTE_ADDRESS,
  secretText,
  TAGS,
  wordList,
} from "./flag_values.ts";
import type { FlagTable } from "./flags.ts";

const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** The flags of `gossipcheckd`. */
export const DAEMON_FLAGS = {
  bind: {
    field: "bind",
    value: LISTEN_ADDRESS,
    default: `:${DEFAULT_NODE_PORT}`,
    meaning: "Address to listen on for other nodes, UDP and TCP on the same port. An empty host " +
      "means all interfaces; IPv6 is written in brackets, as in [::1]:2000.",
  },
  advertise: {
    field: "advertise",
    value: REMOTE_ADDRESS,
    unset: "the address of -bind; if that is all interfaces, the first private address of this " +
      "host, or else its first address that is not loopback",
    meaning: "Address that other nodes use to reach this node.",
  },
  "cli-bind": {
    field: "clientBind",
    value: LISTEN_ADDRESS,
    default: `127.0.0.1:${DEFAULT_CLIENT_PORT}`,
    meaning: "Address to listen on for gcheck, TCP.",
  },
  "no-cli": {
    field: "clientBind",
    on: undefined,
    meaning: "Do not listen for gcheck.",
  },
  "gossip-group": {
    field: "gossipGroup",
    value: integerBetween({ least: 1, most: GOSSIP_GROUP_MAX }),
    default: String(GOSSIP_GROUP_DEFAULT),
    meaning: "Fan-out: the number of peers contacted in each round, of the burst and of " +
      "anti-entropy alike.",
    tradeOff: "A higher value spreads batches faster and tolerates more failed peers, for more " +
      "traffic; with a lower one, more nodes get a batch only by anti-entropy.",
  },
  peers: {
    field: "peers",
    value: PEER_LIST,
    default: "",
    meaning: "Members to join through, separated by commas. One without a port uses the port of " +
      "-bind. Names are resolved, all their addresses are tried, and failures are retried.",
  },
  name: {
    field: "name",
    value: NODE_NAME,
    unset: `the host name, followed by :PORT if the port is not ${DEFAULT_NODE_PORT}`,
    meaning: "Name of this node, unique in the cluster.",
  },
  tags: {
    field: "tags",
    value: TAGS,
    default: "",
    meaning: "Tags of this node, which all members see. They must fit in the " +
      `${META_MAX_BYTES} bytes of a node's metadata.`,
  },
  "advertise-interval": {
    field: "advertiseIntervalMs",
    value: durationBetween({ least: 10, most: 24 * 3_600_000 }),
    default: formatDuration(ADVERTISE_INTERVAL_DEFAULT_MS),
    meaning: "Period of anti-entropy, in which a node sends a few peers the ids of its batches, " +
      "and each peer fetches those that it lacks.",
    tradeOff: "A shorter period brings a batch sooner to nodes that missed the burst; a longer " +
      "one saves traffic while nothing happens.",
  },
  encrypt: {
    field: "encryptionKey",
    value: secretText({ placeholder: "BASE64" }),
    unset: "none",
    meaning: "Cluster key, 16, 24 or 32 bytes in base64. It encrypts all traffic between nodes; " +
      "traffic from nodes without it is dropped. Every user of this host can see it in the process " +
      "list: prefer -keyring-file.",
  },
  "keyring-file": {
    field: "keyringFile",
    value: FILE,
    unset: "none",
    meaning: "File with the cluster keys: the output of gcheck keygen, or a JSON array of base64 " +
      "strings, as in Serf's keyring file. The first key encrypts, every key decrypts. The file " +
      "must be readable by its owner only.",
  },
  plaintext: {
    field: "plaintext",
    value: oneOf(["refuse", "accept", "send"], { placeholder: "MODE" }),
    default: "refuse",
    meaning:
      "With a cluster key: what to do with traffic that is not encrypted. refuse drops it; " +
      "accept accepts it and encrypts what this node sends; send also sends without encryption. " +
      "For turning encryption on in a running cluster; until it is refused, the node treats the " +
      "network as if it had no key.",
  },
  label: {
    field: "label",
    value: LABEL,
    default: "",
    meaning: "Label of the cluster: traffic with another label is dropped. Not a secret.",
  },
  "state-dir": {
    field: "stateDirectory",
    value: DIRECTORY_OR_NONE,
    unset: "/var/lib/gossipcheck as root, else $XDG_STATE_HOME/gossipcheck, else " +
      "~/.local/state/gossipcheck",
    meaning: "Directory for the node's state, in a subdirectory named after the node: batches " +
      "that it ran, results not yet delivered, members that it knew. After a restart, no result " +
      "is lost and nothing runs twice. The word none keeps the state in memory only.",
  },
  "max-parallel": {
    field: "maxParallel",
    value: integerBetween({ least: 1, most: 10_000 }),
    unset: `${PARALLEL_PER_CORE} per processor`,
    meaning:
      "Maximum number of checks that run at once, each with its action; the others wait in " +
      "a queue.",
    tradeOff: "A higher value finishes large batches sooner, for more load on this host.",
  },
  "token-file": {
    field: "tokenFile",
    value: FILE,
    unset: "the file token in the node's state directory, created at the first start",
    meaning:
      "File with the token that gcheck must know, 64 hex digits. The file must be readable " +
      "by its owner only.",
  },
  insecure: {
    field: "insecure",
    on: true,
    meaning: "Allow actions of other nodes without a cluster key, and gcheck without a token, on " +
      "every address: anyone who can reach the port can run any command on this host.",
  },
  "trusted-keys": {
    field: "trustedKeysFile",
    value: FILE,
    unset: "none: batches need no signature",
    meaning: "File with public keys: only batches signed by one of them are run and forwarded. " +
      "One key per line, NAME ssh-ed25519 BASE64, as in ssh's allowed signers file. SIGHUP " +
      "reloads it.",
  },
  "no-actions": {
    field: "noActions",
    on: true,
    meaning: "Run checks but no actions; results show each action as refused.",
  },
  "allow-actions": {
    field: "allowActionsFile",
    value: FILE,
    unset: "none: every command is allowed",
    meaning: "File with the commands that actions may run, one per line; a command must be equal " +
      "to a whole line.",
  },
  checks: {
    field: "checkTypes",
    value: wordList({ placeholder: "TYPE,…" }),
    unset: "all",
    meaning: "Check types that this node runs, separated by commas.",
  },
  "log-level": {
    field: "logLevel",
    value: oneOf(LOG_LEVELS, { placeholder: "LEVEL" }),
    default: "info",
    meaning: `Minimum level of the log on stderr: ${LOG_LEVELS.join(", ")}.`,
  },
  "log-format": {
    field: "logFormat",
    value: oneOf(["text", "json"], { placeholder: "FORMAT" }),
    default: "text",
    meaning: "Format of the log: text, or json for one JSON object per line.",
  },
} as const satisfies FlagTable;
