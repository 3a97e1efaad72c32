import { assertEquals } from "@std/assert";
import { reachable } from "./module_graph.ts";
import { exampleImports, stagesFor, suiteOf, testFiles } from "./suites.ts";

/** Who imports whom, in a small tree. */
const GRAPH = new Map(
  Object.entries({
    "lib/a.ts": ["lib/b.ts"],
    "lib/b.ts": ["lib/a.ts"],
    "lib/a_test.ts": ["lib/a.ts"],
    "lib/c_test.ts": ["lib/b.ts"],
    "lib/room/d.ts": ["lib/a.ts"],
    "lib/room/d_test.ts": ["lib/room/d.ts"],
    "lib/room/inner/e_test.ts": ["lib/room/d.ts"],
    "tests/golden_test.ts": ["lib/room/d.ts"],
    "tests/sim/f_test.ts": ["lib/a.ts"],
    "tests/sim/g_test.ts": ["lib/room/d.ts"],
    "tests/e2e/h_test.ts": ["lib/a.ts"],
  }).map(([path, imports]) => [path, new Set(imports)] as const),
);
const EXAMPLE = '/**\n * ```ts\n * import { d } from "./room/d.ts";\n * ```\n */\n';
const TESTS = testFiles([...GRAPH.keys()], {
  graph: GRAPH,
  read: (path) => path === "lib/b.ts" ? EXAMPLE : "",
});
const COSTS_MS: Readonly<Record<string, number>> = {
  "tests/sim/f_test.ts": 2_000,
  "tests/sim/g_test.ts": 1_000,
  "tests/golden_test.ts": 100,
  "lib/c_test.ts": 20,
};

function stages(source: string): [string, ...string[]][] {
  return stagesFor(source, { tests: TESTS, costMs: (path) => COSTS_MS[path] ?? 10 })
    .map(({ name, files }) => [name, ...files]);
}

Deno.test("what a module loads holds itself and ends at circles", () => {
  assertEquals([...reachable(GRAPH, ["lib/a.ts"])].sort(), ["lib/a.ts", "lib/b.ts"]);
  assertEquals([...reachable(GRAPH, ["lib/none.ts"])], ["lib/none.ts"]);
});

Deno.test("own test, room and unit tests come first, then the suites, the cheaper ones before", () => {
  assertEquals(stages("lib/a.ts"), [
    ["own test", "lib/a_test.ts"],
    ["room", "lib/b.ts", "lib/c_test.ts"],
    ["unit", "lib/room/d_test.ts", "lib/room/inner/e_test.ts"],
    ["golden", "tests/golden_test.ts"],
    ["sim", "tests/sim/g_test.ts", "tests/sim/f_test.ts"],
  ]);
});

Deno.test("only tests that load the source are run, also examples in comments", () => {
  assertEquals(stages("lib/room/d.ts"), [
    ["own test", "lib/room/d_test.ts"],
    ["room", "lib/room/inner/e_test.ts"],
    ["unit", "lib/b.ts"],
    ["golden", "tests/golden_test.ts"],
    ["sim", "tests/sim/g_test.ts"],
  ]);
  assertEquals(stages("lib/lonely.ts"), []);
});

Deno.test("tests that start real programs belong to no suite", () => {
  const suites = {
    "lib/a_test.ts": "unit",
    "scripts/lint/plugin_test.ts": "unit",
    "tests/architecture_test.ts": "unit",
    "tests/golden_test.ts": "golden",
    "tests/sim/day_test.ts": "sim",
    "tests/fuzz/cost_test.ts": "fuzz",
    "tests/e2e/a_test.ts": undefined,
    "tests/long/a_test.ts": undefined,
    "tests/endurance/a_test.ts": undefined,
    "tests/support/a_test.ts": undefined,
    "tests/sim/day.ts": undefined,
    "lib/a.ts": undefined,
  };
  for (const [path, suite] of Object.entries(suites)) assertEquals(suiteOf(path), suite, path);
});

Deno.test("an example's imports are found; an ignored example and other comments have none", () => {
  assertEquals(exampleImports("lib/b.ts", EXAMPLE), ["lib/room/d.ts"]);
  const ignored = EXAMPLE.replace("```ts", "```ts ignore");
  assertEquals(exampleImports("lib/b.ts", ignored), undefined);
  assertEquals(exampleImports("lib/b.ts", '// import { d } from "./room/d.ts"\n'), undefined);
});
