/** This host as checks see it, under the daemon's own permissions. */
import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import type { HostRequest } from "../support/host_requests.ts";
import { mustRun } from "../support/process.ts";

const SCRIPT = fromFileUrl(new URL("../support/host_requests.ts", import.meta.url));
const PERMISSIONS = ["--allow-read", "--allow-run=/bin/sh"];

interface Answer {
  readonly result?: Record<string, unknown>;
  readonly error?: string;
  readonly tookMs: number;
}

async function ask(
  requests: readonly HostRequest[],
  options: { permissions?: readonly string[]; args?: readonly string[] } = {},
): Promise<Answer[]> {
  const permissions = options.permissions ?? PERMISSIONS;
  const args = ["run", "--no-prompt", ...permissions, SCRIPT, ...(options.args ?? [])];
  const line = { program: Deno.execPath(), args };
  const output = await mustRun(line, { input: JSON.stringify(requests), timeoutMs: 60_000 });
  return output.trimEnd().split("\n").map((text) => JSON.parse(text));
}

async function shell(command: string, more: Partial<HostRequest> = {}): Promise<Answer> {
  const [answer] = await ask([{ do: "shell", command, ...more } as HostRequest]);
  assert(answer !== undefined);
  return answer;
}

function running(fields: Record<string, string>): HostRequest {
  return { do: "probe", type: "process_running", fields };
}

function statuses(answers: readonly Answer[]): unknown[] {
  return answers.map(({ result, error }) => error ?? result?.status);
}

/** A sleeping process of an executable and arguments that no other has. */
async function sleeper(name: string): Promise<AsyncDisposable & { path: string; seconds: string }> {
  const directory = await Deno.makeTempDir({ prefix: "gossipcheck-host-" });
  const path = join(directory, name);
  await Deno.mkdir(join(path, ".."), { recursive: true });
  await Deno.copyFile("/bin/sleep", path);
  const seconds = `60.${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  const child = new Deno.Command(path, { args: [seconds], stdin: "null" }).spawn();
  return {
    path,
    seconds,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      await Deno.remove(directory, { recursive: true });
    },
  };
}

Deno.test("a process is found by path, by argument and by both, until it has ended", async () => {
  const requests: HostRequest[] = [];
  {
    await using process = await sleeper("gossipcheck sleeper");
    const { path, seconds } = process;
    requests.push(running({ path }), running({ check: `sleeper ${seconds}` }));
    requests.push(running({ path: "gossipcheck sleeper", check: seconds }));
    requests.push(running({ path: `${path}x` }), running({ path, check: "no such argument" }));
    const expected = ["pass", "pass", "pass", "fail", "fail"];
    assertEquals(statuses(await ask(requests)), expected);
    assertEquals(statuses(await ask(requests, { permissions: ["--allow-all"] })), expected);
  }
  assertEquals(statuses(await ask(requests)), Array(5).fill("fail"));
});

Deno.test("a line break in an executable's path stands for no other process", async () => {
  await using process = await sleeper("a\nl 1 0 0 0 Jan 1 00:00 /proc/1/exe -> /forged/init");
  const answers = await ask([running({ path: process.path }), running({ path: "> /forged/init" })]);
  assertEquals(statuses(answers), ["pass", "pass"]);
  // Both are the sleeper itself; what it tried to pass for is not in the list.
  const [forged] = await ask([running({ path: "/forged/init", check: "process 1's arguments" })]);
  assertEquals(forged?.result?.status, "fail");
});

Deno.test("gossipcheck's own shells and arguments are not found", async () => {
  const needle = crypto.randomUUID();
  const acting = ask([{ do: "shell", command: `(sleep 2.5; : ${needle}); : ${needle}` }]);
  const found = await ask(
    Array.from({ length: 40 }, () => running({ check: needle })),
    { args: ["-tags", `role=${needle}`] },
  );
  assertEquals(statuses(found), Array(40).fill("fail"));
  assertEquals((await acting)[0]?.result?.end, { type: "exited", code: 0 });
});

Deno.test("an action's output comes in the order in which it was written", async () => {
  const { result } = await shell('echo a; echo b >&2; echo "c $GOSSIPCHECK_CHECK"; exit 3');
  assertEquals(result, {
    end: { type: "exited", code: 3 },
    output: "a\nb\nc a check\n",
    droppedBytes: 0,
  });
});

Deno.test("an action's output is kept up to the limit and counted past it", async () => {
  const { result } = await shell("head -c 3000000 /dev/zero | tr '\\0' x");
  assertEquals(result, {
    end: { type: "exited", code: 0 },
    output: "x".repeat(1_000),
    droppedBytes: 2_999_000,
  });
});

Deno.test("an action that a signal ends is reported with it", async () => {
  const { result } = await shell("kill -s TERM $$");
  assertEquals(result?.end, { type: "signaled", signal: "SIGTERM" });
});

Deno.test("an action that takes too long, or is aborted, ends with its children", async () => {
  const seconds = `61.${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  const sleepers = `echo started; (sleep ${seconds}; :) & (trap '' TERM; sleep ${seconds}; :)`;
  for (
    const [limit, end] of [
      [{ timeoutMs: 300 }, "timed_out"],
      [{ abortAfterMs: 300 }, "aborted"],
    ] as const
  ) {
    const request: HostRequest = { do: "shell", command: sleepers, ...limit };
    const [ended, left] = await ask([request, running({ check: `sleep ${seconds}` })]);
    assertEquals(ended?.result?.end, { type: end });
    assertEquals(ended?.result?.output, "started\n");
    assertLess(ended?.tookMs ?? 0, 10_000);
    assertEquals(left?.result?.status, "fail");
  }
});

