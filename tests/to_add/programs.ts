/**
 * Fake additions to what the two programs offer: checks, outputs, flags, commands.
 * @module
 */
import type { Addition } from "./addition.ts";

const CHECK_TYPE: Addition = {
  row: "a check type",
  edits: [
    {
      file: "lib/checks/types/fake_type.ts",
      add: `/** \`fake_type\`: passes if a word is the right one. @module */
import type { CheckType } from "../check_type.ts";

/** The definition of \`fake_type\`. */
export const FAKE_TYPE: CheckType = {
  name: "fake_type",
  summary: "Passes if the word is fake.",
  fields: [{ name: "word", kind: "text", required: true, summary: "The word to look at." }],
  example: { word: "fake" },
  probe({ word }) {
    return Promise.resolve(
      word === "fake" ? { status: "pass" } : { status: "fail", reason: "not fake" },
    );
  },
};
`,
    },
    {
      file: "lib/checks/registry.ts",
      after: 'import type { CheckType } from "./check_type.ts";\n',
      add: 'import { FAKE_TYPE } from "./types/fake_type.ts";\n',
    },
    {
      file: "lib/checks/registry.ts",
      after: "  PROCESS_RUNNING,\n",
      add: "  FAKE_TYPE,\n",
    },
    {
      file: "lib/checks/parse_test.ts",
      after: "is missing; expected one of file_exists, file_contains, process_running",
      add: ", fake_type",
    },
  ],
  tasks: ["docs"],
  tests: ["lib/checks/parse_test.ts", "tests/architecture_test.ts"],
  proof: `
    const { parseCheckFile } = await import("../lib/checks/parse.ts");
    const { checkType } = await import("../lib/checks/registry.ts");
    const { FakeHost } = await import("./support/fake_host.ts");
    const parse = (check: unknown) =>
      parseCheckFile(new TextEncoder().encode(JSON.stringify({ a: check })));
    const [check] = parse({ type: "fake_type", word: "fake" });
    assertEquals([check?.type, check?.fields], ["fake_type", { word: "fake" }]);
    assertThrows(() => parse({ type: "fake_type" }), Error, "1 problem");
    const context = { host: new FakeHost(), signal: new AbortController().signal };
    assertEquals(await checkType("fake_type")?.probe({ word: "fake" }, context), { status: "pass" });
    const readme = await Deno.readTextFile("README.md");
    assertStringIncludes(readme, "### fake_type\\n\\nPasses if the word is fake.");
    assertStringIncludes(readme, "| \`word\` | text | yes | The word to look at. |");`,
};

const OUTPUT_FORMAT: Addition = {
  row: "an output format",
  edits: [
    {
      file: "lib/cli/outputs/fake_output.ts",
      add: `/** \`-output fake\`: the names of events. @module */
import type { OutputFormat } from "../output_format.ts";

/** One word for each event. */
export const FAKE_OUTPUT: OutputFormat = {
  name: "fake",
  summary: "one word for each event",
  write: ({ type }) => \`\${type}\\n\`,
};
`,
    },
    {
      file: "lib/cli/outputs/registry.ts",
      after: 'import { JSON_OUTPUT } from "./json.ts";\n',
      add: 'import { FAKE_OUTPUT } from "./fake_output.ts";\n',
    },
    {
      file: "lib/cli/outputs/registry.ts",
      after: "readonly OutputFormat[] = [TEXT_OUTPUT, JSON_OUTPUT, JSONL_OUTPUT",
      add: ", FAKE_OUTPUT",
    },
  ],
  tasks: ["golden", "docs"],
  tests: ["tests/golden_test.ts", "tests/architecture_test.ts"],
  proof: `
    const { parseClientArguments } = await import("../lib/cli/client_settings.ts");
    const { outputNamed } = await import("../lib/cli/outputs/registry.ts");
    const settings = parseClientArguments(["list-members", "-output", "fake"]);
    const output = "output" in settings ? settings.output : "";
    const members = { type: "members", members: [] } as const;
    assertEquals(outputNamed(output).write(members, { color: false }), "members\\n");
    assertStringIncludes(await Deno.readTextFile("README.md"), "fake (one word for each event)");`,
};

const FLAG_ENTRY = `
    value: integerBetween({ least: 0, most: 9 }),
    default: "3",
    meaning: "How often a fake is made.",
`;

