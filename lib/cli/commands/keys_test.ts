import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { CommandBench, type ScriptStep } from "../../../tests/support/command_bench.ts";
import type { CheckResult } from "../../checks/check.ts";
import type { Reply } from "../../client/protocol.ts";
import { fingerprintOf } from "../../encryption_key.ts";
import { UsageError } from "../../errors.ts";
import { listingToChecks } from "../../batch/key_operation.ts";

const KEY = new Uint8Array(32).fill(5);
const SECRET = KEY.toBase64();
const NEW = fingerprintOf(KEY);
const OLD = "0123456789abcdef";
const ACCEPTED: Reply = { type: "accepted", batchId: "01JA", nodes: ["a", "b"] };
const SETTLED: Reply = { type: "settled" };

function passes(...checks: readonly string[]): CheckResult[] {
  return checks.map((check) => ({ check, outcome: { status: "pass" }, durationMs: 0 }));
}

function done(node: string, results: readonly CheckResult[] = passes("(keys)")): Reply {
  return { type: "progress", progress: { node, state: "done", results } };
}

/** A node's answer to `list`: it seals with the first of these. */
function holds(node: string, ...held: readonly string[]): Reply {
  return done(node, passes(...listingToChecks({ sealing: held[0] ?? "", held })));
}

const GONE: Reply = {
  type: "progress",
  progress: { node: "b", state: "unreached", memberState: "dead" },
};

Deno.test("keys list shows who has which key, who has not, and what each encrypts with", async () => {
  const script = [[ACCEPTED, holds("a", OLD, NEW), holds("b", OLD), SETTLED]];
  const bench = new CommandBench({ script });
  assertEquals(await bench.run("keys", "list"), 1);
  const rows = bench.stdout.split("\n").map((line) => line.split(/  +/));
  assertEquals(rows.slice(1, 6), [
    ["NODE", "CHECK", "OUTCOME", "REASON"],
    ["a, b", `encrypts with ${OLD}`, "pass"],
    ["a, b", `holds ${OLD}`, "pass"],
    ["a", `holds ${NEW}`, "pass"],
    ["b", `holds ${NEW}`, "fail", "this node does not hold it"],
  ]);
  assertEquals(bench.requests, [{ type: "keys", operation: { type: "list" } }]);
  const same = new CommandBench({
    script: [[ACCEPTED, holds("a", OLD), holds("b", OLD), SETTLED]],
  });
  assertEquals(await same.run("keys", "list"), 0);
  const partly = new CommandBench({ script: [[ACCEPTED, holds("a", OLD), GONE, SETTLED]] });
  assertEquals(await partly.run("keys", "list"), 3);
});

Deno.test("keys list gives programs one line an outcome, those that gcheck found by comparing too", async () => {
  const script = [[ACCEPTED, holds("a", OLD, NEW), holds("b", OLD), SETTLED]];
  const bench = new CommandBench({ script });
  assertEquals(await bench.run("keys", "list", "-output=jsonl"), 1);
  const lines = bench.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.map(({ node, check, status }) => `${node} ${check} ${status}`), [
    `a encrypts with ${OLD} pass`,
    `a holds ${OLD} pass`,
    `a holds ${NEW} pass`,
    `b encrypts with ${OLD} pass`,
    `b holds ${OLD} pass`,
    `b holds ${NEW} fail`,
  ]);
});

Deno.test("keys install sends the file's key, and shows what each node made of it", async () => {
  const full: CheckResult = {
    check: "(keys)",
    outcome: { status: "fail", reason: "the keyring has 16 keys" },
    durationMs: 0,
  };
  const cases: [Reply, number, string][] = [
    [done("b"), 0, "a, b  (keys)  pass"],
    [done("b", [full]), 1, "the keyring has 16 keys"],
    [GONE, 3, "unreached, failed (1): b"],
  ];
  for (const [answer, status, text] of cases) {
    const script = [[ACCEPTED, done("a"), answer, SETTLED]];
    const bench = new CommandBench({ script, secret: `${SECRET}\n` });
    assertEquals(await bench.run("keys", "install", "-key-file=f"), status);
    assertStringIncludes(bench.stdout, text);
    assertEquals(bench.requests, [{ type: "keys", operation: { type: "install", key: KEY } }]);
    assert(!bench.stdout.includes(SECRET) && !bench.stderr.includes(SECRET));
  }
});

