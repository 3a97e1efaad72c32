/**
 * `cli.ts` as a process, under its permission set, against a client server that this test runs.
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { encodeReport } from "../../lib/batch/report.ts";
import type { Reply, Request } from "../../lib/client/protocol.ts";
import { ClientServer } from "../../lib/client/server.ts";
import { DenoNetwork } from "../../lib/deno/network.ts";
import { DenoRandom, DenoTimers } from "../../lib/deno/runtime.ts";
import { newTokenText, parseToken } from "../../lib/trust/token.ts";
import { freePort } from "../support/free_port.ts";
import { inTemporaryFolder } from "../support/temporary_folder.ts";
import { type CommandLine, runCommand, TestProcess } from "../support/process.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
const FILE = '{"hosts": {"type": "file_exists", "path": "/etc/hosts"}}';
const BATCH_ID = "01JGFJJZ00ABCDEFGHJKMNPQRS";

/** `gcheck` with these arguments, as its task runs it. */
function gcheck(...args: string[]): CommandLine {
  const deno = ["run", "--quiet", "--no-prompt", "-P=gcheck", "cli.ts"];
  return { program: Deno.execPath(), args: [...deno, ...args], directory: ROOT };
}

/** The same for a shell's command line. */
function quoted(line: CommandLine): string {
  return [line.program, ...line.args].map((word) => `'${word}'`).join(" ");
}

/** A daemon that answers by `reply` and then, where told so, never ends. */
class FakeDaemon implements AsyncDisposable {
  readonly requests: Request[] = [];
  readonly server: string;
  readonly #server: ClientServer;
  readonly #running: Promise<void>;

  constructor(options: {
    replies: (request: Request) => readonly Reply[];
    stays?: boolean;
    token?: { token: Uint8Array; tokenFile: string };
  }) {
    const listener = new DenoNetwork().listenStreams({ host: "127.0.0.1", port: 0 });
    this.server = `127.0.0.1:${listener.local.port}`;
    const requests = this.requests;
    this.#server = new ClientServer({
      listener,
      timers: new DenoTimers(),
      random: new DenoRandom(),
      log: { write() {} },
      drop() {},
      ...options.token,
      service: {
        node: "fake",
        async *handle(request, signal) {
          requests.push(request);
          yield* options.replies(request);
          if (options.stays !== true) return;
          await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
        },
      },
    });
    this.#running = this.#server.run();
  }

  async [Symbol.asyncDispose]() {
    this.#server.close();
    await this.#running;
  }
}

function accepted(...nodes: string[]): Reply {
  return { type: "accepted", batchId: BATCH_ID, nodes };
}

function outcome(node: string, reason?: string): Reply {
  const found = reason === undefined
    ? { status: "pass" } as const
    : { status: "fail", reason } as const;
  const results = [{ check: "hosts", outcome: found, durationMs: 1 }];
  const report = encodeReport({ type: "checks", results });
  const passed = reason === undefined;
  return { type: "progress", progress: { node, state: "done", passed, report } };
}

Deno.test("check: exit status and output, the file from stdin", async () => {
  const settled: Reply = { type: "settled" };
  const cases: [Reply[], number, string][] = [
    [[accepted("a"), outcome("a"), settled], 0, "PASS  1 node answered: 1 passed"],
    [[accepted("a"), outcome("a", "is gone"), settled], 1, "a     hosts  fail     is gone"],
    [[accepted("a", "b"), outcome("a"), settled], 3, "not answered (1): b"],
  ];
  for (const [replies, code, text] of cases) {
    await using daemon = new FakeDaemon({ replies: () => replies });
    const line = gcheck("-server", daemon.server, "check", "--file=-");
    const result = await runCommand(line, { input: FILE });
    assertEquals(result.stderr, "");
    assertEquals(result.code, code);
    assertStringIncludes(result.stdout, text);
    assert(!result.stdout.includes("\x1b"), "colours without a terminal");
    assertEquals(daemon.requests.map(({ type }) => type), ["check"]);
  }
});

