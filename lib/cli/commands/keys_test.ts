import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { answered, CommandBench, type ScriptStep } from "../../../tests/support/command_bench.ts";
import { encodeBody } from "../../batch/body.ts";
import type { Outcome } from "../../batch/check.ts";
import type { KeyOperation } from "../../batch/key_operation.ts";
import type { Reply, Request } from "../../client/protocol.ts";
import { fingerprintOf } from "../../encryption_key.ts";
import { UsageError } from "../../errors.ts";
import { KEY_OPERATION_EXPIRES_MS } from "../../limits.ts";

const KEY = new Uint8Array(32).fill(5);
const SECRET = KEY.toBase64();
const NEW = fingerprintOf(KEY);
const OLD = "0123456789abcdef";
const ACCEPTED: Reply = { type: "accepted", batchId: "01JA", nodes: ["a", "b"] };
const SETTLED: Reply = { type: "settled" };

const PASS: Outcome = { status: "pass" };

/** The report of a node on any step other than `list`. */
function done(node: string, outcome: Outcome = PASS): Reply {
  return answered(node, { type: "keys", outcome });
}

/** The report of a node on `list`; the first of `held` is its primary key. */
function holds(node: string, ...held: readonly string[]): Reply {
  const listing = { primary: held[0] ?? "", held };
  return answered(node, { type: "keys", outcome: PASS, listing });
}

/** The request for a step, to all members at once. */
function sent(operation: KeyOperation): Request {
  const body = encodeBody({ type: "keys", operation });
  const expiresInMs = KEY_OPERATION_EXPIRES_MS;
  return {
    type: "check",
    order: { type: "unsigned", body, target: {}, expiresInMs },
    wait: true,
  };
}

const UNREACHED: Reply = {
  type: "progress",
  progress: { node: "b", state: "unreached", memberState: "dead" },
};

Deno.test("keys list shows the primary key, the other keys and the missing keys of each node", async () => {
  const script = [[ACCEPTED, holds("a", OLD, NEW), holds("b", OLD), SETTLED]];
  const bench = new CommandBench({ script });
  assertEquals(await bench.run("keys", "list"), 1);
  const rows = bench.stdout.split("\n").map((line) => line.split(/  +/));
  assertEquals(rows.slice(1, 6), [
    ["NODE", "CHECK", "OUTCOME", "REASON"],
    ["a, b", `encrypts with ${OLD}`, "pass"],
    ["a, b", `holds ${OLD}`, "pass"],
    ["a", `holds ${NEW}`, "pass"],
    ["b", `holds ${NEW}`, "fail", "this node does not have this key"],
  ]);
  assertEquals(bench.requests, [sent({ type: "list" })]);
  const same = new CommandBench({
    script: [[ACCEPTED, holds("a", OLD), holds("b", OLD), SETTLED]],
  });
  assertEquals(await same.run("keys", "list"), 0);
  const partly = new CommandBench({ script: [[ACCEPTED, holds("a", OLD), UNREACHED, SETTLED]] });
  assertEquals(await partly.run("keys", "list"), 3);
});

Deno.test("keys list -output jsonl prints missing keys too", async () => {
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

Deno.test("keys install sends the key of the file, and shows the outcome of each node", async () => {
  const full: Outcome = { status: "fail", reason: "the keyring has 16 keys" };
  const cases: [Reply, number, string][] = [
    [done("b"), 0, "a, b  (keys)  pass"],
    [done("b", full), 1, "the keyring has 16 keys"],
    [UNREACHED, 3, "unreached, failed (1): b"],
  ];
  for (const [answer, status, text] of cases) {
    const script = [[ACCEPTED, done("a"), answer, SETTLED]];
    const bench = new CommandBench({ script, secret: `${SECRET}\n` });
    assertEquals(await bench.run("keys", "install", "-key-file=f"), status);
    assertStringIncludes(bench.stdout, text);
    assertEquals(bench.requests, [sent({ type: "install", key: KEY })]);
    assert(!bench.stdout.includes(SECRET) && !bench.stderr.includes(SECRET));
  }
});

Deno.test("keys use and remove list the keys first, and are sent if every node can carry them out", async () => {
  const cases: ["use" | "remove", Reply[]][] = [
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
      assertEquals(bench.requests, [
        sent({ type: "list" }),
        sent({ type: step, fingerprint: NEW }),
      ]);
    }
  }
});

Deno.test("a step that a node cannot carry out is not sent, and every node is shown", async () => {
  const unreadable: Outcome = { status: "error", reason: "this node cannot read the batch" };
  const cases: [string, Reply[], number, string][] = [
    ["use", [holds("a", OLD, NEW), holds("b", OLD)], 1, "is not on this node"],
    ["remove", [holds("a", OLD, NEW), holds("b", NEW, OLD)], 1, "this node encrypts with key"],
    ["remove", [holds("a", OLD), holds("b", OLD)], 1, "no node that answered has key"],
    ["use", [holds("a", OLD, NEW), UNREACHED], 3, "unreached, failed (1): b"],
    ["use", [holds("a", OLD, NEW)], 3, "not answered (1): b"],
  ];
  for (const [step, listing, status, text] of cases) {
    const bench = new CommandBench({ script: [[ACCEPTED, ...listing, SETTLED]] });
    assertEquals(await bench.run("keys", step, NEW), status, text);
    assertEquals(bench.requests.length, 1);
    assertStringIncludes(bench.stdout, text);
    assertStringIncludes(bench.stderr, "nothing was changed");
  }
  for (const type of ["batch", "keys"] as const) {
    const other = answered("b", { type, outcome: unreadable });
    const mixed: ScriptStep[] = [ACCEPTED, holds("a", OLD, NEW), other, SETTLED];
    const bench = new CommandBench({ script: [mixed] });
    assertEquals(await bench.run("keys", "use", NEW), 1);
    assertEquals(bench.requests, [sent({ type: "list" })]);
    assertStringIncludes(bench.stdout, "this node cannot read the batch");
  }
});

Deno.test("bad arguments are refused before anything is sent, and no error repeats a key", async () => {
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
