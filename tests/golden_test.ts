/**
 * What each output format makes of each case, compared with `tests/golden/CASE.STATUS.FORMAT`.
 * `deno task golden` writes the files anew: read the difference.
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { OUTPUTS } from "../lib/cli/outputs/registry.ts";
import { OUTPUT_CASES, type OutputCase } from "./support/output_cases.ts";

const FOLDER = new URL("golden/", import.meta.url);
const UPDATE = Deno.args.includes("--update");

/** The file names of a case, by format; those with colours are the text format's alone. */
function outputs(name: string, { events, exitStatus }: OutputCase): Map<string, string> {
  const files = new Map<string, string>();
  for (const format of OUTPUTS) {
    const show = (color: boolean) => events.map((event) => format.write(event, { color })).join("");
    files.set(`${name}.${exitStatus}.${format.name}`, show(false));
    if (show(true) !== show(false)) {
      files.set(`${name}.${exitStatus}.${format.name}-color`, show(true));
    }
  }
  return files;
}

/** The 5,000 nodes are there for what people see; their JSON is megabytes of the same. */
function isKept(file: string): boolean {
  return !/^fleet\..*\.jsonl?$/.test(file);
}

const EXPECTED = new Map(
  Object.entries(OUTPUT_CASES).flatMap(([name, one]) => [...outputs(name, one)])
    .filter(([file]) => isKept(file)),
);

Deno.test("every golden file belongs to a case and a format, and every format has one of each", () => {
  if (UPDATE) {
    for (const { name } of Deno.readDirSync(FOLDER)) Deno.removeSync(new URL(name, FOLDER));
    for (const [file, text] of EXPECTED) Deno.writeTextFileSync(new URL(file, FOLDER), text);
  }
  const found = Array.from(Deno.readDirSync(FOLDER), ({ name }) => name).sort();
  assertEquals(found, [...EXPECTED.keys()].sort());
});

for (const [file, actual] of EXPECTED) {
  Deno.test(`golden ${file}`, () => {
    assertEquals(actual, Deno.readTextFileSync(new URL(file, FOLDER)));
  });
}

Deno.test("what comes from nodes reaches no terminal raw, in any format", () => {
  for (const [file, text] of EXPECTED) {
    if (file.endsWith("-color")) continue;
    // deno-lint-ignore no-control-regex -- control characters are what it looks for
    assertEquals(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]/.exec(text), null, file);
  }
});

Deno.test("JSON parses, and lines are one object each", () => {
  for (const [file, text] of EXPECTED) {
    if (file.endsWith(".json")) assertEquals(typeof JSON.parse(text), "object", file);
    if (!file.endsWith(".jsonl")) continue;
    for (const line of text.split("\n").slice(0, -1)) {
      assertEquals(typeof JSON.parse(line), "object", file);
    }
    assert(text === "" || text.endsWith("\n"), file);
  }
});

Deno.test("5,000 nodes fit a screen or two", () => {
  const lines = EXPECTED.get("fleet.3.text")?.split("\n") ?? [];
  assert(lines.length > 10 && lines.length < 50, `${lines.length} lines`);
});
