import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { VERSION } from "../version.ts";
import { CLIENT_FLAGS } from "./client_flags.ts";
import { parseClientArguments } from "./client_settings.ts";
import { COMMANDS } from "./command_table.ts";
import { DAEMON_FLAGS } from "./daemon_flags.ts";
import { parseDaemonArguments } from "./daemon_settings.ts";
import { commandTableMarkdown, flagTableMarkdown } from "./help.ts";

Deno.test("every usual spelling of the help and version flags works", () => {
  for (const args of [["-h"], ["-help"], ["--help"], ["-bind", ":1", "-h"]]) {
    const asked = parseDaemonArguments(args);
    assert("help" in asked);
    for (const name of Object.keys(DAEMON_FLAGS)) {
      assertStringIncludes(asked.help, `  -${name}`);
    }
    assert(asked.help.split("\n").every((line) => line.length <= 80), "wider than 80 columns");
  }
  for (const args of [["-h"], ["help"], ["--help"]]) {
    const asked = parseClientArguments(args);
    assert("help" in asked);
    for (const name of Object.keys(CLIENT_FLAGS)) {
      assertStringIncludes(asked.help, `  -${name}`);
    }
    assertStringIncludes(asked.help, "\n  list-members ");
  }
  for (const args of [["help", "results"], ["results", "-h"], ["-help", "results"]]) {
    const asked = parseClientArguments(args);
    assert("help" in asked);
    assertStringIncludes(asked.help, "Usage: gcheck [flags] results [ID]");
  }
  for (const args of [["version"], ["-version"], ["--version"]]) {
    assertEquals(parseClientArguments(args), { help: `gcheck ${VERSION}\n` });
  }
  assertEquals(parseDaemonArguments(["-version"]), { help: `gossipcheckd ${VERSION}\n` });
  assertEquals(parseDaemonArguments(["-h=false"]), parseDaemonArguments([]));
});

Deno.test("the reference has a row for every flag and command", () => {
  for (const flags of [DAEMON_FLAGS, CLIENT_FLAGS]) {
    const rows = flagTableMarkdown(flags).trimEnd().split("\n");
    assertEquals(rows.length, Object.keys(flags).length + 2);
    assertEquals(new Set(rows.map((row) => row.length)).size, 1, "columns are not aligned");
    for (const name of Object.keys(flags)) {
      assert(rows.some((row) => row.startsWith(`| \`-${name}`)), name);
    }
  }
  assertStringIncludes(commandTableMarkdown(COMMANDS), "| `results [ID]` ");
});

Deno.test("the version is that of deno.json", () => {
  const url = new URL("../../deno.json", import.meta.url);
  assertEquals(VERSION, JSON.parse(Deno.readTextFileSync(url)).version);
});
