/**
 * Batches for tests, encoded as the origin encodes them.
 * @module
 */
import type { NodeReference } from "../../lib/address.ts";
import {
  type Batch,
  type BatchContent,
  batchOf,
  encodeBatchContent,
} from "../../lib/batch/batch.ts";
import { type BatchBody, encodeBody } from "../../lib/batch/body.ts";
import type { Check } from "../../lib/batch/check.ts";
import type { BatchId } from "../../lib/batch/id.ts";
import type { Submission } from "../../lib/gossip/types.ts";

/** Fields that replace those of the default batch. */
export interface BatchChanges extends Partial<Omit<BatchContent, "originName">> {
  readonly origin?: NodeReference;
  /** Default: unsigned. */
  readonly signature?: Uint8Array;
}

const ORIGIN: NodeReference = { name: "origin", address: { host: "192.0.2.1", port: 3505 } };

/** A batch for all members that expires after an hour, with the fields of `changes`. */
export function makeBatch(changes: BatchChanges = {}): Batch {
  const { origin = ORIGIN, signature = new Uint8Array(0), ...content } = changes;
  return batchOf({
    content: encodeBatchContent({
      id: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
      originName: origin.name,
      issuedAtMs: 1_000,
      expiresAtMs: 3_601_000,
      target: {},
      held: false,
      body: Uint8Array.of(1),
      ...content,
    }),
    address: origin.address,
    signature,
  });
}

/**
 * An unsigned submission for all members that expires after an hour, with the fields of `changes`.
 */
export function submissionOf(
  changes:
    & Partial<Submission["order"] & { type: "unsigned" }>
    & Omit<Partial<Submission>, "order"> = {},
): Submission {
  const { target = {}, expiresInMs = 3_600_000, body = Uint8Array.of(1), ...rest } = changes;
  const { type: _, ...more } = rest;
  return { order: { type: "unsigned", target, expiresInMs, body }, ...more };
}

/** A batch id made from a number; ids sort like their numbers. */
export function testId(number: number): BatchId {
  return `01JD${String(number).padStart(22, "0")}`;
}

/** A check of the type `file_exists`, with the path `/NAME`. */
export function checkNamed(name: string, more: Partial<Check> = {}): Check {
  return {
    name,
    type: "file_exists",
    fields: { path: `/${name}` },
    actionTimeoutMs: 1000,
    ...more,
  };
}

/** The encoded body with one check `a`. */
export const CHECK_A: BatchBody = { type: "checks", checks: [checkNamed("a")] };

/** The batch `testId(1)` with one check, which never expires, with the fields of `changes`. */
export function checkBatch(changes: BatchChanges = {}): Batch {
  const body = encodeBody(CHECK_A);
  return makeBatch({ id: testId(1), issuedAtMs: 0, expiresAtMs: 0, body, ...changes });
}
