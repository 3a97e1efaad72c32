import { assertEquals } from "@std/assert";
import { testId } from "../../tests/support/batches.ts";
import {
  answerTo,
  CHECK,
  DeskBench,
  done,
  FAIL,
  ORDER,
  PASS,
  STATE,
} from "../../tests/support/desk_bench.ts";
import { type BodySummary, encodeBody } from "../batch/body.ts";
import type { MemberProgress } from "../batch/progress.ts";
import { encodeReport, type Report } from "../batch/report.ts";
import type { BatchLine } from "../client/protocol.ts";

const CHECKS: BodySummary = { type: "checks", names: ["a"] };

async function linesOf({ desk }: DeskBench): Promise<readonly BatchLine[]> {
  const replies = await answerTo(desk, { type: "batches" });
  return replies.flatMap((reply) => reply.type === "batches" ? reply.batches : []);
}

Deno.test("batches: an expired batch with results is listed", async () => {
  const bench = new DeskBench();
  const batchId = "01JGFJJZ00ABCDEFGHJKMNPQRS";
  const parts: [string, MemberProgress][] = [["me", done(FAIL)], ["b", { state: "pending" }]];
  bench.collected.set(batchId, new Map(parts));
  await answerTo(bench.desk, { ...CHECK, wait: false });
  bench.move("me", done(PASS));
  assertEquals(bench.known.length, 1);
  const [line, ...others] = await linesOf(bench);
  assertEquals(others.map((other) => other.batchId), [testId(0)], "ids sort by time of issue");
  assertEquals(line, {
    batchId,
    issuedAtMs: 1_735_689_600_000,
    origin: "me",
    summary: CHECKS,
    counts: { targeted: 2, answered: 1, unreached: 0, skipped: 0, notPassing: 1 },
    target: {},
    cancelled: false,
  });
});

Deno.test("batches: newest first, with counts if this node is the origin", async () => {
  const bench = new DeskBench();
  await answerTo(bench.desk, { ...CHECK, wait: false });
  await answerTo(bench.desk, { ...CHECK, wait: false });
  bench.move("me", done(PASS));
  bench.move("b", done(FAIL));
  bench.move("c", { state: "unreached", memberState: "left" });
  bench.collected.delete(testId(0));
  const common = { issuedAtMs: 5, origin: "me", summary: CHECKS, ...STATE };
  assertEquals(await linesOf(bench), [
    {
      batchId: testId(1),
      ...common,
      counts: { targeted: 3, answered: 2, unreached: 1, skipped: 0, notPassing: 1 },
    },
    { batchId: testId(0), ...common },
  ]);
});

Deno.test("batches: the summary comes from the body, as long as the batch is kept", async () => {
  const bench = new DeskBench({ keys: { refusal: () => undefined } });
  await answerTo(bench.desk, { ...CHECK, wait: false });
  const operation = { type: "use", fingerprint: "0123456789abcdef" } as const;
  const keys = { ...ORDER, body: encodeBody({ type: "keys", operation }), expiresInMs: 600_000 };
  await answerTo(bench.desk, { ...CHECK, order: keys, wait: false });
  const lines = await linesOf(bench);
  assertEquals(lines.map(({ summary }) => summary), [{ type: "keys", step: "use" }, CHECKS]);
});

Deno.test("batches: the summary of an expired batch comes from the first report that can be decoded", async () => {
  const reported = (report: Report | Uint8Array): MemberProgress => ({
    state: "done",
    passed: false,
    report: report instanceof Uint8Array ? report : encodeReport(report),
  });
  const garbage = reported(new Uint8Array([0xc1]));
  const error = { status: "error", reason: "no" } as const;
  const unread = reported({ type: "batch", outcome: error });
  const cases: readonly [readonly MemberProgress[], BodySummary][] = [
    [[], { type: "unreadable" }],
    [[{ state: "pending" }, { state: "running" }], { type: "unreadable" }],
    [[garbage, unread], { type: "unreadable" }],
    [[{ state: "running" }, garbage, unread, done(FAIL)], CHECKS],
    [[unread, reported({ type: "keys", outcome: error })], { type: "keys" }],
  ];
  for (const [parts, expected] of cases) {
    const bench = new DeskBench();
    bench.collected.set(testId(0), new Map(parts.map((part, index) => [`n${index}`, part])));
    assertEquals((await linesOf(bench)).map(({ summary }) => summary), [expected]);
  }
});
