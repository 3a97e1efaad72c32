/**
 * A batch's body: what the nodes are to do. The client encodes it once; these bytes are signed, sent
 * and journalled, and each node decodes them once to run them.
 * @module
 */
import { WireError } from "../errors.ts";
import { BATCH_BODY_MAX_BYTES, CHECKS_MAX } from "../limits.ts";
import {
  checked,
  type Codec,
  decodeMessage,
  encodeMessage,
  list,
  taggedRow,
} from "../msgpack_codec.ts";
import { CHECK, type Check } from "./check.ts";
import { KEY_OPERATION, type KeyOperation } from "./key_operation.ts";

/** What the nodes are to do: run checks, or change or list their encryption keys. */
export type BatchBody =
  | { readonly type: "checks"; readonly checks: readonly Check[] }
  | { readonly type: "keys"; readonly operation: KeyOperation };

const BODY: Codec<BatchBody> = taggedRow<BatchBody, "type">("type", {
  checks: { checks: checked(list(CHECK, CHECKS_MAX), withUniqueNames) },
  keys: { operation: KEY_OPERATION },
});

/** A body's bytes. */
export function encodeBody(body: BatchBody): Uint8Array<ArrayBuffer> {
  return encodeMessage(BODY, body);
}

/**
 * Reads a body. Check types and fields that this version does not know are kept: running them yields
 * `error`. Raises `WireError`.
 */
export function decodeBody(bytes: Uint8Array): BatchBody {
  return decodeMessage(bytes, {
    codec: BODY,
    what: "a batch's body",
    maxBytes: BATCH_BODY_MAX_BYTES,
  });
}

/** What a body holds, in short: the names of its checks, or the step of a change of keys. */
export type BodySummary =
  | { readonly type: "checks"; readonly names: readonly string[] }
  | { readonly type: "keys"; readonly step?: KeyOperation["type"] }
  | { readonly type: "unreadable" };

/** What a body holds, in short. */
export function summaryOf(body: ReadBody): BodySummary {
  switch (body.type) {
    case "unreadable":
      return { type: "unreadable" };
    case "checks":
      return { type: "checks", names: body.checks.map(({ name }) => name) };
    case "keys":
      return { type: "keys", step: body.operation.type };
    default:
      return body satisfies never;
  }
}

/** A body as it was read, or why this version cannot read it. */
export type ReadBody = BatchBody | { readonly type: "unreadable"; readonly reason: string };

/** Reads a body that came from another node, which may be of another version. */
export function readBody(bytes: Uint8Array): ReadBody {
  try {
    return decodeBody(bytes);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { type: "unreadable", reason: error.message };
  }
}

/** Results are told apart by their check's name. */
function withUniqueNames(checks: readonly Check[], at: string): readonly Check[] {
  if (checks.length === 0) throw new WireError("malformed", `${at} must hold at least one check`);
  const names = new Set<string>();
  for (const { name } of checks) {
    if (names.has(name)) {
      throw new WireError("malformed", `${at} holds two checks named ${JSON.stringify(name)}`);
    }
    names.add(name);
  }
  return checks;
}