const FLAG: Addition = {
  row: "a flag",
  edits: [
    {
      file: "lib/cli/daemon_flags.ts",
      after: "export const DAEMON_FLAGS = {\n",
      add: `  "fake-times": {\n    field: "fakeTimes",${FLAG_ENTRY}  },\n`,
    },
    {
      file: "lib/cli/client_flags.ts",
      after: "export const CLIENT_FLAGS = {\n",
      add:
        `  "fake-times": {\n    field: "fakeTimes",${FLAG_ENTRY}    commands: ["results"],\n  },\n`,
    },
    {
      file: "lib/cli/daemon_settings_test.ts",
      after: "  const cases: [string[], Partial<DaemonSettings>][] = [\n",
      add: '    [["-fake-times", "7"], { fakeTimes: 7 }],\n',
    },
    {
      file: "lib/cli/client_settings_test.ts",
      after: "const GOOD: readonly [string[], Partial<ClientSettings>][] = [\n",
      add: '  [["results", "-fake-times", "7"], { command: "results", fakeTimes: 7 }],\n',
    },
  ],
  forced: [
    {
      file: "lib/cli/daemon_settings_test.ts",
      after: "const DAEMON_DEFAULTS: DaemonSettings = {\n",
      add: "  fakeTimes: 3,\n",
    },
    {
      file: "lib/cli/client_settings_test.ts",
      after: "const CLIENT_DEFAULTS: ClientSettings = {\n",
      add: "  fakeTimes: 3,\n",
    },
  ],
  tasks: ["docs"],
  tests: [
    "lib/cli/daemon_settings_test.ts",
    "lib/cli/client_settings_test.ts",
    "lib/cli/flags_test.ts",
    "lib/cli/help_test.ts",
    "tests/architecture_test.ts",
  ],
  proof: `
    const daemon = await import("../lib/cli/daemon_settings.ts");
    const client = await import("../lib/cli/client_settings.ts");
    const ofDaemon = daemon.parseDaemonArguments(["-fake-times", "7"]);
    const ofClient = client.parseClientArguments(["results", "-fake-times=7"]);
    assertEquals("fakeTimes" in ofDaemon && ofDaemon.fakeTimes, 7);
    assertEquals("fakeTimes" in ofClient && ofClient.fakeTimes, 7);
    for (const help of [daemon.daemonHelp(), client.clientHelp("results")]) {
      assertStringIncludes(help, "-fake-times N");
    }
    const readme = await Deno.readTextFile("README.md");
    assertEquals(readme.split("| \`-fake-times N\`").length, 3);`,
};

const COMMAND: Addition = {
  row: "a command of gcheck",
  edits: [
    {
      file: "lib/cli/command_table.ts",
      after: "export type CommandName =\n",
      add: '  | "fake"\n',
    },
    {
      file: "lib/cli/commands/fake.ts",
      add: `/** \`fake\`: does nothing. @module */
import { EXIT_STATUS } from "../../errors.ts";
import type { CommandContext } from "./context.ts";

/** Prints that it did nothing. Gives the exit status. */
export function fake(context: CommandContext): Promise<number> {
  context.print("nothing\\n");
  return Promise.resolve(EXIT_STATUS.ok);
}
`,
    },
    {
      file: "lib/cli/commands/run.ts",
      after: 'import type { WorkingCommand } from "../command_table.ts";\n',
      add: 'import { fake } from "./fake.ts";\n',
    },
    {
      file: "lib/cli/client_flags.ts",
      after: '    commands: [...ASK_DAEMON, "local-check", "keygen", "validate"',
      add: ', "fake"',
    },
  ],
  forced: [
    {
      file: "lib/cli/command_table.ts",
      after: '  version: { summary: "show the version", details: "The same as -version." },\n',
      add: '  fake: { summary: "do nothing", details: "Exit status: 0." },\n',
    },
    {
      file: "lib/cli/commands/run.ts",
      after: "(context: CommandContext) => Promise<number>>> = {\n",
      add: "  fake,\n",
    },
  ],
  tasks: ["docs"],
  tests: ["lib/cli/client_settings_test.ts", "lib/cli/help_test.ts", "tests/architecture_test.ts"],
  proof: `
    const output = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", "--cached-only", "-P=gcheck", "cli.ts", "fake"],
    }).output();
    assertEquals([output.code, new TextDecoder().decode(output.stdout)], [0, "nothing\\n"]);
    assertStringIncludes(await Deno.readTextFile("README.md"), "do nothing");`,
};

/** The fake additions to what the two programs offer. */
export const PROGRAM_ADDITIONS: readonly Addition[] = [CHECK_TYPE, OUTPUT_FORMAT, FLAG, COMMAND];
