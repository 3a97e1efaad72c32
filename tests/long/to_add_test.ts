/**
 * The rows of ARCHITECTURE.md's table "To add …", each proved by a fake addition. All of them are
 * made in one copy of the project: an addition touches the files that its row names and no other,
 * without its forced steps it does not compile, and with them it works.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, globToRegExp, relative } from "@std/path";
import { type AdditionRow, additionRows } from "../support/architecture_tables.ts";
import { type CommandResult, runCommand } from "../support/process.ts";
import { TestBuild } from "../support/test_build.ts";
import type { Addition, Edit } from "../to_add/addition.ts";
import { PROGRAM_ADDITIONS } from "../to_add/programs.ts";
import { PROJECT_ADDITIONS } from "../to_add/project.ts";
import { PROTOCOL_ADDITIONS } from "../to_add/protocols.ts";

const ADDITIONS: readonly Addition[] = [
  ...PROGRAM_ADDITIONS,
  ...PROTOCOL_ADDITIONS,
  ...PROJECT_ADDITIONS,
];
const ROWS: readonly AdditionRow[] = additionRows();

/** What the tasks write. */
const WRITTEN = { docs: "README.md", golden: "tests/golden/*" } as const;

/** The file of the copy that holds the proofs. */
const PROOFS = "tests/to_add_proofs_test.ts";
const TIMEOUT_MS = 600_000;

function editsOf({ edits, forced = [] }: Addition): readonly Edit[] {
  return [...edits, ...forced];
}

function matches(path: string, file: string): boolean {
  return path === file || globToRegExp(path).test(file);
}

Deno.test("each row has one fake addition, and each fake addition has its row", () => {
  assertEquals(ADDITIONS.map(({ row }) => row).sort(), ROWS.map(({ what }) => what).sort());
});

for (const { what, paths, forced } of ROWS) {
  Deno.test(`the row "${what}" names what the fake addition touches, and nothing else`, () => {
    const addition = ADDITIONS.find(({ row }) => row === what);
    assert(addition !== undefined, `"${what}" has no fake addition`);
    const written = (addition.tasks ?? []).map((task) => WRITTEN[task]);
    const touched = [...editsOf(addition).map(({ file }) => file), ...written];
    assertEquals(
      touched.filter((file) => !paths.some((path) => matches(path, file))),
      [],
      "touched but not named",
    );
    assertEquals(
      paths.filter((path) => !touched.some((file) => matches(path, file))),
      [],
      "named but not touched",
    );
    const forcedFiles = new Set(addition.forced?.map(({ file }) => file));
    assertEquals([...forcedFiles].sort(), forced.toSorted(), "does not compile without");
  });
}

/** What is copied: all that is compiled, and what tests read. */
const SOURCES = [
  ...["lib", "scripts", "tests", "main.ts", "cli.ts", "deno.json", "deno.lock"],
  ...["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md"],
];

Deno.test("no fake addition compiles without its forced steps, and all work with them", async (t) => {
  using copy = new Copy();
  await copy.linkPackages();
  const steps: Readonly<Record<string, () => Promise<void>>> = {
    "a forced step that is forgotten is an error in its file": () => checkForgotten(copy),
    "with all steps everything compiles": () => checkComplete(copy),
    "the tasks write what the rows name, and nothing else": () => runTasks(copy),
    "the additions work, and the project's own tests pass": () => runTests(copy),
  };
  for (const [name, step] of Object.entries(steps)) if (!await t.step(name, step)) return;
});

/** A copy of the project, and a cache of its own for what is compiled there, without a network. */
class Copy extends TestBuild {
  readonly #cache = Deno.makeTempDirSync({ prefix: "gossipcheck-cache-" });

  constructor() {
    super([], SOURCES);
  }

