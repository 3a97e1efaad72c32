import { assertEquals, assertObjectMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { CommandBench, type ScriptStep } from "../../../tests/support/command_bench.ts";
import { settle } from "../../../tests/support/virtual_time.ts";
import type { CheckResult } from "../../checks/check.ts";
import type { Reply, Request } from "../../client/protocol.ts";
import { GossipcheckError, UnreachableError, UsageError } from "../../errors.ts";

const FILE = JSON.stringify({
  hosts: { type: "file_exists", path: "/etc/hosts" },
  motd: { type: "file_exists", path: "/etc/motd" },
});
const PASSING: CheckResult[] = ["hosts", "motd"].map((check) => ({
  check,
  outcome: { status: "pass" },
  durationMs: 1,
}));
const FAILING: CheckResult[] = [PASSING[0]!, {
  check: "motd",
  outcome: { status: "fail", reason: "/etc/motd does not exist" },
  durationMs: 1,
}];
const ACCEPTED: Reply = { type: "accepted", batchId: "01JA", nodes: ["a", "b"] };
const SETTLED: Reply = { type: "settled" };

function listOf(...ids: string[]): Reply {
  const line = { issuedAtMs: 0, origin: "a", checks: [], target: {}, cancelled: false };
  return { type: "batches", batches: ids.map((batchId) => ({ batchId, ...line })) };
}

function done(node: string, results: CheckResult[]): Reply {
  return { type: "progress", progress: { node, state: "done", results } };
}

Deno.test("check sends the file's checks and ends with what came of them", async () => {
  const gone: Reply = {
    type: "progress",
    progress: { node: "b", state: "unreached", memberState: "dead" },
  };
  const cases: [ScriptStep[], number, string][] = [
    [[ACCEPTED, done("a", PASSING), done("b", PASSING), SETTLED], 0, "PASS  2 nodes answered"],
    [[ACCEPTED, done("a", FAILING), done("b", PASSING), SETTLED], 1, "FAIL  2 nodes answered"],
    [[ACCEPTED, done("a", FAILING), gone, SETTLED], 3, "unreached, failed (1): b\nINCOMPLETE"],
    [[ACCEPTED, done("a", PASSING), gone, done("b", PASSING), SETTLED], 0, "PASS"],
  ];
  for (const [script, status, text] of cases) {
    const bench = new CommandBench({ script: [script], file: FILE });
    assertEquals(await bench.run("-file=f", "check"), status);
    assertStringIncludes(bench.stdout, text);
    assertEquals(bench.stderr, "");
    assertEquals(bench.time.pending, 0);
    const [request] = bench.requests;
    assertEquals(request?.type === "check" && request.checks.map(({ name }) => name), [
      "hosts",
      "motd",
    ]);
    assertEquals(request?.type === "check" && request.wait, true);
  }
});

Deno.test("when the time is up the pending ones are listed and the batch goes on", async () => {
  const bench = new CommandBench({
    script: [[ACCEPTED, done("a", FAILING), "wait"]],
    file: FILE,
  });
  const running = bench.run("-file=f", "-timeout=2s", "-server=10.0.0.1:9", "check");
  await bench.time.pass(1_999);
  assertEquals(bench.stdout, "");
  await bench.time.pass(1);
  assertEquals(await running, 3);
  assertStringIncludes(bench.stdout, "not answered (1): b\n");
  assertStringIncludes(bench.stdout, "INCOMPLETE  1 of 2 nodes answered, 1 not answered");
  assertStringIncludes(bench.stdout, "gcheck -server=10.0.0.1:9 results 01JA\n");
});

Deno.test("Control-C says that the batch goes on, and how to see it", async () => {
  for (const format of ["text", "json", "jsonl"]) {
    const bench = new CommandBench({ script: [[ACCEPTED, "wait"]], file: FILE });
    const running = bench.run("-file=f", "check", `-output=${format}`);
    await bench.interrupt();
    assertEquals(await running, 130);
    assertEquals(
      bench.stderr,
      'gcheck: interrupted, and batch 01JA goes on: see it with "gcheck results 01JA", ' +
        'end it with "gcheck cancel 01JA"\n',
    );
    assertEquals(bench.stdout, "");
    assertEquals(bench.time.pending, 0);
  }
  const early = new CommandBench({ script: [["wait"]], file: FILE });
  const running = early.run("-file=f", "check");
  await early.interrupt();
  assertEquals(await running, 130);
  assertStringIncludes(early.stderr, '"gcheck results"');
});

Deno.test("every command ends at Control-C", async () => {
  for (const command of ["list-members", "results", "cancel 01J"]) {
    const bench = new CommandBench({ script: [["wait"]] });
    const running = bench.run(...command.split(" "));
    await bench.interrupt();
    assertEquals(await running, 130, command);
    assertEquals(bench.stdout, "");
  }
  const local = new CommandBench({ file: FILE });
  const running = local.run("local-check", "-file=f", "-output=jsonl");
  await local.interrupt();
  assertEquals(await running, 130);
  assertStringIncludes(local.stdout, '"status":"skipped"');
});

Deno.test("jsonl prints each node's outcomes while others are waited for", async () => {
  const bench = new CommandBench({
    script: [[ACCEPTED, done("a", FAILING), "wait"]],
    file: FILE,
  });
  const running = bench.run("-file=f", "check", "-output", "jsonl", "-timeout", "1s");
  await settle();
  const lines = bench.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.map(({ node, check, status }) => [node, check, status]), [
    ["a", "hosts", "pass"],
    ["a", "motd", "fail"],
  ]);
  await bench.time.pass(1_000);
  assertEquals(await running, 3);
  assertEquals(bench.stdout.trimEnd().split("\n").length, 3);
  assertStringIncludes(bench.stdout, '"node":"b","status":"unanswered"');
});