Deno.test("what goes wrong is one line on stderr and an exit status", async () => {
  const nobody = `127.0.0.1:${freePort()}`;
  using stranger = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const greeting = stranger.accept().then(async (connection) => {
    await connection.write(new TextEncoder().encode("220 mail.example ESMTP\r\n"));
    return connection;
  });
  const strange = `127.0.0.1:${(stranger.addr as Deno.NetAddr).port}`;
  const cases: [string[], number, RegExp][] = [
    [["-server", nobody, "list-members"], 4, /^gcheck: no gossipcheckd answers .*start one with/],
    [["-server", strange, "list-members"], 4, /^gcheck: what listens at .* is not a gossipcheckd/],
    [["-server", "no.such.host.invalid:1", "results"], 4, /^gcheck: no gossipcheckd answers/],
    [["-file", "/nonexistent.json", "check"], 2, /^gcheck: cannot read .* no such file/],
    [["-file", "/", "check"], 2, /^gcheck: cannot read .* directory/],
    [["-fil", "x", "check"], 2, /^gcheck: unknown flag -fil: the nearest known one is -file/],
    [["-timeout", "soon", "results"], 2, /^gcheck: flag -timeout: bad duration "soon"/],
    [["-server", "5924", "results"], 2, /^gcheck: flag -server: bad address "5924"/],
    [["check", "-file"], 2, /^gcheck: flag -file needs a value/],
    [[], 2, /^gcheck: no command given/],
  ];
  for (const [args, code, message] of cases) {
    const result = await runCommand(gcheck(...args));
    assertMatch(result.stderr, message);
    assertEquals(result.stderr.split("\n").length, 2, result.stderr);
    assertEquals(result.code, code, args.join(" "));
    assertEquals(result.stdout, "");
  }
  (await greeting).close();
});

Deno.test("a bad file is refused with all that is wrong, nothing is sent", async () => {
  await using daemon = new FakeDaemon({ replies: () => [] });
  const line = gcheck("-server", daemon.server, "-file=-", "check");
  const file = '{"a": {"type": "file_exist", "path": "/"}, "b": {}}';
  const result = await runCommand(line, { input: file });
  assertEquals(result.code, 2);
  assertEquals(result.stderr.trimEnd().split("\n").length, 2, result.stderr);
  assertEquals(daemon.requests, []);
  const endless = await runCommand({
    program: "/bin/sh",
    args: ["-c", `cat /dev/zero | ${quoted(gcheck("validate", "-file=-"))}`],
    directory: ROOT,
  });
  assertEquals(endless.code, 2);
  assertStringIncludes(endless.stdout, "stdin: ");
});

Deno.test("local-check needs no daemon, runs no action and reports every outcome", async () => {
  const mark = await Deno.makeTempFile();
  const file = JSON.stringify({
    gone: { type: "file_exists", path: "/nonexistent", action: `echo ran > '${mark}'` },
    hosts: { type: "file_exists", path: "/etc/hosts" },
  });
  const result = await runCommand(gcheck("local-check", "-file=-", "-output=jsonl"), {
    input: file,
  });
  assertEquals(result.code, 1, result.stderr);
  const lines = result.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.map(({ check, status }) => [check, status]), [["gone", "fail"], [
    "hosts",
    "pass",
  ]]);
  assertEquals(await Deno.readTextFile(mark), "");
  await Deno.remove(mark);
});

Deno.test("after Control-C gcheck says that the batch continues; after -timeout it lists missing members", async () => {
  const replies = () => [accepted("a", "b"), outcome("a")];
  await using daemon = new FakeDaemon({ replies, stays: true });
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, FILE);
  const args = ["-server", daemon.server, "-file", file, "-output=jsonl", "check"];
  await using process = new TestProcess(gcheck(...args));
  await process.stdout.wait((line) => line.includes('"node":"a"'), {
    what: "outcome of a",
  });
  const status = await process.stop("SIGINT");
  assertEquals(status.code, 130);
  const told = await process.stderr.wait((line) => line.startsWith("gcheck: interrupted"), {
    what: "message about the interruption",
  });
  assertStringIncludes(told, `batch ${BATCH_ID} continues`);
  assertStringIncludes(told, `gcheck -server=${daemon.server} results ${BATCH_ID}`);

  const late = await runCommand(gcheck(...args, "-output=text", "-timeout=2s"));
  assertEquals(late.code, 3);
  assertStringIncludes(late.stdout, "not answered (1): b");
  await Deno.remove(file);
});

