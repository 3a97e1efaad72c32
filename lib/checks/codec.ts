/**
 * Checks and results as MessagePack, as they travel inside batches and reports. Each record is an
 * array whose later items a newer version may add to; an older one passes over what it does not know.
 * @module
 */
import { encode, type ValueType } from "@std/msgpack";
import { WireError } from "../errors.ts";
import {
  ACTION_MAX_BYTES,
  ACTION_OUTPUT_MAX_BYTES,
  ACTION_TIMEOUT_MAX_MS,
  CHECK_NAME_MAX_BYTES,
  CHECK_TYPE_MAX_BYTES,
  CHECKS_MAX,
  GOSSIP_MESSAGE_MAX_BYTES,
  REASON_MAX_BYTES,
  RESULTS_OUTPUT_MAX_BYTES,
} from "../limits.ts";
import { decode } from "../std/msgpack_decode.ts";
import { scanValue } from "../msgpack_scanner.ts";
import type { ActionEnd, ActionResult, Check, CheckResult, FieldValue, Outcome } from "./check.ts";
import { truncateUtf8 } from "./truncate.ts";

/** A batch's checks as bytes. */
export function encodeChecks(checks: readonly Check[]): Uint8Array<ArrayBuffer> {
  return encode(checks.map(({ name, type, fields, action, actionTimeoutMs }) => [
    name,
    type,
    // Field values are what MessagePack holds; the encoder's type spells it another way.
    fields as { [key: string]: ValueType },
    action ?? null,
    actionTimeoutMs,
  ]));
}

/**
 * The checks of a batch. Types and fields that this version does not know are kept: running them
 * yields `error`. Raises `WireError`.
 */
export function decodeChecks(bytes: Uint8Array): Check[] {
  return decodeList(bytes, "checks").map((record) => {
    const [name, type, fields, action, actionTimeoutMs] = list(record, "a check");
    const checked: Check = {
      name: text(name, { what: "a check's name", maxBytes: CHECK_NAME_MAX_BYTES }),
      type: text(type, { what: "a check's type", maxBytes: CHECK_TYPE_MAX_BYTES }),
      fields: map(fields, "a check's fields"),
      actionTimeoutMs: count(actionTimeoutMs, "an action's timeout"),
    };
    if (checked.actionTimeoutMs > ACTION_TIMEOUT_MAX_MS) throw wrong("an action's timeout", "24 h");
    if (action === null || action === undefined) return checked;
    return { ...checked, action: text(action, { what: "an action", maxBytes: ACTION_MAX_BYTES }) };
  });
}

/**
 * Results as bytes that fit into one report: where their actions' outputs are over 4 MiB together,
 * each is cut to an even share, and what was cut is added to its `droppedBytes`.
 */
export function encodeResults(results: readonly CheckResult[]): Uint8Array<ArrayBuffer> {
  const outputs = results.filter((result) => result.action !== undefined);
  const share = Math.floor(RESULTS_OUTPUT_MAX_BYTES / Math.max(1, outputs.length));
  const maxBytes = Math.min(ACTION_OUTPUT_MAX_BYTES, share);
  return encode(results.map(({ check, outcome, durationMs, action }) => [
    check,
    outcome.status,
    outcome.status === "pass" ? "" : truncateUtf8(outcome.reason, REASON_MAX_BYTES).text,
    durationMs,
    action === undefined ? null : actionRecord(action, maxBytes),
  ]));
}

/** What a node reports. Raises `WireError`. */
export function decodeResults(bytes: Uint8Array): CheckResult[] {
  return decodeList(bytes, "results").map((record) => {
    const [check, status, reason, durationMs, action] = list(record, "a result");
    const result: CheckResult = {
      check: text(check, { what: "a result's check", maxBytes: CHECK_NAME_MAX_BYTES }),
      outcome: outcome(status, reason),
      durationMs: count(durationMs, "a check's duration"),
    };
    if (action === null || action === undefined) return result;
    return { ...result, action: actionResult(list(action, "an action's result")) };
  });
}

function actionRecord(action: ActionResult, maxBytes: number): ValueType {
  const { text: output, droppedBytes } = truncateUtf8(action.output, maxBytes);
  return [
    action.end.type,
    endDetail(action.end),
    output,
    action.droppedBytes + droppedBytes,
    action.durationMs,
  ];
}

