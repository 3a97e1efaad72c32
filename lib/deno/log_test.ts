import { assertEquals, assertStringIncludes } from "@std/assert";
import type { LogFields, LogLevel } from "../runtime.ts";
import { type LogFormat, StderrLog } from "./log.ts";

/** A log whose clock the test sets. */
function logAt(options: { level?: LogLevel; format?: LogFormat } = {}) {
  const lines: string[] = [];
  const clock = { ms: 0, nowMs: () => clock.ms, wallMs: () => Date.UTC(2025, 0, 2) + clock.ms };
  const log = new StderrLog({
    level: options.level ?? "info",
    format: options.format ?? "text",
    write: (line) => lines.push(line),
    clock,
  });
  return { log, lines, clock };
}

const TEXT_CASES: readonly { name: string; message: string; fields: LogFields; line: string }[] = [
  { name: "no fields", message: "ready", fields: {}, line: "ready" },
  {
    name: "simple values are not quoted",
    message: "joined",
    fields: { member: "a-1.b", address: "[::1]:3505", count: 3, ok: true },
    line: "joined member=a-1.b address=[::1]:3505 count=3 ok=true",
  },
  {
    name: "other values are quoted",
    message: "joined",
    fields: { member: 'two "words"', empty: "" },
    line: 'joined member="two \\"words\\"" empty=""',
  },
  { name: "undefined fields are left out", message: "x", fields: { absent: undefined }, line: "x" },
  {
    name: "control and format characters are escaped",
    message: "name \u001b[31m\n\u202e",
    fields: { member: "a\u2028\u001b[0m" },
    line: 'name \\x1b[31m\\n\\u{202e} member="a\\u2028\\u001b[0m"',
  },
];

for (const { name, message, fields, line } of TEXT_CASES) {
  Deno.test(`text log: ${name}`, () => {
    const { log, lines } = logAt();
    log.write("info", "some_event", message, fields);
    assertEquals(lines, [`2025-01-02T00:00:00.000Z info  ${line}\n`]);
  });
}

Deno.test("json log: one object per line, with the keys of every event first; fields cannot override them", () => {
  const { log, lines } = logAt({ format: "json" });
  log.write("warn", "input_dropped", "dropped\n", { reason: "too_large", event: "forged" });
  assertEquals(lines, [
    '{"time":"2025-01-02T00:00:00.000Z","level":"warn","event":"input_dropped",' +
    '"message":"dropped\\n","reason":"too_large"}\n',
  ]);
});

Deno.test("json log: control characters are escaped, and a parser restores them", () => {
  const { log, lines } = logAt({ format: "json" });
  const fields = { member: "evil\u202egpj.exe" };
  log.write("info", "member_joined", "\u009b31m", fields);
  assertStringIncludes(lines[0] ?? "", '"message":"\\u009b31m","member":"evil\\u202egpj.exe"');
  const { message, member } = JSON.parse(lines[0] ?? "");
  assertEquals([message, member], ["\u009b31m", fields.member]);
});

Deno.test("events below the level are not written", () => {
  for (
    const [level, expected] of [["debug", 4], ["info", 3], ["warn", 2], ["error", 1]] as const
  ) {
    const { log, lines } = logAt({ level });
    for (const each of ["debug", "info", "warn", "error"] as const) log.write(each, each, "x");
    assertEquals(lines.length, expected);
  }
});

Deno.test("a flood of one event is limited and counted, and other events are still written", () => {
  const { log, lines, clock } = logAt();
  for (let i = 0; i < 1000; i++) log.write("warn", "input_dropped", `drop ${i}`);
  assertEquals(lines.length, 20);
  log.write("warn", "name_conflict", "two nodes");
  assertStringIncludes(lines.at(-1) ?? "", "two nodes");
  clock.ms = 10_000;
  log.write("warn", "input_dropped", "later");
  assertStringIncludes(lines.at(-2) ?? "", "980 more events");
  assertStringIncludes(lines.at(-1) ?? "", "later");
});

Deno.test("flush writes the counts once", () => {
  const { log, lines } = logAt();
  for (let i = 0; i < 25; i++) log.write("warn", "input_dropped", "drop");
  log.flush();
  log.flush();
  assertEquals(lines.length, 21);
  assertStringIncludes(lines.at(-1) ?? "", "5 more events");
});

Deno.test("a log that cannot be written does not throw", () => {
  const log = new StderrLog({
    level: "info",
    format: "text",
    write: () => {
      throw new Error("broken pipe");
    },
    clock: { nowMs: () => 0, wallMs: () => 0 },
  });
  log.write("error", "x", "y");
});
