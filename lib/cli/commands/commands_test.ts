import {
  assert,
  assertEquals,
  assertObjectMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { answered, CommandBench, type ScriptStep } from "../../../tests/support/command_bench.ts";
import { settle } from "../../../tests/support/virtual_time.ts";
import type { CheckResult } from "../../batch/check.ts";
import { decodeBody } from "../../batch/body.ts";
import { parseCheckFile } from "../../checks/parse.ts";
import type { Order } from "../../batch/order.ts";
import type { Reply, Request } from "../../client/protocol.ts";
import { GossipcheckError, UnreachableError } from "../../errors.ts";

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
const ID = "01JA0000000000000000000000";
const ACCEPTED: Reply = { type: "accepted", batchId: ID, nodes: ["a", "b"] };
const SETTLED: Reply = { type: "settled" };

/** A request to send an unsigned batch. */
interface Sent extends Omit<Request & { type: "check" }, "order"> {
  readonly order: Order & { readonly type: "unsigned" };
}

function done(node: string, results: CheckResult[]): Reply {
  return answered(node, { type: "checks", results });
}

Deno.test("check sends the checks of the file and exits with the status of their results", async () => {
  const unreached: Reply = {
    type: "progress",
    progress: { node: "b", state: "unreached", memberState: "dead" },
  };
  const cases: [ScriptStep[], number, string][] = [
    [[ACCEPTED, done("a", PASSING), done("b", PASSING), SETTLED], 0, "PASS  2 nodes answered"],
    [[ACCEPTED, done("a", FAILING), done("b", PASSING), SETTLED], 1, "FAIL  2 nodes answered"],
    [[ACCEPTED, done("a", FAILING), unreached, SETTLED], 3, "unreached, failed (1): b\nINCOMPLETE"],
    [[ACCEPTED, done("a", PASSING), unreached, done("b", PASSING), SETTLED], 0, "PASS"],
  ];
  for (const [script, status, text] of cases) {
    const bench = new CommandBench({ script: [script], file: FILE });
    assertEquals(await bench.run("-file=f", "check"), status);
    assertStringIncludes(bench.stdout, text);
    assertEquals(bench.stderr, "");
    assertEquals(bench.time.pending, 0);
    const [request] = bench.requests;
    assert(request?.type === "check" && request.order.type === "unsigned");
    assertEquals(decodeBody(request.order.body), {
      type: "checks",
      checks: parseCheckFile(new TextEncoder().encode(FILE)),
    });
    assertEquals(request.wait, true);
  }
});

Deno.test("after -timeout the members without a report are listed", async () => {
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
  assertStringIncludes(bench.stdout, `gcheck -server=10.0.0.1:9 results ${ID}\n`);
});

Deno.test("after Control-C gcheck says that the batch continues, and how to show and cancel it", async () => {
  for (const format of ["text", "json", "jsonl"]) {
    const bench = new CommandBench({ script: [[ACCEPTED, "wait"]], file: FILE });
    const running = bench.run("-file=f", "check", `-output=${format}`);
    await bench.interrupt();
    assertEquals(await running, 130);
    assertEquals(
      bench.stderr,
      `gcheck: interrupted; batch ${ID} continues: show it with "gcheck results ${ID}", ` +
        `cancel it with "gcheck cancel ${ID}"\n`,
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

Deno.test("every command ends on Control-C", async () => {
  for (const command of ["list-members", "results", "cancel 01J", `cancel ${ID}`, "results 01J"]) {
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

Deno.test("jsonl prints the outcomes of a node before the others have reported", async () => {
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

Deno.test("the progress line is drawn on a terminal only, and erased before the results", async () => {
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
  const cases = [["text", `${ID}\n`], ["json", `{\n  "batch": "${ID}"\n}\n`], [
    "jsonl",
    `{"batch":"${ID}"}\n`,
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

Deno.test("local-check reports every outcome, also after an error", async () => {
  const bench = new CommandBench({
    file: FILE,
    outcomes: { hosts: { status: "error", reason: "permission denied" } },
  });
  assertEquals(await bench.run("local-check", "-file=f"), 1);
  assertStringIncludes(bench.stdout, "hosts  error    permission denied\nmotd   pass\n");
  assertEquals(bench.requests, []);
  assertEquals(await new CommandBench({ file: FILE }).run("local-check", "-file=f"), 0);
});

Deno.test("check sends the target, the stages and the expiry of the batch", async () => {
  const cases: [string[], Partial<Omit<Sent, "order">> & { order?: Partial<Sent["order"]> }][] = [
    [[], { order: { target: {}, expiresInMs: 3_600_000 } }],
    [["-nodes=a,web-*", "-target=role=web"], {
      order: {
        target: { tags: [{ key: "role", equal: true, value: "web" }], nodes: ["a", "web-*"] },
      },
    }],
    [["-limit=10%", "-expires=never"], {
      limit: { type: "percent", percent: 10 },
      order: { expiresInMs: 0 },
    }],
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

Deno.test("a stopped roll-out shows its stage, the failures and the skipped members", async () => {
  const rollout = { stage: 1, stages: 2, failures: 1, maxFailures: 0, stopped: false };
  const state = (stopped: boolean): Reply => ({
    type: "state",
    state: { target: {}, cancelled: false, rollout: { ...rollout, stopped } },
  });
  const skipped: Reply = {
    type: "progress",
    progress: { node: "b", state: "skipped", reason: "rollout_stopped" },
  };
  const script = [ACCEPTED, state(false), done("a", FAILING), skipped, state(true), SETTLED];
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

Deno.test("members are listed in natural order of their names", async () => {
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

Deno.test("an error reply becomes a one-line error with an exit status", async () => {
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
    [new UnreachableError("no daemon listens"), 4, "no daemon listens"],
  ];
  for (const [step, status, message] of cases) {
    const bench = new CommandBench({ script: [[step]], file: FILE });
    const raised = await assertRejects(() => bench.run("check", "-file=f"), GossipcheckError);
    assertEquals(raised.exitStatus, status, message);
    assertStringIncludes(raised.message, message);
  }
});

Deno.test("a daemon that does not reply, or closes the connection, is an error", async () => {
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
  assertStringIncludes(
    error.message,
    `batch ${ID} was sent, but the daemon stopped answering; when it is up again run "gcheck results ${ID}"`,
  );
});