  /** Lets the cache have the packages of the one that this test uses. */
  async linkPackages(): Promise<void> {
    const { stdout } = await runCommand({ program: Deno.execPath(), args: ["info", "--json"] });
    await Deno.symlink(JSON.parse(stdout).npmCache, `${this.#cache}/npm`);
  }

  /** Runs Deno in the copy's folder. */
  run(args: readonly string[]): Promise<CommandResult> {
    return runCommand({
      program: Deno.execPath(),
      args,
      directory: this.directory,
      environment: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", DENO_DIR: this.#cache },
    }, { timeoutMs: TIMEOUT_MS });
  }

  override [Symbol.dispose](): void {
    super[Symbol.dispose]();
    Deno.removeSync(this.#cache, { recursive: true });
  }
}

async function checkForgotten(copy: Copy): Promise<void> {
  for (const { edits } of ADDITIONS) apply(copy, edits);
  const { stderr } = await copy.run(["check", "--frozen"]);
  const forced = new Set(
    ADDITIONS.flatMap((addition) => addition.forced ?? []).map(({ file }) => file),
  );
  const errors = stderr.split(/^(?=TS\d+ \[ERROR\])/m).slice(1)
    .map((error) => ({ error, file: fileOf(error, copy.directory) }));
  const others = errors.filter(({ file }) => !forced.has(file)).map(({ error }) => error);
  assertEquals(others, [], "errors where no step is left out");
  assertEquals([...new Set(errors.map(({ file }) => file))].sort(), [...forced].sort());
}

/** The file of an error of the compiler: the first place below it; others have to do with it. */
function fileOf(error: string, directory: string): string {
  const url = /^ +at (file:.+):\d+:\d+$/m.exec(error)?.[1];
  return url === undefined ? "" : relative(directory, fromFileUrl(url));
}

async function checkComplete(copy: Copy): Promise<void> {
  for (const { forced = [] } of ADDITIONS) apply(copy, forced);
  copy.create(PROOFS, proofs());
  const { code, stderr } = await copy.run(["check", "--frozen"]);
  assertEquals(code, 0, stderr.replaceAll(/^Check .*\n/gm, ""));
}

async function runTasks(copy: Copy): Promise<void> {
  const before = copy.files();
  const tasks = [...new Set(ADDITIONS.flatMap((addition) => addition.tasks ?? []))];
  for (const task of tasks) {
    const { code, stdout, stderr } = await copy.run(["task", "--quiet", task]);
    assertEquals(code, 0, stdout + stderr);
  }
  const changed = [...copy.files()].filter(([file, text]) => before.get(file) !== text)
    .map(([file]) => file);
  for (const task of tasks) {
    assert(changed.some((file) => matches(WRITTEN[task], file)), `${task} wrote nothing`);
  }
  const others = changed.filter((file) => !tasks.some((task) => matches(WRITTEN[task], file)));
  assertEquals(others, []);
}

async function runTests(copy: Copy): Promise<void> {
  const tests = new Set(ADDITIONS.flatMap((addition) => addition.tests));
  const { code, stdout, stderr } = await copy.run([
    ...["test", "--no-check", "--cached-only", "--allow-all", "--quiet"],
    ...[...tests, PROOFS],
  ]);
  assertEquals(code, 0, stdout + stderr);
  for (const { row } of ADDITIONS) assertStringIncludes(stdout, `${row} ... ok`);
}

function apply(copy: Copy, edits: readonly Edit[]): void {
  for (const { file, after, add } of edits) {
    if (after === undefined) copy.create(file, add);
    else copy.change({ file, find: after, replace: after + add });
  }
}

/** The proofs as one file, a test for each addition. */
function proofs(): string {
  const tests = ADDITIONS.map(({ row, proof }) =>
    `Deno.test(${JSON.stringify(row)}, async () => {${proof}\n});\n`
  );
  const asserts = "assertEquals, assertStringIncludes, assertThrows";
  return `import { ${asserts} } from "@std/assert";\n\n${tests.join("\n")}`;
}