Deno.test("what an action leaves in the background lives on and holds up nothing", async () => {
  const { result, tookMs } = await shell("sleep 62.5 & echo $!");
  const pid = Number(result?.output);
  assertMatch(String(result?.output), /^\d+\n$/);
  try {
    assertEquals(result?.end, { type: "exited", code: 0 });
    assertLess(tookMs, 5_000);
    assert((await Deno.stat(`/proc/${pid}`)).isDirectory);
  } finally {
    Deno.kill(pid, "SIGKILL");
  }
});

Deno.test("without leave to run the shell, actions and process lists say so", async () => {
  const requests: HostRequest[] = [{ do: "shell", command: "true" }, running({ check: "x" })];
  for (const { error } of await ask(requests, { permissions: ["--allow-read"] })) {
    assertMatch(error ?? "", /^HostError: \/bin\/sh cannot be started: .*--allow-run=\/bin\/sh/);
  }
});

Deno.test("files are told apart, those under /proc and FIFOs too", async () => {
  const directory = await Deno.makeTempDir({ prefix: "gossipcheck-host-" });
  try {
    const fifo = join(directory, "fifo");
    await mustRun({ program: "mkfifo", args: [fifo] });
    const file = join(directory, "file");
    await Deno.writeTextFile(file, `${"x".repeat(65_530)}across the border`);
    const contains = (path: string, check: string): HostRequest => ({
      do: "probe",
      type: "file_contains",
      fields: { path, check },
    });
    const answers = await ask([
      contains(file, "across the border"),
      contains(file, "across the bordes"),
      contains(fifo, "x"),
      contains(directory, "x"),
      contains("/proc/sys/kernel/ostype", "Linux"),
      contains("/proc/sys/kernel/ostype", "Hurd"),
      contains("/proc/sys/kernel/no_such_thing", "x"),
      { do: "probe", type: "file_exists", fields: { path: fifo } },
      { do: "probe", type: "file_exists", fields: { path: "/sys/kernel" } },
      { do: "probe", type: "file_exists", fields: { path: join(file, "below") } },
    ]);
    assertEquals(statuses(answers), [
      "pass",
      "fail",
      `HostError: ${fifo} is a device, FIFO or socket; expected a regular file`,
      `HostError: ${directory} is a directory; expected a regular file`,
      "pass",
      "fail",
      "fail",
      "pass",
      "pass",
      "fail",
    ]);
    const unread = await ask([contains(file, "x")], { permissions: [] });
    assertEquals(statuses(unread), [`HostError: ${file} cannot be read: grant --allow-read`]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
