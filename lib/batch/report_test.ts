import { assert, assertEquals, assertLess, assertLessOrEqual, assertThrows } from "@std/assert";
import { encode, type ValueType } from "@std/msgpack";
import { FINGERPRINT, REPORTS, RESULTS } from "../../tests/support/check_samples.ts";
import { type DropReason, WireError } from "../errors.ts";
import {
  ACTION_OUTPUT_MAX_BYTES,
  CHECKS_MAX,
  REASON_MAX_BYTES,
  REPORT_BODY_MAX_BYTES,
  RESULTS_OUTPUT_MAX_BYTES,
} from "../limits.ts";
import type { CheckResult } from "./check.ts";
import { KEYS_LISTED_MAX } from "./key_operation.ts";
import {
  decodeReport,
  decodeResult,
  encodeReport,
  encodeResult,
  type Report,
  reportPassed,
} from "./report.ts";

const ALL: readonly Report[] = Object.values(REPORTS).flat();

Deno.test("reports and results come out as they went in", () => {
  for (const report of ALL) assertEquals(decodeReport(encodeReport(report)), report);
  for (const result of RESULTS) assertEquals(decodeResult(encodeResult(result)), result);
});

Deno.test("a newer version may append to a report and to each result of it", () => {
  const result = ["a", ["pass"], 5, null, { more: 1 }];
  assertEquals(decodeReport(encode(["checks", [result], "more"])), {
    type: "checks",
    results: [{ check: "a", outcome: { status: "pass" }, durationMs: 5 }],
  });
  const listing = [FINGERPRINT, [FINGERPRINT], "more"];
  assertEquals(decodeReport(encode(["keys", ["pass"], listing, "more"])), {
    type: "keys",
    outcome: { status: "pass" },
    listing: { primary: FINGERPRINT, held: [FINGERPRINT] },
  });
});

Deno.test("what is cut short or follows is refused, and changed bytes never do worse", () => {
  const forms: readonly (readonly [Uint8Array, (bytes: Uint8Array) => unknown])[] = [
    ...ALL.map((report) => [encodeReport(report), decodeReport] as const),
    ...RESULTS.map((result) => [encodeResult(result), decodeResult] as const),
  ];
  for (const [bytes, decode] of forms) {
    for (let length = 0; length < bytes.length; length++) {
      assertThrows(() => decode(bytes.subarray(0, length)), WireError);
    }
    assertThrows(() => decode(new Uint8Array([...bytes, 0])), WireError, "is followed by 1 bytes");
    for (let index = 0; index < bytes.length; index++) {
      for (const byte of [0x00, 0x80, 0x91, 0xc1, 0xd9, 0xdd, 0xff]) {
        try {
          decode(bytes.with(index, byte));
        } catch (error) {
          if (!(error instanceof WireError)) throw error;
        }
      }
    }
  }
});

Deno.test("a report passed if everything in it did", () => {
  for (const report of ALL) {
    const outcomes = report.type === "checks"
      ? report.results.map(({ outcome }) => outcome)
      : [report.outcome];
    const expected = outcomes.every(({ status }) => status === "pass");
    assertEquals(reportPassed(report), expected, JSON.stringify(report));
  }
  assert(reportPassed({ type: "checks", results: [] }));
});

function failing(check: string, output: string): CheckResult {
  return {
    check,
    outcome: { status: "fail", reason: "no" },
    durationMs: 1,
    action: { end: { type: "exited", code: 3 }, output, droppedBytes: 10, durationMs: 1 },
  };
}

Deno.test("outputs share what room a report has", () => {
  const output = "é".repeat(32 * 1024);
  const results = Array.from({ length: 200 }, (_, index) => failing(`c${index}`, output));
  const bytes = encodeReport({ type: "checks", results });
  assertLess(bytes.length, RESULTS_OUTPUT_MAX_BYTES + 200 * 100);
  const report = decodeReport(bytes);
  assert(report.type === "checks");
  for (const { action } of report.results) {
    assert(action !== undefined);
    const kept = new TextEncoder().encode(action.output).length;
    assertEquals(kept + action.droppedBytes, 64 * 1024 + 10);
    assert(output.startsWith(action.output));
  }
});

