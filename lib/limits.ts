/**
 * Limits, defaults and protocol constants. A limit is a maximum unless its comment says otherwise,
 * and is checked before memory is allocated. A constant whose comment names no source is a choice
 * of this project.
 * @module
 */

/** Metadata of a node: `MetaMaxSize` in memberlist's `delegate.go`. */
export const META_MAX_BYTES = 512;
/** UDP payload of one packet: `UDPBufferSize` of memberlist's LAN configuration. */
export const PACKET_MAX_BYTES = 1400;
/** Receive buffer for one datagram: `udpPacketBufSize` in memberlist's `net_transport.go`. */
export const DATAGRAM_MAX_BYTES = 65_536;
/**
 * Parts of a compound message, whose count is one byte (memberlist `util.go`,
 * `makeCompoundMessage`).
 */
export const COMPOUND_MAX_PARTS = 255;
/** State of all nodes in a push/pull: `maxPushStateBytes` in memberlist's `net.go`. */
export const PUSH_PULL_MAX_BYTES = 20 * 1024 * 1024;
/** Nodes in one push/pull; memberlist has no limit. */
export const PUSH_PULL_MAX_NODES = 100_000;
/** One gossip message (a batch, a digest, a report). */
export const GOSSIP_MESSAGE_MAX_BYTES = 8 * 1024 * 1024;
/** One frame of the client protocol. */
export const CLIENT_FRAME_MAX_BYTES = 16 * 1024 * 1024;
/** Size of a check file. */
export const CHECK_FILE_MAX_BYTES = 1024 * 1024;
/** Nesting depth of a MessagePack message from a socket; valid messages have at most 6 levels. */
export const MESSAGE_MAX_DEPTH = 16;
/**
 * Values in a MessagePack message from a socket, nested ones included. An encoded empty map takes
 * one byte, a decoded one about sixty.
 */
export const MESSAGE_MAX_VALUES = 250_000;
/** Name of a node in UTF-8: the maximum of a DNS name; memberlist has no limit. */
export const NAME_MAX_BYTES = 255;
/** Cluster label, whose length is one byte: `LabelMaxSize` in memberlist's `label.go`. */
export const LABEL_MAX_BYTES = 255;
/** Nesting depth of compound and compressed messages in a packet; memberlist sends at most two. */
export const PACKET_MAX_DEPTH = 8;
/** Messages in one packet, nested ones included. */
export const PACKET_MAX_MESSAGES = 4096;
/** Decompressed size of a stream message: `maxDecompressedBytes` in memberlist's `net.go`. */
export const DECOMPRESSED_MAX_BYTES = 2 * PUSH_PULL_MAX_BYTES;
/**
 * One encoded node of a push/pull: its name and metadata, and room for keys that this version does
 * not know.
 */