Deno.test("the progress line is drawn on a terminal alone, and gone before the results", async () => {
  for (const live of [true, false]) {
    const bench = new CommandBench({
      script: [[ACCEPTED, done("a", PASSING), "wait"]],
      file: FILE,
      live,
    });
    const running = bench.run("-file=f", "check", "-timeout=250ms");
    await bench.time.pass(250);
    await running;
    const frames = bench.stderr.split("\r\x1b[K").slice(1);
    assertEquals(frames.length, live ? 4 : 0);
    if (live) assertEquals([frames[1], frames[3]], ["1/2 answered, 0 failing, 0.1s", ""]);
  }
});

Deno.test("-no-wait prints the id and returns", async () => {
  const cases = [["text", "01JA\n"], ["json", '{\n  "batch": "01JA"\n}\n'], [
    "jsonl",
    '{"batch":"01JA"}\n',
  ]];
  for (const [format, expected] of cases) {
    const bench = new CommandBench({ script: [[ACCEPTED]], file: FILE });
    assertEquals(await bench.run("check", "-file=f", "-no-wait", `-output=${format}`), 0);
    assertEquals(bench.stdout, expected);
    const [request] = bench.requests;
    assertEquals(request?.type === "check" && request.wait, false);
  }
});

Deno.test("a bad file is refused with every problem, and nothing is sent", async () => {
  const file = '{"a": {"type": "file_exist", "path": "/"}, "b": {"type": "file_exists"}}';
  for (const command of ["check", "local-check"]) {
    const bench = new CommandBench({ file });
    assertEquals(await bench.run(command, "-file=f.json"), 2);
    const lines = bench.stderr.trimEnd().split("\n");
    assertEquals(lines.length, 2);
    assertStringIncludes(lines[0]!, 'gcheck: f.json: line 1, column 16: check "a", field "type"');
    assertStringIncludes(lines[1]!, 'check "b", field "path": is missing');
    assertEquals(bench.requests, []);
    assertEquals(bench.stdout, "");
  }
  const validating = new CommandBench({ file });
  assertEquals(await validating.run("validate", "-file=-"), 2);
  assertStringIncludes(validating.stdout, 'stdin: line 1, column 16: check "a"');
  const good = new CommandBench({ file: FILE });
  assertEquals(await good.run("validate", "-file=f.json"), 0);
  assertEquals(good.stdout, "f.json: good, 2 checks\n");
});

Deno.test("local-check reports every outcome, whatever the first ones were", async () => {
  const bench = new CommandBench({
    file: FILE,
    outcomes: { hosts: { status: "error", reason: "permission denied" } },
  });
  assertEquals(await bench.run("local-check", "-file=f"), 1);
  assertStringIncludes(bench.stdout, "hosts  error    permission denied\nmotd   pass\n");
  assertEquals(bench.requests, []);
  assertEquals(await new CommandBench({ file: FILE }).run("local-check", "-file=f"), 0);
});

Deno.test("results lists batches, and shows one by its id or the start of it", async () => {
  const batches = listOf("01JB", "01JA", "01HX");
  const list = new CommandBench({ script: [[batches]] });
  assertEquals(await list.run("results"), 0);
  assertStringIncludes(list.stdout, "\n01JA ");

  const shown: ScriptStep[] = [ACCEPTED, done("a", PASSING), done("b", FAILING), SETTLED];
  for (const [typed, asked] of [["01h", "01HX"], ["01JA", "01JA"], ["01ZZ", "01ZZ"]]) {
    const bench = new CommandBench({ script: [[batches], shown] });
    assertEquals(await bench.run("results", String(typed)), 1);
    assertEquals(bench.requests[1], { type: "results", batchId: String(asked) });
    assertStringIncludes(bench.stdout, "FAIL  2 nodes answered: 3 passed, 1 failed\n");
  }
  const unclear = new CommandBench({ script: [[batches]] });
  await assertRejects(() => unclear.run("results", "01J"), UsageError, "2 batches begin with");
});

