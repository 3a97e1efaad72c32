import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { type Equivalent, equivalentOf, EQUIVALENTS, isMeant } from "./equivalents.ts";
import { type Mutant, mutantsOf } from "./mutant.ts";
import { plugin } from "./plugin.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

/** Entries for a line or a mutation that the source does not have. */
function withoutMutant(
  entries: readonly Equivalent[],
  read: (file: string) => string | undefined,
): Equivalent[] {
  const mutants = new Map<string, Mutant[]>();
  for (const { file } of entries) {
    const text = read(file) ?? "";
    const mutations = Deno.lint.runPlugin(plugin, file, text)
      .map(({ message }) => JSON.parse(message));
    mutants.set(file, mutantsOf(file, { text, mutations }));
  }
  return entries.filter((entry) =>
    !mutants.get(entry.file)?.some((mutant) => isMeant(entry, mutant))
  );
}

function readSource(file: string): string | undefined {
  try {
    return Deno.readTextFileSync(ROOT + file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

const ENTRY: Equivalent = {
  file: "lib/a.ts",
  line: "if (a < b && c < d) {",
  mutation: "< -> <=",
  reason: "for the test",
};

Deno.test("each entry of equivalents.json means a mutant that is there, and gives its reason", () => {
  assertEquals(withoutMutant(EQUIVALENTS, readSource), [], "change or remove these entries");
  for (const { line, reason } of EQUIVALENTS) assert(reason.length > 10, `${line}: no reason`);
});

Deno.test("an entry is stale once its line, its token or its file is another", () => {
  const stale = (entry: Partial<Equivalent>, text?: string) =>
    withoutMutant([{ ...ENTRY, ...entry }], () => text).length === 1;
  const text = "if (b) {\n  if (a < b && c < d) {\n  }\n}\n";
  assert(!stale({}, text));
  assert(!stale({ nth: 2 }, text));
  assert(stale({ nth: 3 }, text));
  assert(stale({ mutation: "> -> >=" }, text));
  assert(stale({}, text.replace("b && c", "c && b")));
  assert(stale({}, undefined));
});

Deno.test("an entry means one mutation of its line", () => {
  const text = `  ${ENTRY.line}\n}\n`;
  const mutations = Deno.lint.runPlugin(plugin, ENTRY.file, text)
    .map(({ message }) => JSON.parse(message));
  const mutants = mutantsOf(ENTRY.file, { text, mutations });
  const meant = (entry: Equivalent) => mutants.map((one) => equivalentOf(one, [entry]) === entry);
  assertEquals(meant(ENTRY), [true, false, false]);
  assertEquals(meant({ ...ENTRY, nth: 2 }), [false, false, true]);
  assertEquals(meant({ ...ENTRY, file: "lib/b.ts" }), [false, false, false]);
});