export const PUSH_PULL_NODE_MAX_BYTES = 2048;
/** Batch ids that a node remembers, so that no batch runs twice. */
export const HISTORY_MAX_IDS = 1_000_000;
/** Whole batches that a node keeps for nodes that lack them. */
export const HISTORY_MAX_BATCHES = 2_000;
/** Encoded body of a batch: the checks of a maximum check file fit in it. */
export const BATCH_BODY_MAX_BYTES = 2 * 1024 * 1024;
/** Encoded content of a batch (what is signed): its body, its target and the other fields. */
export const BATCH_CONTENT_MAX_BYTES: number = BATCH_BODY_MAX_BYTES + 512 * 1024;
/** Encoded report: with the header of a relay it fits in one gossip message. */
export const REPORT_BODY_MAX_BYTES = 7 * 1024 * 1024;
/** Tag conditions in one target. */
export const TARGET_MAX_CONDITIONS = 64;
/** Node names and patterns in one target. */
export const TARGET_MAX_NODES = 1_000;
/** Signature of a batch, with the public key of the signer. */
export const SIGNATURE_MAX_BYTES = 1024;
/** Batch ids in one digest. */
export const DIGEST_MAX_IDS = 20_000;
/** Output of one action that is kept. */
export const ACTION_OUTPUT_MAX_BYTES = 64 * 1024;
/** Default of a check's `action_timeout`. */
export const ACTION_TIMEOUT_DEFAULT_MS = 5 * 60_000;
/** Timeout of one check, without its action. */
export const CHECK_TIMEOUT_MS = 30_000;
/** Default port for other nodes. */
export const DEFAULT_NODE_PORT = 3505;
/** Default port for `gcheck`. */
export const DEFAULT_CLIENT_PORT = 5924;
/** Requests of `gcheck` that a daemon serves at once; it refuses further ones. */
export const CLIENT_CONNECTIONS_MAX = 64;
/** Open connections of clients that are not authenticated; a further one evicts the oldest. */
export const CLIENT_UNAUTHENTICATED_MAX = 1_024;
/** Pause of a server between an eviction and the next accept. */
export const EVICTION_PAUSE_MS = 2;
/** One message of the handshake between `gcheck` and its daemon. */
export const CLIENT_HANDSHAKE_MAX_BYTES = 1024;
/** Deadline of the whole handshake between `gcheck` and its daemon. */
export const CLIENT_HANDSHAKE_TIMEOUT_MS = 5_000;
/** A request of `gcheck`: the content of a batch and its signature fit in it. */
export const CLIENT_REQUEST_MAX_BYTES: number = BATCH_CONTENT_MAX_BYTES + 64 * 1024;
/** Deadline for receiving a whole request, and for sending a whole reply. */
export const CLIENT_FRAME_TIMEOUT_MS = 30_000;
/** Checks in one batch; with more, a report could exceed `REPORT_BODY_MAX_BYTES`. */
export const CHECKS_MAX = 1_000;
/** Name of a check in UTF-8. */
export const CHECK_NAME_MAX_BYTES = 255;
/** Name of a check type in UTF-8. */
export const CHECK_TYPE_MAX_BYTES = 64;
/** Errors of a check file that are listed. */
export const CHECK_PROBLEMS_MAX = 100;
/**
 * Command of an action in UTF-8; Linux limits one argument of `execve` to 128 KiB
 * (`MAX_ARG_STRLEN`).
 */
export const ACTION_MAX_BYTES = 64 * 1024;
/** Maximum of `action_timeout`. */
export const ACTION_TIMEOUT_MAX_MS = 24 * 60 * 60_000;
/** Reason of an outcome in UTF-8, and thereby `GOSSIPCHECK_MESSAGE`. */
export const REASON_MAX_BYTES = 2 * 1024;
/** Total output of all actions in one report; if they exceed it, each is cut to an equal share. */
export const RESULTS_OUTPUT_MAX_BYTES = 4 * 1024 * 1024;
/** Nesting depth of a check file; a valid one has two levels. */
export const CHECK_FILE_MAX_DEPTH = 64;
/** Open connections from other nodes. */
export const STREAMS_MAX = 1024;
/** Open connections from one IP address, which a hundred nodes may share. */
export const STREAMS_MAX_PER_HOST = 256;
/**
 * Total bytes of incomplete messages from other nodes: one push/pull of maximum size, and room for
 * small messages.
 */
export const STREAMS_MAX_BYTES = 32 * 1024 * 1024;
/**
 * Deadline of a connection from another node, its message and the reply: memberlist's LAN
 * `TCPTimeout`.
 */