function endDetail(end: ActionEnd): string | number | null {
  switch (end.type) {
    case "exited":
      return end.code;
    case "signaled":
      return end.signal;
    case "refused":
      return truncateUtf8(end.reason, REASON_MAX_BYTES).text;
    case "timed_out":
    case "aborted":
    case "interrupted":
      return null;
    default:
      return end satisfies never;
  }
}

function actionResult(record: readonly unknown[]): ActionResult {
  const [type, detail, output, droppedBytes, durationMs] = record;
  return {
    end: actionEnd(type, detail),
    output: text(output, { what: "an action's output", maxBytes: ACTION_OUTPUT_MAX_BYTES }),
    droppedBytes: count(droppedBytes, "dropped bytes"),
    durationMs: count(durationMs, "an action's duration"),
  };
}

function outcome(status: unknown, reason: unknown): Outcome {
  switch (status) {
    case "pass":
      return { status };
    case "fail":
    case "error":
    case "skipped":
      return { status, reason: text(reason, { what: "a reason", maxBytes: REASON_MAX_BYTES }) };
    default:
      throw wrong("an outcome", "pass, fail, error or skipped");
  }
}

function actionEnd(type: unknown, detail: unknown): ActionEnd {
  switch (type) {
    case "exited":
      return { type, code: count(detail, "an exit status") };
    case "signaled":
      return { type, signal: text(detail, { what: "a signal", maxBytes: 32 }) };
    case "refused":
      return { type, reason: text(detail, { what: "a refusal", maxBytes: REASON_MAX_BYTES }) };
    case "timed_out":
    case "aborted":
    case "interrupted":
      return { type };
    default:
      throw wrong("an action's end", "a known one");
  }
}

/** Depth and declared lengths are looked at before anything is built. */
function decodeList(bytes: Uint8Array, what: string): readonly unknown[] {
  if (bytes.length > GOSSIP_MESSAGE_MAX_BYTES) {
    throw new WireError("too_large", `${what} take ${bytes.length} bytes`);
  }
  const length = scanValue({ bytes, start: 0, end: bytes.length });
  if (length !== bytes.length) {
    throw new WireError("malformed", `${bytes.length - length} bytes follow the ${what}`);
  }
  let value: unknown;
  try {
    value = decode(bytes);
  } catch (cause) {
    throw new WireError("malformed", `${what} are not MessagePack: ${(cause as Error).message}`);
  }
  const records = list(value, what);
  if (records.length > CHECKS_MAX) throw new WireError("too_many", `over ${CHECKS_MAX} ${what}`);
  return records;
}

function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(what, "an array");
  return value;
}

function map(value: unknown, what: string): Readonly<Record<string, FieldValue>> {
  // Its values are looked at where the check is run: only its type knows what they may be.
  const map = fieldValue(value, what);
  if (typeof map !== "object" || map === null || Array.isArray(map)) throw wrong(what, "a map");
  return map as Readonly<Record<string, FieldValue>>;
}

/** What JSON could have said as well: no bytes, no dates, no extensions. The scan has bounded its depth. */
function fieldValue(value: unknown, what: string): FieldValue {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (typeof value === "string" && value.isWellFormed()) return value;
  if (Array.isArray(value)) return value.map((entry) => fieldValue(entry, what));
  // The decoder's own classes, a date for one, are no maps.
  if (typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) {
    throw wrong(what, "texts, numbers, truth values, lists and maps");
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [wellFormed(key, what), fieldValue(entry, what)]),
  );
}

function text(value: unknown, bound: { what: string; maxBytes: number }): string {
  if (typeof value !== "string") throw wrong(bound.what, "text");
  if (truncateUtf8(value, bound.maxBytes).droppedBytes > 0) {
    throw new WireError("too_large", `${bound.what} has over ${bound.maxBytes} bytes`);
  }
  return wellFormed(value, bound.what);
}

/** Half a surrogate pair comes of bytes that are no UTF-8, and would be others when sent on. */
function wellFormed(value: string, what: string): string {
  if (!value.isWellFormed()) throw wrong(what, "text in UTF-8");
  return value;
}

function count(value: unknown, what: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong(what, "a whole number");
}

function wrong(what: string, expected: string): WireError {
  return new WireError("malformed", `${what} must be ${expected}`);
}