Deno.test("a reader that has enough ends it quietly", async () => {
  const members = Array.from({ length: 5_000 }, (_, index) => ({
    name: `node-${index}`,
    address: { host: "10.0.0.1", port: 3505 },
    state: "alive" as const,
    tags: { role: "web" },
    runsGossipcheck: true,
    self: false,
  }));
  await using daemon = new FakeDaemon({ replies: () => [{ type: "members", members }] });
  for (const format of ["text", "json", "jsonl"]) {
    const line = gcheck("-server", daemon.server, "list-members", "-output", format);
    const result = await runCommand({
      program: "/bin/sh",
      args: ["-c", `${quoted(line)} | head -n 1`],
      directory: ROOT,
    });
    assertEquals(result.stderr, "");
    assertEquals(result.stdout.split("\n").length, 2);
  }
});

/** `script` makes the terminal; where it is not installed the test is listed as ignored. */
const SCRIPT = new Deno.Command("/bin/sh", { args: ["-c", "command -v script"] }).outputSync();

Deno.test({
  name: "on a terminal there is progress and colour, unless NO_COLOR or TERM say otherwise",
  ignore: !SCRIPT.success,
  fn: showOnTerminal,
});

async function showOnTerminal() {
  const replies = () => [accepted("a", "b"), outcome("a", "is gone")];
  await using daemon = new FakeDaemon({ replies, stays: true });
  const line = quoted(gcheck("-server", daemon.server, "-file=-", "-timeout=400ms", "check"));
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, FILE);
  const cases: [Record<string, string>, { color: boolean; live: boolean }][] = [
    [{ TERM: "xterm", NO_COLOR: "" }, { color: true, live: true }],
    [{ TERM: "xterm", NO_COLOR: "1" }, { color: false, live: true }],
    [{ TERM: "dumb" }, { color: false, live: false }],
  ];
  for (const [environment, expected] of cases) {
    const result = await runCommand({
      program: "script",
      args: ["-qec", `${line} < '${file}'`, "/dev/null"],
      environment,
      directory: ROOT,
    });
    assertEquals(result.code, 3, result.stdout);
    assertEquals(result.stdout.includes("\x1b[31mfail\x1b[0m"), expected.color);
    assertEquals(result.stdout.includes("\r\x1b[K1/2 answered, 1 failing"), expected.live);
    assertStringIncludes(result.stdout, "is gone");
  }
  await Deno.remove(file);
}

/** A token in a file of the folder, in the form that daemons write. */
function makeToken(folder: string): { token: Uint8Array; tokenFile: string } {
  const text = newTokenText(new DenoRandom());
  const tokenFile = `${folder}/token`;
  Deno.writeTextFileSync(tokenFile, text, { mode: 0o600 });
  return { token: parseToken(text, { source: "a test" }), tokenFile };
}

Deno.test("the token is found where the daemon says, or where the user does", () =>
  inTemporaryFolder(findToken));