export const STREAM_DEADLINE_MS = 10_000;
/** Total size of a node's own reports that are kept in memory. */
export const OWN_REPORTS_MAX_BYTES = 32 * 1024 * 1024;
/** Batches that `gcheck results` lists. */
export const BATCH_LINES_MAX = 100;
/** Default fan-out, of the burst and of anti-entropy: as in the original Go program. */
export const GOSSIP_GROUP_DEFAULT = 5;
/** Maximum fan-out. */
export const GOSSIP_GROUP_MAX = 1_000;
/** Default period of anti-entropy: as in the original Go program. */
export const ADVERTISE_INTERVAL_DEFAULT_MS = 20_000;
/** Default time that `gcheck` waits for results. */
export const RESULTS_TIMEOUT_DEFAULT_MS = 30_000;
/** Default time until a batch expires: nodes accept it only before that. */
export const BATCH_EXPIRES_DEFAULT_MS = 3_600_000;
/** Maximum time until a batch expires, unless it never does. */
export const BATCH_EXPIRES_MAX_MS = 365 * 24 * 3_600_000;
/** Maximum of `-max-failures`. */
export const ROLLOUT_MAX_FAILURES_MAX = 1_000_000;
/** How long a node that stops waits until its leave message is sent. */
export const LEAVE_TIMEOUT_MS = 5_000;
/** How long a node that stops waits until the origins have acknowledged its reports. */
export const REPORT_GRACE_MS = 3_000;
/** How long a daemon that stops lets running actions finish. */
export const STOP_GRACE_MS = 10_000;
/** Time until a key operation expires. Nodes do not keep the key that it carries after that. */
export const KEY_OPERATION_EXPIRES_MS = 600_000;
/** Keys in a keyring; for a packet that no key decrypts, each key is tried. */
export const KEYRING_MAX_KEYS = 16;
/**
 * How far the clock of the signer of a batch may be ahead of a node's clock; Kerberos allows the
 * same (RFC 4120, section 5.2).
 */
export const SIGNED_CLOCK_TOLERANCE_MS = 5 * 60_000;
/** Size at which the audit log is rotated. */
export const AUDIT_FILE_MAX_BYTES = 16 * 1024 * 1024;
/** Rotated audit logs that are kept. */
export const AUDIT_FILES_KEPT = 8;
/** Refused batches that are recorded one by one per minute; further ones are counted. */
export const AUDIT_REFUSALS_PER_MINUTE = 60;
/** Default number of checks, each with its action, that run at once per processor core. */
export const PARALLEL_PER_CORE = 4;
/** Age at which the journal deletes acknowledged reports and collected results. */
export const RESULTS_KEEP_MS = 30 * 24 * 3_600_000;
/** Total size of the batches in the journal; dissemination has the same limit. */
export const JOURNAL_BATCHES_MAX_BYTES = 256 * 1024 * 1024;
/** Total size of this node's acknowledged reports in the journal. */
export const JOURNAL_REPORTS_MAX_BYTES = 128 * 1024 * 1024;
/**
 * Members that a node saves, to rejoin its cluster after a restart: the membership retries as many
 * peers.
 */
export const KNOWN_MEMBERS_MAX = 1_024;
/**
 * How long a node keeps the address of a former member; a whole cluster may be off for some days.
 */
export const KNOWN_MEMBERS_KEEP_MS = 7 * 24 * 3_600_000;
/** Sessions of other nodes that the link keeps a replay window for, of 1 KiB each. */
export const LINK_SESSIONS_MAX = 10_000;
/** Minimum payload of each fragment of a message except the last. */
export const FRAGMENT_MIN_BYTES = 512;
/** Messages in reassembly, from all senders. */
export const ASSEMBLIES_MAX = 1_024;
/** Messages in reassembly from one sender: four times as many as one sender sends at once. */
export const ASSEMBLIES_MAX_PER_SENDER = 64;
/** Total bytes of the messages in reassembly: four of maximum size. */
export const ASSEMBLIES_MAX_BYTES: number = 4 * GOSSIP_MESSAGE_MAX_BYTES;
/** Total bytes of the messages in reassembly from one sender: two of maximum size. */
export const ASSEMBLIES_MAX_BYTES_PER_SENDER: number = 2 * GOSSIP_MESSAGE_MAX_BYTES;
