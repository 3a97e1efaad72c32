import { encode } from "@std/msgpack";
import { CHECKS, RESULTS } from "../../tests/support/check_samples.ts";
import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { WireError } from "../errors.ts";
import { CHECKS_MAX, RESULTS_OUTPUT_MAX_BYTES } from "../limits.ts";
import type { Check, CheckResult } from "./check.ts";
import { decodeChecks, decodeResults, encodeChecks, encodeResults } from "./codec.ts";
import { truncateUtf8 } from "./truncate.ts";

Deno.test("checks and results come out as they went in", () => {
  assertEquals(decodeChecks(encodeChecks(CHECKS)), [...CHECKS]);
  assertEquals(decodeResults(encodeResults(RESULTS)), [...RESULTS]);
});

Deno.test("a newer version may append to every record", () => {
  const check = ["a", "file_exists", { path: "/x" }, null, 5, "more"];
  assertEquals(decodeChecks(encode([check])).length, 1);
  const result = ["a", "pass", "", 5, null, { more: 1 }];
  assertEquals(decodeResults(encode([result])).length, 1);
});

Deno.test("what is cut short or follows is refused, and changed bytes never do worse", () => {
  for (
    const [bytes, decode] of [
      [encodeChecks(CHECKS), decodeChecks],
      [encodeResults(RESULTS), decodeResults],
    ] as const
  ) {
    for (let length = 0; length < bytes.length; length++) {
      assertThrows(() => decode(bytes.subarray(0, length)), WireError);
    }
    assertThrows(() => decode(new Uint8Array([...bytes, 0])), WireError, "follow");
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

Deno.test("what is over a bound is refused", () => {
  const check = (more: Partial<Check>): Check => ({
    name: "a",
    type: "file_exists",
    fields: {},
    actionTimeoutMs: 1,
    ...more,
  });
  const bad: readonly (readonly Check[])[] = [
    [check({ name: "n".repeat(256) })],
    [check({ type: "t".repeat(65) })],
    [check({ action: "a".repeat(65_537) })],
    [check({ actionTimeoutMs: 86_400_001 })],
    [check({ actionTimeoutMs: -1 })],
    Array.from({ length: CHECKS_MAX + 1 }, () => check({})),
  ];
  for (const checks of bad) assertThrows(() => decodeChecks(encodeChecks(checks)), WireError);
  assertThrows(() => decodeChecks(new Uint8Array(100_000).fill(0x91)), WireError);
  assertThrows(() => decodeChecks(new Uint8Array([0xdd, 0xff, 0xff, 0xff, 0xff])), WireError);
});

Deno.test("outputs share what room a report has", () => {
  const output = "é".repeat(32 * 1024);
  const results = Array.from({ length: 200 }, (_, index): CheckResult => ({
    check: `c${index}`,
    outcome: { status: "fail", reason: "no" },
    durationMs: 1,
    action: { end: { type: "exited", code: 3 }, output, droppedBytes: 10, durationMs: 1 },
  }));
  const bytes = encodeResults(results);
  assertLess(bytes.length, RESULTS_OUTPUT_MAX_BYTES + 200 * 100);
  for (const { action } of decodeResults(bytes)) {
    assert(action !== undefined);
    const kept = new TextEncoder().encode(action.output).length;
    assertEquals(kept + action.droppedBytes, 64 * 1024 + 10);
    assert(output.startsWith(action.output));
  }
});

Deno.test("text is cut between characters", () => {
  const cases: readonly (readonly [string, number, string])[] = [
    ["abc", 3, "abc"],
    ["abcd", 3, "abc"],
    ["aé", 2, "a"],
    ["aé", 3, "aé"],
    ["😀😀", 7, "😀"],
    ["é", 1, ""],
    ["\ufeffab", 4, "\ufeffa"],
  ];
  for (const [text, maximumBytes, expected] of cases) {
    const { text: cut, droppedBytes } = truncateUtf8(text, maximumBytes);
    assertEquals(cut, expected);
    const lengths = [text, cut].map((one) => new TextEncoder().encode(one).length);
    assertEquals(droppedBytes, (lengths[0] ?? 0) - (lengths[1] ?? 0));
  }
});
