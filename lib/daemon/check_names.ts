/**
 * The names that stand for what is in a batch.
 * @module
 */
import { decodeChecks } from "../checks/codec.ts";
import { WireError } from "../errors.ts";
import { decodeKeyOperation, KEY_OPERATION_CHECK } from "../batch/key_operation.ts";

/** Stands for the checks of a batch that this node cannot read. */
export const UNREADABLE_BATCH = "(batch)";

/** The names that a batch's results have; undefined where this node cannot read its body. */
export function readableCheckNames(body: Uint8Array): readonly string[] | undefined {
  try {
    if (decodeKeyOperation(body) !== undefined) return [KEY_OPERATION_CHECK];
    return decodeChecks(body).map(({ name }) => name);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return undefined;
  }
}

/** The same; a batch that cannot be read here stands as one check. */
export function checkNames(body: Uint8Array): readonly string[] {
  return readableCheckNames(body) ?? [UNREADABLE_BATCH];
}
