import { assertEquals } from "@std/assert";
import { formatDuration, parseDuration } from "./duration.ts";

Deno.test("a duration is a sum of amounts with units", () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ["0", 0],
    ["300ms", 300],
    ["5m", 300_000],
    ["1h30m", 5_400_000],
    ["1.5s", 1_500],
    ["2m0.5s", 120_500],
    ["", undefined],
    ["5", undefined],
    ["-5s", undefined],
    ["5 s", undefined],
    ["5S", undefined],
    ["5d", undefined],
    ["1.s", undefined],
    ["s", undefined],
    ["5s5", undefined],
  ];
  for (const [text, expected] of cases) assertEquals(parseDuration(text), expected, text);
});

Deno.test("a formatted duration reads as what it was", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0"],
    [7, "7ms"],
    [1_500, "1.5s"],
    [300_000, "5m"],
    [5_400_000, "1h30m"],
    [3_600_500, "1h500ms"],
  ];
  for (const [durationMs, text] of cases) {
    assertEquals(formatDuration(durationMs), text);
    assertEquals(parseDuration(text), durationMs);
  }
});