Deno.test("the largest reports keep to their bound", () => {
  const name = (index: number) => `${index}`.padStart(255, "n");
  const reason = "é".repeat(REASON_MAX_BYTES);
  const largest: readonly ((index: number) => CheckResult)[] = [
    (index) => failing(name(index), "\u{1f980}".repeat(2_048)),
    (index) => ({
      ...failing(name(index), ""),
      action: { end: { type: "refused", reason }, output: "", droppedBytes: 0, durationMs: 0 },
    }),
  ];
  for (const make of largest) {
    const results = Array.from({ length: CHECKS_MAX }, (_, index): CheckResult => ({
      ...make(index),
      outcome: { status: "fail", reason },
    }));
    const bytes = encodeReport({ type: "checks", results });
    assertLessOrEqual(bytes.length, REPORT_BODY_MAX_BYTES);
    const report = decodeReport(bytes);
    assertEquals(report.type === "checks" && report.results.length, CHECKS_MAX);
  }
  const held = Array(KEYS_LISTED_MAX).fill(FINGERPRINT);
  const keys: Report = {
    type: "keys",
    outcome: { status: "pass" },
    listing: { primary: FINGERPRINT, held },
  };
  assertEquals(decodeReport(encodeReport(keys)), keys);
});

Deno.test("one result keeps the most that an action may say", () => {
  const output = "x".repeat(ACTION_OUTPUT_MAX_BYTES + 5);
  const { action } = decodeResult(encodeResult(failing("a", output)));
  assertEquals([action?.output.length, action?.droppedBytes], [ACTION_OUTPUT_MAX_BYTES, 15]);
  const report = decodeReport(encodeReport({ type: "checks", results: [failing("a", output)] }));
  assertEquals(report, {
    type: "checks",
    results: [decodeResult(encodeResult(failing("a", output)))],
  });
  const short = failing("a", "short");
  assertEquals(decodeResult(encodeResult(short)), short);
});

Deno.test("reasons that are too long are cut, wherever they stand", () => {
  const reason = `a${"é".repeat(REASON_MAX_BYTES)}`;
  const cut = `a${"é".repeat(REASON_MAX_BYTES / 2 - 1)}`;
  const outcome = { status: "error", reason } as const;
  const refused: CheckResult = {
    ...{ check: "a", outcome, durationMs: 0 },
    action: { end: { type: "refused", reason }, output: "", droppedBytes: 0, durationMs: 0 },
  };
  const expected: CheckResult = {
    ...{ check: "a", outcome: { status: "error", reason: cut }, durationMs: 0 },
    action: { end: { type: "refused", reason: cut }, output: "", droppedBytes: 0, durationMs: 0 },
  };
  assertEquals(decodeResult(encodeResult(refused)), expected);
  assertEquals(decodeReport(encodeReport({ type: "checks", results: [refused] })), {
    type: "checks",
    results: [expected],
  });
  for (const type of ["keys", "batch"] as const) {
    assertEquals(decodeReport(encodeReport({ type, outcome })), {
      type,
      outcome: { status: "error", reason: cut },
    });
  }
});

Deno.test("a report that breaks a rule is refused with its place", () => {
  const listing = (held: ValueType): ValueType => ["keys", ["pass"], [FINGERPRINT, held]];
  const result = ["a", ["pass"], 5, null];
  const cases: [ValueType, string, DropReason][] = [
    [["results"], "a report.type must be one of checks, keys, batch", "unknown_type"],
    [[result], "a report.type must be one of checks, keys, batch", "unknown_type"],
    [{}, "a report must be an array", "malformed"],
    [["checks", result], "a report.results[0] must be an array", "malformed"],
    [["checks", [result, [1]]], "a report.results[1].check must be text", "malformed"],
    [["checks", Array(CHECKS_MAX + 1).fill(result)], "a report.results has 1001", "too_many"],
    [["keys", ["passed"]], "a report.outcome.status must be one of", "unknown_type"],
    [["keys", ["pass"], [null, []]], "a report.listing.primary must be text", "malformed"],
    [["keys", ["pass"], ["0123", []]], "a report.listing.primary must be a finger", "malformed"],
    [listing([FINGERPRINT.toUpperCase()]), "a report.listing.held[0] must be a fing", "malformed"],
    [
      listing(Array(KEYS_LISTED_MAX + 1).fill(FINGERPRINT)),
      "a report.listing.held has 1001 entries; maximum 1000",
      "too_many",
    ],
    [["batch", null], "a report.outcome must be an array", "malformed"],
  ];
  for (const [value, expected, reason] of cases) {
    const error = assertThrows(() => decodeReport(encode(value)), WireError, expected);
    assertEquals(error.reason, reason, expected);
  }
  const most = listing(Array(KEYS_LISTED_MAX).fill(FINGERPRINT));
  assertEquals(decodeReport(encode(most)).type, "keys");
  const long = assertThrows(
    () => decodeReport(new Uint8Array(REPORT_BODY_MAX_BYTES + 1)),
    WireError,
  );
  assertEquals(long.reason, "too_large");
});
