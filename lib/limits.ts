/**
 * Every bound and protocol constant, each with where it comes from. What a bound protects is
 * allocated only after the bound was checked.
 * @module
 */

/** Node meta: `MetaMaxSize` in memberlist's `delegate.go`. */
export const META_MAX_BYTES = 512;
/** UDP payload of one packet: `UDPBufferSize` of memberlist's LAN configuration. */
export const PACKET_MAX_BYTES = 1400;
/** The largest datagram that a socket hands over: `udpPacketBufSize` in memberlist's `net_transport.go`. */
export const DATAGRAM_MAX_BYTES = 65_536;
/** Parts in a compound packet: its count is one byte (memberlist `util.go`, `makeCompoundMessage`). */
export const COMPOUND_MAX_PARTS = 255;
/** The state of all nodes in a push/pull: `maxPushStateBytes` in memberlist's `net.go`. */
export const PUSH_PULL_MAX_BYTES = 20 * 1024 * 1024;
/** Nodes in one push/pull; memberlist has no bound of its own. */
export const PUSH_PULL_MAX_NODES = 100_000;
/** One gossip message (a batch, a digest, a report) in a TCP user message. */
export const GOSSIP_MESSAGE_MAX_BYTES = 8 * 1024 * 1024;
/** One frame between `gcheck` and its daemon. */
export const CLIENT_FRAME_MAX_BYTES = 16 * 1024 * 1024;
/** A check file. */
export const CHECK_FILE_MAX_BYTES = 1024 * 1024;
/** Nesting of MessagePack from a socket; nothing of ours or memberlist's goes deeper than 6. */
export const MESSAGE_MAX_DEPTH = 16;
/** Values in a MessagePack message from a socket, nested ones included: ours; an empty map is one byte there and sixty here. */
export const MESSAGE_MAX_VALUES = 250_000;
/** A node's name; memberlist has no bound, DNS has 255. */
export const NAME_MAX_BYTES = 255;
/** A cluster label: its length is one byte (`LabelMaxSize` in memberlist's `label.go`). */
export const LABEL_MAX_BYTES = 255;
/** Compounds and compressions inside one another in a packet; memberlist's own is at most two deep. */
export const PACKET_MAX_DEPTH = 8;
/** Messages in one packet, nested ones included. */
export const PACKET_MAX_MESSAGES = 4096;
/** What a compressed stream may hold: `maxDecompressedBytes` in memberlist's `net.go`. */
export const DECOMPRESSED_MAX_BYTES = 2 * PUSH_PULL_MAX_BYTES;
/** One node of a push/pull, encoded: a name, a meta and half as much again for keys not known to us. */
export const PUSH_PULL_NODE_MAX_BYTES = 2048;
/** Ids of batches that are remembered so that none runs twice. */
export const HISTORY_MAX_IDS = 1_000_000;
/** Whole batches that are kept to hand to who lacks them. */
export const HISTORY_MAX_BATCHES = 2_000;
/** A batch's checks as they travel: a check file as MessagePack, and room. */
export const BATCH_BODY_MAX_BYTES = 2 * 1024 * 1024;
/** A node's outcomes as they travel; a relay's wrapping and they fit one gossip message. */
export const REPORT_BODY_MAX_BYTES = 7 * 1024 * 1024;
/** Tag conditions in one target. */
export const TARGET_MAX_CONDITIONS = 64;
/** Node names and patterns in one target. */
export const TARGET_MAX_NODES = 1_000;
/** A batch's signature with its signer. */
export const SIGNATURE_MAX_BYTES = 1024;
/** Ids in one digest message. */
export const DIGEST_MAX_IDS = 20_000;
/** An action's output that is kept. */
export const ACTION_OUTPUT_MAX_BYTES = 64 * 1024;
/** How long an action may run unless its check says otherwise. */
export const ACTION_TIMEOUT_DEFAULT_MS = 5 * 60_000;
/** How long one check may take to be decided. */
export const CHECK_TIMEOUT_MS = 30_000;
/** Where other nodes connect unless told otherwise. */
export const DEFAULT_NODE_PORT = 3505;
/** Where `gcheck` connects unless told otherwise. */
export const DEFAULT_CLIENT_PORT = 5924;
/** Requests of `gcheck` that a daemon serves at once; one more is turned away. */
export const CLIENT_CONNECTIONS_MAX = 64;
/** Connections beside those that have not proven themselves: ours; the oldest makes room for one more. */
export const CLIENT_STRANGERS_MAX = 1_024;
/** How long a server waits after a newcomer took another's place before it lets in the next: ours. */
export const CROWDED_PAUSE_MS = 2;
/** One message of the exchange that precedes a request between `gcheck` and its daemon. */
export const CLIENT_HANDSHAKE_MAX_BYTES = 1024;
/** How long that exchange may take as a whole. */
export const CLIENT_HANDSHAKE_TIMEOUT_MS = 5_000;
/** A request of `gcheck`: a check file as MessagePack, and room for its target. */
export const CLIENT_REQUEST_MAX_BYTES = 2 * CHECK_FILE_MAX_BYTES;
/** How long a request may take to arrive, and a reply to be taken, as a whole. */
export const CLIENT_FRAME_TIMEOUT_MS = 30_000;
/** Checks in one batch: ours; far above any real file, far below what makes a result too large to send. */
export const CHECKS_MAX = 1_000;
/** A check's name in UTF-8: ours. */
export const CHECK_NAME_MAX_BYTES = 255;
/** A check's type name in UTF-8: ours. */
export const CHECK_TYPE_MAX_BYTES = 64;
/** Problems of a check file that are told: ours; nobody reads more at once. */
export const CHECK_PROBLEMS_MAX = 100;
/** An action's command in UTF-8: one argument of `execve` has 128 KiB on Linux (`MAX_ARG_STRLEN`). */
export const ACTION_MAX_BYTES = 64 * 1024;
/** The longest `action_timeout`: ours. */
export const ACTION_TIMEOUT_MAX_MS = 24 * 60 * 60_000;
/** A reason in an outcome, and `GOSSIPCHECK_MESSAGE` with it, in UTF-8: ours. */
export const REASON_MAX_BYTES = 2 * 1024;
/** The outputs of all actions in one node's results; past it each is cut to an even share. */
export const RESULTS_OUTPUT_MAX_BYTES = 4 * 1024 * 1024;
/** Nesting of a check file; what is deeper than an object of objects is refused anyway. */
export const CHECK_FILE_MAX_DEPTH = 64;
/** Connections of other nodes that are served at once, in all: ours. */
export const STREAMS_MAX = 1024;
/** Connections of other nodes that are served at once, from one host: ours; a hundred nodes may share one. */
export const STREAMS_MAX_PER_HOST = 256;
/** Messages of other nodes that are not whole yet, in all: ours; one whole state of the largest cluster, and room. */
export const STREAMS_MAX_BYTES = 32 * 1024 * 1024;
/** From a connection's start to the end of its message and reply: memberlist's LAN `TCPTimeout`. */
export const STREAM_DEADLINE_MS = 10_000;
/** A node's own outcomes that are kept in memory: ours. */
export const OWN_OUTCOMES_MAX_BYTES = 32 * 1024 * 1024;
/** Lines of `gcheck results`: ours. */
export const BATCH_LINES_MAX = 100;
/** Peers contacted in each iteration of either phase, unless told otherwise: the original Go program's. */
export const GOSSIP_GROUP_DEFAULT = 5;
/** Peers contacted in each iteration of either phase, at most: ours. */
export const GOSSIP_GROUP_MAX = 1_000;
/** Period of the second phase, unless told otherwise: the original Go program's. */
export const ADVERTISE_INTERVAL_DEFAULT_MS = 20_000;
/** How long `gcheck` waits for results, unless told otherwise. */
export const RESULTS_TIMEOUT_DEFAULT_MS = 30_000;
/** How long a batch may still be taken up, unless told otherwise: ours. */
export const BATCH_EXPIRES_DEFAULT_MS = 3_600_000;
/** The longest that a batch may live unless it lives for ever: ours. */
export const BATCH_EXPIRES_MAX_MS = 365 * 24 * 3_600_000;
/** The most failures that a staged roll-out may be told to bear: ours. */
export const ROLLOUT_MAX_FAILURES_MAX = 1_000_000;
/** How long a node that stops waits until the news is out: ours. */
export const LEAVE_TIMEOUT_MS = 5_000;
/** How long a node that stops waits until the origins have its last results: ours. */
export const REPORT_GRACE_MS = 3_000;
/** How long a daemon that stops lets running actions finish: ours. */
export const STOP_GRACE_MS = 10_000;
/** A key operation as it travels: its tag, its type and a key. */
export const KEY_OPERATION_MAX_BYTES = 128;
/** How long a key operation may still be taken up: ours; what it carries is then forgotten. */
export const KEY_OPERATION_EXPIRES_MS = 600_000;
/** Keys in a keyring that an operation may fill: ours; each costs an attempt for what none opens. */
export const KEYRING_MAX_KEYS = 16;
/** How far the clock of who signs a batch may be ahead of a node's: ours, Kerberos has the same (RFC 4120 section 5.2). */
export const SIGNED_CLOCK_TOLERANCE_MS = 5 * 60_000;
/** The audit log's size, past which it is rotated: ours. */
export const AUDIT_FILE_MAX_BYTES = 16 * 1024 * 1024;
/** Older audit logs that are kept: ours. */
export const AUDIT_FILES_KEPT = 8;
/** Refused batches that are recorded one by one in a minute; further ones are counted: ours. */
export const AUDIT_REFUSALS_PER_MINUTE = 60;
/** Checks and actions that run at once for each processor, unless told otherwise: ours. */
export const PARALLEL_PER_CORE = 4;
/** Outcomes and collected results older than this are forgotten by the journal: ours. */
export const RESULTS_KEEP_MS = 30 * 24 * 3_600_000;
/** Whole batches in the journal, in all; dissemination holds as much: ours. */
export const JOURNAL_BATCHES_MAX_BYTES = 256 * 1024 * 1024;
/** This node's outcomes in the journal, in all: ours. */
export const JOURNAL_OUTCOMES_MAX_BYTES = 128 * 1024 * 1024;
/** Members that a node remembers to find its cluster again: as many as the membership goes back to. */
export const KNOWN_MEMBERS_MAX = 1_024;
/** A member that is none any more is remembered for so long: ours; a fleet may be off for a while. */
export const KNOWN_MEMBERS_KEEP_MS = 7 * 24 * 3_600_000;
/** Lives of other nodes whose messages are told apart at once: ours; 1 KiB each. */
export const LINK_SESSIONS_MAX = 10_000;
/** Bytes of a message in one packet, but the last one's: ours; far below what a packet holds. */
export const FRAGMENT_MIN_BYTES = 512;
/** Messages on their way in by packets, in all: ours. */
export const ASSEMBLIES_MAX = 1_024;
/** Messages on their way in by packets from one sender: ours; four times what one sends at once. */
export const ASSEMBLIES_MAX_PER_SENDER = 64;
/** Bytes of messages on their way in by packets, in all: ours; four of the largest. */
export const ASSEMBLIES_MAX_BYTES: number = 4 * GOSSIP_MESSAGE_MAX_BYTES;
/** Bytes of messages on their way in by packets from one sender: ours; two of the largest. */
export const ASSEMBLIES_MAX_BYTES_PER_SENDER: number = 2 * GOSSIP_MESSAGE_MAX_BYTES;
