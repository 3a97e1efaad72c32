/**
 * Node metadata: a node's tags in Serf's format (`encodeTags` in Serf's `serf.go`), so that Serf shows
 * them, with a reserved tag that marks nodes which run gossipcheck and holds their session.
 * @module
 */
import { encode } from "@std/msgpack";
import { UsageError } from "../errors.ts";
import { META_MAX_BYTES } from "../limits.ts";
import { decode } from "../std/msgpack_decode.ts";

/** Serf's `tagMagicByte`: what follows is a MessagePack map of strings. */
const TAGS_FORM = 255;
/** The name of the reserved tag; operators cannot set it. */
const RESERVED_TAG = "gossipcheck";
/** Its value; a space and a session may follow. */
const MARK = "1";
/** Values in another format are left to later releases. */
const SESSION = /^1 ([0-9a-f]{16})$/;

/** Decoded metadata of a member. */
export interface Meta {
  /** Whether the member runs gossipcheck. */
  readonly runsGossipcheck: boolean;
  /** Its tags without the reserved one; empty if its metadata has another format. */
  readonly tags: Map<string, string>;
  /** The member's session; without one no batches can be sent to it. */
  readonly session?: string;
}

/**
 * Encodes this node's metadata from its tags and its session, 16 hexadecimal digits. Raises
 * `UsageError` if a tag has the reserved name or if the result is longer than `META_MAX_BYTES`.
 */
export function encodeMeta(tags: ReadonlyMap<string, string>, session?: string): Uint8Array {
  if (tags.has(RESERVED_TAG)) {
    throw new UsageError(`tag "${RESERVED_TAG}" is reserved; choose another name`);
  }
  const body = encode({
    ...Object.fromEntries(tags),
    [RESERVED_TAG]: session === undefined ? MARK : `${MARK} ${session}`,
  });
  if (body.length + 1 > META_MAX_BYTES) {
    throw new UsageError(
      `tags take ${body.length + 1} bytes; maximum ${META_MAX_BYTES}; shorten or remove some`,
    );
  }
  const meta = new Uint8Array(body.length + 1);
  meta[0] = TAGS_FORM;
  meta.set(body, 1);
  return meta;
}

/**
 * Decodes the metadata of any node. Never raises: metadata in another format belongs to another
 * program, and yields no tags.
 */
export function decodeMeta(meta: Uint8Array): Meta {
  const tags = new Map<string, string>();
  if (meta[0] !== TAGS_FORM || meta.length > META_MAX_BYTES) {
    return { runsGossipcheck: false, tags };
  }
  let content: unknown;
  try {
    content = decode(meta.subarray(1));
  } catch {
    return { runsGossipcheck: false, tags };
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    return { runsGossipcheck: false, tags };
  }
  for (const [key, value] of Object.entries(content)) {
    if (typeof value === "string") tags.set(key, value);
  }
  const session = tags.get(RESERVED_TAG)?.match(SESSION)?.[1];
  const runsGossipcheck = tags.delete(RESERVED_TAG);
  return { runsGossipcheck, tags, ...(session === undefined ? {} : { session }) };
}
