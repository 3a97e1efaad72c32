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
/** A node's name; memberlist has no bound, DNS has 255. */
export const NAME_MAX_BYTES = 255;
/** Ids of batches that are remembered so that none runs twice. */
export const HISTORY_MAX_IDS = 1_000_000;
/** Whole batches that are kept to hand to who lacks them. */
export const HISTORY_MAX_BATCHES = 2_000;
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
