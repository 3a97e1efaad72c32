import { assertEquals } from "@std/assert";
import { FINGERPRINT, REPORTS, RESULTS } from "../../tests/support/check_samples.ts";
import type { BodySummary } from "../batch/body.ts";
import { encodeReport, type Report, reportPassed } from "../batch/report.ts";
import type { NodeProgress } from "../client/protocol.ts";
import { heldKeyLabel, nodeResults, summaryNames } from "./node_results.ts";

function reported(report: Report): NodeProgress {
  return {
    node: "a",
    state: "done",
    passed: reportPassed(report),
    report: encodeReport(report),
  };
}

Deno.test("the state of a member without a report is passed on unchanged", () => {
  const parts: readonly Exclude<NodeProgress, { state: "done" }>[] = [
    { node: "a", state: "pending" },
    { node: "a", state: "running" },
    { node: "a", state: "unreached", memberState: "dead" },
    { node: "a", state: "skipped", reason: "expired" },
  ];
  for (const part of parts) assertEquals(nodeResults(part), part);
});

Deno.test("a report of checks is decoded to its results", () => {
  assertEquals(nodeResults(reported({ type: "checks", results: RESULTS })), {
    node: "a",
    state: "done",
    about: "checks",
    results: RESULTS,
  });
});

Deno.test("the outcome of a key operation or of a whole batch has a row named (keys) or (batch)", () => {
  for (const type of ["keys", "batch"] as const) {
    for (const { outcome, ...rest } of REPORTS[type]) {
      if ("listing" in rest) continue;
      assertEquals(nodeResults(reported({ type, outcome })), {
        node: "a",
        state: "done",
        about: type,
        results: [{ check: `(${type})`, outcome, durationMs: 0 }],
      });
    }
  }
});

Deno.test("a key listing has a row for the primary key and one for each key in the keyring", () => {
  const other = "f".repeat(16);
  const listing = { primary: FINGERPRINT, held: [other, FINGERPRINT] };
  const outcome = { status: "pass" } as const;
  const rows = [`encrypts with ${FINGERPRINT}`, heldKeyLabel(other), `holds ${FINGERPRINT}`];
  assertEquals(nodeResults(reported({ type: "keys", outcome, listing })), {
    node: "a",
    state: "done",
    about: "keys",
    results: rows.map((check) => ({ check, outcome, durationMs: 0 })),
    listing,
  });
});

Deno.test("results of checks named like key rows are not a key listing", () => {
  const results = ["(keys)", "motd", `encrypts with ${FINGERPRINT}`, `holds ${FINGERPRINT}`].map(
    (check) => ({ check, outcome: { status: "pass" } as const, durationMs: 1 }),
  );
  assertEquals(nodeResults(reported({ type: "checks", results })), {
    node: "a",
    state: "done",
    about: "checks",
    results,
  });
});

Deno.test("a report that cannot be decoded is an error, even if the daemon says that it passed", () => {
  const cases: [readonly number[], string][] = [
    [[], "a message ends in mid-value"],
    [[0x01], "a report must be an array"],
    [[0x90], "a report.type must be one of checks, keys, batch"],
    [[0x90, 0x00], "a report is followed by 1 bytes"],
  ];
  for (const [bytes, why] of cases) {
    const report = Uint8Array.from(bytes);
    const outcome = { status: "error", reason: `cannot decode the node's report: ${why}` } as const;
    assertEquals(nodeResults({ node: "a", state: "done", passed: true, report }), {
      node: "a",
      state: "done",
      about: "batch",
      results: [{ check: "(batch)", outcome, durationMs: 0 }],
    });
  }
});

Deno.test("a batch is listed by the names of its checks, or as (keys)", () => {
  const cases: [BodySummary, readonly string[]][] = [
    [{ type: "checks", names: ["motd", "disk"] }, ["motd", "disk"]],
    [{ type: "keys", step: "install" }, ["(keys)"]],
    [{ type: "keys" }, ["(keys)"]],
    [{ type: "unreadable" }, []],
  ];
  for (const [summary, names] of cases) assertEquals(summaryNames(summary), names);
});
