import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { answered, CommandBench } from "../../../tests/support/command_bench.ts";
import type { CheckResult } from "../../batch/check.ts";
import type { Reply } from "../../client/protocol.ts";
import { UsageError } from "../../errors.ts";

/** Ids of batches that the daemon lists; `UNLISTED` is not in its list. */
const ID = "01JA0000000000000000000000";
const OTHER = "01JB0000000000000000000000";
const OLD = "01HX0000000000000000000000";
const UNLISTED = "01TVWXYZ0123456789ABCDEFGH";

const PASS: CheckResult = { check: "hosts", outcome: { status: "pass" }, durationMs: 1 };
const FAIL: CheckResult = { ...PASS, outcome: { status: "fail", reason: "it is not there" } };
const ACCEPTED: Reply = { type: "accepted", batchId: ID, nodes: ["a", "b"] };
const PASSED = answered("a", { type: "checks", results: [PASS] });
const FAILED = answered("b", { type: "checks", results: [FAIL] });
const SETTLED: Reply = { type: "settled" };

function listOf(...ids: string[]): Reply {
  const summary = { type: "checks", names: [] } as const;
  const line = { issuedAtMs: 0, origin: "a", summary, target: {}, cancelled: false };
  return { type: "batches", batches: ids.map((batchId) => ({ batchId, ...line })) };
}

Deno.test("results lists batches, and shows one by its id or its first characters", async () => {
  const batches = listOf(OTHER, ID, OLD);
  const list = new CommandBench({ script: [[batches]] });
  assertEquals(await list.run("results"), 0);
  assertStringIncludes(list.stdout, `\n${ID} `);

  const shown = [ACCEPTED, PASSED, FAILED, SETTLED];
  for (const [typed, asked] of [["01h", OLD], ["01JA", ID], [OLD.slice(0, 25), OLD]] as const) {
    const bench = new CommandBench({ script: [[batches], shown] });
    assertEquals(await bench.run("results", typed), 1);
    assertEquals(bench.requests, [{ type: "batches" }, { type: "results", batchId: asked }]);
    assertStringIncludes(bench.stdout, "FAIL  2 nodes answered: 1 passed, 1 failed\n");
  }
  // A complete id is not looked up: the daemon may know a batch that it does not list.
  for (const typed of [ID, UNLISTED, UNLISTED.toLowerCase()]) {
    const bench = new CommandBench({ script: [shown] });
    assertEquals(await bench.run("results", typed), 1);
    assertEquals(bench.requests, [{ type: "results", batchId: typed.toUpperCase() }]);
  }
  const unclear = new CommandBench({ script: [[batches]] });
  await assertRejects(() => unclear.run("results", "01J"), UsageError, "2 batches begin with");
});

Deno.test("cancel accepts the first characters of an id, and says how to show the batch", async () => {
  const batches = listOf(OTHER, ID, OLD);
  for (const [typed, asked] of [["01h", OLD], ["01Ja", ID]] as const) {
    const bench = new CommandBench({ script: [[batches], [{ type: "done" }]] });
    assertEquals(await bench.run("cancel", typed), 0);
    assertEquals(bench.requests, [{ type: "batches" }, { type: "cancel", batchId: asked }]);
    const see = `see it with "gcheck results ${asked}"`;
    assertEquals(bench.stdout, `batch ${asked} is cancelled: ${see}\n`);
  }
  const whole = new CommandBench({ script: [[{ type: "done" }]] });
  assertEquals(await whole.run("cancel", UNLISTED), 0);
  assertEquals(whole.requests, [{ type: "cancel", batchId: UNLISTED }]);
  const unclear = new CommandBench({ script: [[batches]] });
  await assertRejects(() => unclear.run("cancel", "01J"), UsageError, "2 batches begin with");
  assertEquals(unclear.requests.length, 1);
});

Deno.test("an argument that no id begins with is refused before anything is sent", async () => {
  const bad = [
    ...["foo", "01JI", "01JL", "01JO", "01JU", "01J-A", "01J A", " 01JA", "01J\u00df", "\u017f1"],
    // The first character holds three bits.
    ...["8", "Z", `8${ID.slice(1)}`, `${ID}0`, `${ID} `, "0".repeat(27), "*", "01J*", "01J\n"],
  ];
  for (const command of ["results", "cancel"]) {
    for (const typed of bad) {
      const bench = new CommandBench({ script: [[listOf(ID)]] });
      const error = await assertRejects(() => bench.run(command, typed), UsageError);
      assertEquals(error.exitStatus, 2);
      assertEquals(
        error.message,
        `${JSON.stringify(typed)} is not a batch id or the start of one: expected at most 26 ` +
          "characters of 0-9 and A-Z without I, L, O and U, the first from 0 to 7; " +
          'see "gcheck results"',
      );
      assertEquals([bench.requests, bench.stdout, bench.stderr], [[], "", ""], typed);
    }
  }
  const elsewhere = new CommandBench();
  const args = ["-server=10.0.0.1:9", "cancel", "x".repeat(1_000)];
  const error = await assertRejects(() => elsewhere.run(...args), UsageError);
  assertStringIncludes(error.message, `"${"x".repeat(40)}…" is not a batch id`);
  assertStringIncludes(error.message, 'see "gcheck -server=10.0.0.1:9 results"');
  assert(error.message.length < 300);
  // An empty argument would match every id.
  const nothing = new CommandBench({ script: [[listOf(ID)]] });
  await assertRejects(() => nothing.run("results", ""), UsageError, '"" is not a batch id');
  assertEquals(nothing.requests, []);
});

Deno.test("first characters that match no known batch are refused, and no batch is cancelled", async () => {
  for (const command of ["results", "cancel"]) {
    for (const typed of ["01ZZ", "7", UNLISTED.slice(0, 25)]) {
      for (const batches of [listOf(OTHER, ID, OLD), listOf()]) {
        const bench = new CommandBench({ script: [[batches]] });
        const error = await assertRejects(() => bench.run(command, typed), UsageError);
        assertEquals(error.exitStatus, 2);
        assertEquals(
          error.message,
          `no recent batch begins with "${typed}": see "gcheck results", ` +
            "or give the complete id of an older one",
        );
        assertEquals(bench.requests, [{ type: "batches" }]);
        assertEquals([bench.stdout, bench.stderr], ["", ""]);
      }
    }
    // A complete id goes to the daemon, which refuses it if it does not know the batch.
    const message = "this daemon remembers no batch";
    const unknown: Reply = { type: "error", code: "unknown_batch", message };
    const bench = new CommandBench({ script: [[unknown]] });
    const error = await assertRejects(() => bench.run(command, UNLISTED), UsageError, message);
    assertEquals(error.exitStatus, 2);
  }
});
