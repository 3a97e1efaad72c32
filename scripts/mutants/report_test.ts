import { assertEquals } from "@std/assert";
import type { Mutant } from "./mutant.ts";
import { JSON_REPORT, TEXT_REPORT } from "./report.ts";
import { firstFailure, processorMs } from "./sandbox.ts";
import type { Verdict } from "./trial.ts";

const MUTANT: Mutant = {
  offset: 40,
  before: "<",
  after: "<=",
  file: "lib/b.ts",
  line: 3,
  column: 7,
  source: "if (a < b) return;",
  nth: 1,
};
const NEGATION: Mutant = { ...MUTANT, file: "lib/a.ts", before: "!", after: "" };
const VERDICTS: readonly Verdict[] = [
  {
    mutant: MUTANT,
    status: "noticed",
    stage: "room",
    test: "b is less",
    timedOut: false,
    processorMs: 12,
  },
  {
    mutant: MUTANT,
    status: "noticed",
    stage: "sim",
    test: undefined,
    timedOut: true,
    processorMs: 9,
  },
  {
    mutant: MUTANT,
    status: "noticed",
    stage: "unit",
    test: undefined,
    timedOut: false,
    processorMs: 9,
  },
  { mutant: MUTANT, status: "survived", stages: ["room", "unit"], processorMs: 5 },
  { mutant: NEGATION, status: "survived", stages: [], processorMs: 0 },
  { mutant: MUTANT, status: "equivalent", reason: "b is never a" },
];

Deno.test("each mutant has a line with its place, its mutation and what became of it", () => {
  assertEquals(VERDICTS.map((verdict) => TEXT_REPORT.verdict(verdict)), [
    "noticed     lib/b.ts:3:7  < -> <=  room: b is less",
    "noticed     lib/b.ts:3:7  < -> <=  sim: timed out",
    "noticed     lib/b.ts:3:7  < -> <=  unit: ended without naming a test",
    "survived    lib/b.ts:3:7  < -> <=  room, unit",
    "survived    lib/a.ts:3:7  ! removed  no test loads it",
    "equivalent  lib/b.ts:3:7  < -> <=  b is never a",
  ]);
});

Deno.test("the end lists equivalents and survivors with their source lines, then the sums", () => {
  assertEquals(
    TEXT_REPORT.end(VERDICTS),
    `
equivalent:
lib/b.ts:3:7  < -> <=  |  if (a < b) return;
    b is never a


survived:
lib/a.ts:3:7  ! removed  |  if (a < b) return;
    no test loads it
lib/b.ts:3:7  < -> <=  |  if (a < b) return;
    room, unit

noticed 3 of 5 (60 %), 2 survived, 1 equivalent`,
  );
  assertEquals(TEXT_REPORT.end([]), "noticed 0 of 0 (100 %), 0 survived, 0 equivalent");
});

Deno.test("JSON lines hold everything of a mutant and its verdict, and the sums", () => {
  const lines = VERDICTS.map((verdict) => JSON.parse(JSON_REPORT.verdict(verdict)));
  assertEquals(lines[3], {
    ...MUTANT,
    status: "survived",
    stages: ["room", "unit"],
    processorMs: 5,
  });
  assertEquals(lines[5], { ...MUTANT, status: "equivalent", reason: "b is never a" });
  assertEquals(JSON.parse(JSON_REPORT.end(VERDICTS)), {
    noticed: 3,
    tried: 5,
    survived: 2,
    equivalent: 1,
  });
});

Deno.test("the first failure is read from the Test Anything Protocol", () => {
  const output = "TAP version 14\n# ./a_test.ts\nok 1 - good\nnot ok 2 - bad: a \\# b\n" +
    '  ---\n  {"message":"not ok 9 - no"}\n  ...\nnot ok 3 - worse\n1..3\n';
  assertEquals(firstFailure(output), "bad: a # b");
  assertEquals(firstFailure("TAP version 14\n1..0\n"), undefined);
});

Deno.test("processor time is that of the shell's children, user and system", () => {
  assertEquals(processorMs("0m9.00s 0m9.00s\n1m2.50s 0m0.25s\n"), 62_750);
});
