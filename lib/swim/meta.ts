/**
 * What a node publishes about itself: its tags in Serf's form (`encodeTags` in Serf's `serf.go`), so
 * that Serf shows them, and among them one of ours that says that it runs gossipcheck and in which
 * of its lives it is.
 * @module
 */
import { encode } from "@std/msgpack";
import { UsageError } from "../errors.ts";
import { META_MAX_BYTES } from "../limits.ts";
import { decode } from "../std/msgpack_decode.ts";

/** Serf's `tagMagicByte`: what follows is a MessagePack map of strings. */
const TAGS_FORM = 255;
/** The tag that is ours; not for operators. */
const RESERVED_TAG = "gossipcheck";
/** Its value, which a session follows after a blank. */
const MARK = "1";
/** A value of another form is for a later release to read. */
const SESSION = /^1 ([0-9a-f]{16})$/;

/** What a member's meta says. */
export interface Meta {
  /** Whether batches may be sent to it. */
  readonly runsGossipcheck: boolean;
  /** Its tags; empty where it publishes none or in another form. */
  readonly tags: Map<string, string>;
  /** Its present life; absent where it does not tell, and then batches cannot be sent to it. */
  readonly session?: string;
}

/**
 * This node's meta, with its present life unless it has none to tell. Raises `UsageError` on the
 * reserved tag and where the tags take too much room.
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
      `tags take ${body.length + 1} bytes, ${META_MAX_BYTES} is the most; shorten or drop some`,
    );
  }
  const meta = new Uint8Array(body.length + 1);
  meta[0] = TAGS_FORM;
  meta.set(body, 1);
  return meta;
}

/** What any node's meta says to us. Never throws: what is not ours belongs to someone else. */
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
