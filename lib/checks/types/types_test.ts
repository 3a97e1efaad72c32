import { assertEquals, assertRejects } from "@std/assert";
import { FakeHost } from "../../../tests/support/fake_host.ts";
import { HostError } from "../../errors.ts";
import type { Outcome } from "../../batch/check.ts";
import { checkType } from "../registry.ts";

function probe(
  host: FakeHost,
  { type, ...fields }: { type: string } & Record<string, string>,
): Promise<Outcome> {
  const found = checkType(type);
  if (found === undefined) throw new Error(`no type ${type}`);
  return found.probe(fields, { host, signal: new AbortController().signal });
}

Deno.test("file_exists passes for every kind of file", async () => {
  const host = new FakeHost();
  host.files.set("/file", "x").set("/dir", { kind: "directory" }).set("/fifo", { kind: "other" });
  for (const path of ["/file", "/dir", "/fifo"]) {
    assertEquals(await probe(host, { type: "file_exists", path }), { status: "pass" });
  }
  assertEquals(await probe(host, { type: "file_exists", path: "/nope" }), {
    status: "fail",
    reason: "/nope does not exist",
  });
});

Deno.test("file_contains finds text at every offset, across reads of every length", async () => {
  const host = new FakeHost();
  for (let offset = 0; offset < 20; offset++) {
    for (let readBytes = 1; readBytes < 12; readBytes++) {
      host.readBytes = readBytes;
      host.files.set("/file", "8.".repeat(offset) + "8.8.4.4" + "\n".repeat(3));
      const check = { type: "file_contains", path: "/file", check: "8.8.4.4" };
      assertEquals(await probe(host, check), { status: "pass" }, `${offset} ${readBytes}`);
      const absent = await probe(host, { ...check, check: "8.8.4.5" });
      assertEquals(absent.status, "fail", `${offset} ${readBytes}`);
    }
  }
  assertEquals(host.openFiles, 0);
});

Deno.test("file_contains compares bytes", async () => {
  const host = new FakeHost();
  host.files.set("/binary", new Uint8Array([0xff, 0x00, 0xc3, 0xa9, 0xfe]));
  const check = { type: "file_contains", path: "/binary" };
  assertEquals((await probe(host, { ...check, check: "\u00e9" })).status, "pass");
  assertEquals((await probe(host, { ...check, check: "\0\u00e9" })).status, "pass");
  // Decoded as UTF-8 with replacement, the file would hold this one too.
  assertEquals((await probe(host, { ...check, check: "\ufffd" })).status, "fail");
});

Deno.test("file_contains reports why it cannot search a file", async () => {
  const host = new FakeHost();
  host.files.set("/dir", { kind: "directory" }).set("/fifo", { kind: "other" })
    .set("/secret", { kind: "denied" });
  const check = { type: "file_contains", check: "x" };
  assertEquals(await probe(host, { ...check, path: "/nope" }), {
    status: "fail",
    reason: "/nope does not exist",
  });
  for (
    const [path, message] of [
      ["/dir", "/dir is a directory; expected a regular file"],
      ["/fifo", "/fifo is a device, FIFO or socket; expected a regular file"],
      ["/secret", "permission denied"],
    ] as const
  ) {
    await assertRejects(() => probe(host, { ...check, path }), HostError, message);
  }
});

Deno.test("process_running passes if one process matches all given fields", async () => {
  const host = new FakeHost();
  host.running.push(
    { pid: 1, executable: "/usr/sbin/nginx", commandLine: "nginx: master process" },
    { pid: 2, executable: "/usr/bin/python3", commandLine: "python3 app.py --port 80" },
    { pid: 3, commandLine: "" },
  );
  const cases: readonly (readonly [Record<string, string>, Outcome["status"]])[] = [
    [{ path: "sbin/nginx" }, "pass"],
    [{ check: "app.py --port" }, "pass"],
    [{ path: "python3", check: "--port 80" }, "pass"],
    [{ path: "nginx", check: "--port 80" }, "fail"],
    [{ path: "/usr/sbin/apache" }, "fail"],
    [{ check: "apache" }, "fail"],
  ];
  for (const [fields, expected] of cases) {
    const outcome = await probe(host, { type: "process_running", ...fields });
    assertEquals(outcome.status, expected, JSON.stringify(fields));
  }
});

Deno.test("process_running is an error if a process that may match hides its executable", async () => {
  const host = new FakeHost();
  host.running.push({ pid: 7, commandLine: "nginx: master process" });
  const check = { type: "process_running", path: "/usr/sbin/nginx" };
  await assertRejects(
    () => probe(host, check),
    HostError,
    "only root can read the executable of pid 7",
  );
  const other = await probe(host, { ...check, path: "/usr/sbin/sshd" });
  assertEquals(other.status, "fail");
  host.running.push({ pid: 8, executable: "/usr/sbin/nginx", commandLine: "nginx" });
  assertEquals((await probe(host, check)).status, "pass");
});