Deno.test("keys use and remove look first, and are sent where every node can follow", async () => {
  const cases: [string, Reply[]][] = [
    ["use", [holds("a", OLD, NEW), holds("b", OLD, NEW)]],
    ["use", [holds("a", NEW, OLD), holds("b", OLD, NEW)]],
    ["remove", [holds("a", OLD, NEW), holds("b", OLD)]],
  ];
  for (const [step, listing] of cases) {
    for (const named of [[NEW.toUpperCase()], ["-key-file=f"]]) {
      const bench = new CommandBench({
        script: [[ACCEPTED, ...listing, SETTLED], [ACCEPTED, done("a"), done("b"), SETTLED]],
        secret: SECRET,
      });
      assertEquals(await bench.run("keys", step, ...named), 0);
      assertEquals(bench.requests.length, 2);
      const [, request] = bench.requests;
      assertEquals(request, { type: "keys", operation: { type: step as "use", fingerprint: NEW } });
    }
  }
});

Deno.test("a step that some node cannot follow is not sent, and every node is told of", async () => {
  const unreadable: CheckResult = {
    check: "(batch)",
    outcome: { status: "error", reason: "this node cannot read the batch" },
    durationMs: 0,
  };
  const cases: [string, Reply[], number, string][] = [
    ["use", [holds("a", OLD, NEW), holds("b", OLD)], 1, "is not on this node"],
    ["remove", [holds("a", OLD, NEW), holds("b", NEW, OLD)], 1, "this node encrypts with key"],
    ["remove", [holds("a", OLD), holds("b", OLD)], 1, "no node that answered has key"],
    ["use", [holds("a", OLD, NEW), GONE], 3, "unreached, failed (1): b"],
    ["use", [holds("a", OLD, NEW)], 3, "not answered (1): b"],
  ];
  for (const [step, listing, status, text] of cases) {
    const bench = new CommandBench({ script: [[ACCEPTED, ...listing, SETTLED]] });
    assertEquals(await bench.run("keys", step, NEW), status, text);
    assertEquals(bench.requests.length, 1);
    assertStringIncludes(bench.stdout, text);
    assertStringIncludes(bench.stderr, "nothing was changed");
  }
  const mixed: ScriptStep[] = [ACCEPTED, holds("a", OLD, NEW), done("b", [unreadable]), SETTLED];
  const bench = new CommandBench({ script: [mixed] });
  assertEquals(await bench.run("keys", "use", NEW), 1);
  assertEquals(bench.requests.length, 1);
  assertStringIncludes(bench.stdout, "this node cannot read the batch");
});

Deno.test("bad arguments are refused before anything is sent, and no key is repeated", async () => {
  const cases: string[][] = [
    ["keys"],
    ["keys", "rotate"],
    ["keys", "install"],
    ["keys", "install", SECRET],
    ["keys", "list", NEW],
    ["keys", "use"],
    ["keys", "use", NEW.slice(1)],
    ["keys", "use", SECRET],
    ["keys", "remove", NEW, "-key-file=f"],
    ["keys", "use", NEW, OLD],
    ["check", "-file=f", "-key-file=f"],
    ["list-members", "-key-file=f"],
  ];
  for (const args of cases) {
    const bench = new CommandBench({ secret: SECRET });
    const error = await assertRejects(() => bench.run(...args), UsageError);
    if (args[1] === "use") assert(!error.message.includes(SECRET), error.message);
    assertEquals(bench.requests, []);
  }
  const bad = new CommandBench({ secret: "c2VjcmV0" });
  const error = await assertRejects(() => bad.run("keys", "install", "-key-file=f"), UsageError);
  assertEquals(error.message.includes("c2VjcmV0"), false);
});

Deno.test("Control-C says whether anything was changed", async () => {
  const early = new CommandBench({ script: [["wait"]] });
  const looking = early.run("keys", "use", NEW);
  await early.interrupt();
  assertEquals(await looking, 130);
  assertStringIncludes(early.stderr, "nothing was changed");
  const late = new CommandBench({ script: [[ACCEPTED, "wait"]], secret: SECRET });
  const installing = late.run("keys", "install", "-key-file=f");
  await late.interrupt();
  assertEquals(await installing, 130);
  assertStringIncludes(late.stderr, "gcheck keys list");
});