Deno.test("check sends whom the batch is for, in which stages and for how long", async () => {
  const cases: [string[], Partial<Request & { type: "check" }>][] = [
    [[], { target: {}, expiresInMs: 3_600_000 }],
    [["-nodes=a,web-*", "-target=role=web"], {
      target: { tags: [{ key: "role", equal: true, value: "web" }], nodes: ["a", "web-*"] },
    }],
    [["-limit=10%", "-expires=never"], { limit: { type: "percent", percent: 10 }, expiresInMs: 0 }],
    [["-batch-size=2", "-max-failures=1"], {
      rollout: { size: { type: "count", count: 2 }, maxFailures: 1 },
    }],
  ];
  for (const [flags, expected] of cases) {
    const bench = new CommandBench({ script: [[ACCEPTED]], file: FILE });
    assertEquals(await bench.run("check", "-file=f", "-no-wait", ...flags), 0);
    assertObjectMatch(bench.requests[0] ?? {}, expected);
  }
});

Deno.test("a roll-out that stopped says at which stage, for what, and who was spared", async () => {
  const rollout = { stage: 1, stages: 2, failures: 1, maxFailures: 0, stopped: false };
  const state = (stopped: boolean): Reply => ({
    type: "state",
    state: { target: {}, cancelled: false, rollout: { ...rollout, stopped } },
  });
  const spared: Reply = {
    type: "progress",
    progress: { node: "b", state: "skipped", reason: "rollout_stopped" },
  };
  const script = [ACCEPTED, state(false), done("a", FAILING), spared, state(true), SETTLED];
  const bench = new CommandBench({ script: [script], file: FILE });
  assertEquals(await bench.run("-file=f", "check", "-batch-size=1"), 1);
  assertStringIncludes(
    bench.stdout,
    "skipped, the roll-out stopped before their stage (1): b\n" +
      "roll-out stopped at stage 1 of 2: 1 node failed or unreached, -max-failures allows 0\n" +
      "FAIL  1 of 2 nodes answered, 1 skipped: 1 passed, 1 failed",
  );
  assertEquals(bench.stdout.includes("late results"), false);
});

Deno.test("cancel finds the batch by the start of its id and says how to see it", async () => {
  const batches = listOf("01JB", "01JA", "01HX");
  for (const [typed, asked] of [["01h", "01HX"], ["01ZZ", "01ZZ"]]) {
    const bench = new CommandBench({ script: [[batches], [{ type: "done" }]] });
    assertEquals(await bench.run("cancel", String(typed)), 0);
    assertEquals(bench.requests.slice(1), [{ type: "cancel", batchId: String(asked) }]);
    const see = `see it with "gcheck results ${asked}"`;
    assertEquals(bench.stdout, `batch ${asked} is cancelled: ${see}\n`);
  }
  const unclear = new CommandBench({ script: [[batches]] });
  await assertRejects(() => unclear.run("cancel", "01J"), UsageError, "2 batches begin with");
  assertEquals(unclear.requests.length, 1);
});

Deno.test("members are listed by name, as people count", async () => {
  const member = { address: { host: "::1", port: 1 }, state: "alive", tags: {} } as const;
  const members = ["n10", "n9", "a"].map((name) => ({
    ...member,
    name,
    runsGossipcheck: true,
    self: false,
  }));
  const bench = new CommandBench({ script: [[{ type: "members", members }]] });
  assertEquals(await bench.run("list-members", "-output=jsonl"), 0);
  const names = bench.stdout.trimEnd().split("\n").map((record) => JSON.parse(record).name);
  assertEquals(names, ["a", "n9", "n10"]);
});

Deno.test("what a daemon cannot do becomes one line and an exit status", async () => {
  const error = (code: Reply & { type: "error" } extends { code: infer C } ? C : never): Reply => ({
    type: "error",
    code,
    message: "because",
  });
  const cases: [ScriptStep, number, string][] = [
    [error("unknown_batch"), 2, "because"],
    [error("bad_request"), 2, "because"],
    [error("busy"), 4, "127.0.0.1:5924 says: because"],
    [error("refused"), 4, "because"],
    [error("too_large"), 4, "because"],
    [error("internal"), 4, "because"],
    [new UnreachableError("nobody is there"), 4, "nobody is there"],
  ];
  for (const [step, status, message] of cases) {
    const bench = new CommandBench({ script: [[step]], file: FILE });
    const raised = await assertRejects(() => bench.run("check", "-file=f"), GossipcheckError);
    assertEquals(raised.exitStatus, status, message);
    assertStringIncludes(raised.message, message);
  }
});

Deno.test("a daemon that falls silent or goes away is told from one that answers", async () => {
  const silent = new CommandBench({ script: [["wait"]], file: FILE });
  const waiting = assertRejects(
    () => silent.run("check", "-file=f", "-timeout=1s"),
    UnreachableError,
    "did not answer within -timeout 1s",
  );
  await silent.time.pass(1_000);
  await waiting;

  const lost = new UnreachableError("it closed the connection", { reason: "lost" });
  const bench = new CommandBench({ script: [[ACCEPTED, lost]], file: FILE });
  const error = await assertRejects(() => bench.run("check", "-file=f"), UnreachableError);
  assertStringIncludes(error.message, 'batch 01JA was sent; once it is up, "gcheck results 01JA"');
});