async function findToken(folder: string): Promise<void> {
  const token = makeToken(folder);
  await using daemon = new FakeDaemon({ replies: () => [{ type: "batches", batches: [] }], token });
  const { tokenFile } = token;
  const [hidden, other] = [`${folder}/hidden`, `${folder}/other`];
  const ask = (flags: string[], variable = "") => {
    const line = gcheck("-server", daemon.server, "results", ...flags);
    return runCommand({ ...line, environment: { GOSSIPCHECK_TOKEN: variable } });
  };
  assertEquals(await ask([]), { code: 0, stdout: "no batches\n", stderr: "" });

  Deno.chmodSync(tokenFile, 0o640);
  Deno.writeTextFileSync(other, "no token at all\n", { mode: 0o600 });
  const refusals: [string[], string, number, RegExp][] = [
    [
      [],
      "",
      4,
      /^gcheck: .* asks for the token in \/.*token: .*mode 0640.* chmod 600 \/.*token\n$/,
    ],
    [["-token-file", tokenFile], "", 2, /^gcheck: flag -token-file: .*token .*mode 0640/],
    [["-token-file", hidden], "", 2, /^gcheck: flag -token-file: .*hidden does not exist\n$/],
    [[], other, 2, /^gcheck: GOSSIPCHECK_TOKEN: .*other holds no token: expected 64 hex digits\n$/],
  ];
  for (const [flags, variable, code, message] of refusals) {
    const result = await ask(flags, variable);
    assertMatch(result.stderr, message);
    assertEquals([result.code, result.stdout], [code, ""]);
  }

  Deno.chmodSync(tokenFile, 0o600);
  Deno.renameSync(tokenFile, hidden);
  assertMatch(
    (await ask([])).stderr,
    /asks for the token in \/.*token: \/.*token does not exist\n$/,
  );
  assertEquals((await ask([], hidden)).code, 0);
  assertEquals((await ask(["-token-file", hidden], other)).code, 0);
  Deno.writeTextFileSync(tokenFile, "not what it should be\n", { mode: 0o600 });
  const wrong = await ask([]);
  assertEquals(wrong.code, 4);
  assert(!wrong.stderr.includes("should be"), wrong.stderr);
  Deno.writeTextFileSync(other, `${"00".repeat(32)}\n`);
  const stranger = await ask([], other);
  assertMatch(stranger.stderr, /do not trust each other: its token is not the one/);
  assertEquals(stranger.code, 4);
}

Deno.test("keygen makes files for their owner alone, and never over one that is there", () =>
  inTemporaryFolder(makeKeys));

async function makeKeys(folder: string): Promise<void> {
  const cluster = await runCommand(gcheck("keygen", "-out", `${folder}/cluster`));
  assertEquals([cluster.code, cluster.stderr], [0, ""]);
  const made = Deno.readTextFileSync(`${folder}/cluster`);
  assertMatch(made, /^[A-Za-z0-9+/]{43}=\n$/);
  assert(!cluster.stdout.includes(made.trim()), "the key is on stdout too");
  const signing = await runCommand(gcheck("keygen", "-sign", "-name=ada", "-out", `${folder}/ada`));
  assertMatch(signing.stdout, /^ada ssh-ed25519 [A-Za-z0-9+/=]+\n$/);
  for (const name of ["cluster", "ada"]) {
    assertEquals((Deno.statSync(`${folder}/${name}`).mode ?? 0) & 0o777, 0o600, name);
    const before = Deno.readTextFileSync(`${folder}/${name}`);
    const again = await runCommand(gcheck("keygen", "-out", `${folder}/${name}`));
    assertMatch(again.stderr, /^gcheck: .* cannot be created: it exists already\n$/);
    assertEquals([again.code, again.stdout], [2, ""]);
    assertEquals(Deno.readTextFileSync(`${folder}/${name}`), before);
  }
  assertEquals((await runCommand(gcheck("keygen", "-out", `${folder}/none/key`))).code, 2);
  const shown = await runCommand(gcheck("keygen"));
  assertMatch(shown.stdout, /^[A-Za-z0-9+/]{43}=\n$/);
  assert(shown.stdout !== made);
}

Deno.test("version and help need nothing and nobody", async () => {
  const version = await runCommand(gcheck("version"));
  assertMatch(version.stdout, /^gcheck \d+\.\d+\.\d+\n$/);
  const help = await runCommand(gcheck("-h"));
  assertStringIncludes(help.stdout, "Usage: gcheck [flags] COMMAND");
  assertEquals([version.code, help.code, help.stderr], [0, 0, ""]);
});
