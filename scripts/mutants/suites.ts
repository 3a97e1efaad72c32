/**
 * Which tests try a mutant, and in which order: those that load the mutated source, cheapest first.
 * @module
 */
import { dirname, join } from "@std/path";
import { type ModuleGraph, reachable } from "./module_graph.ts";

/** A file whose tests run in one process, without starting other programs. */
export interface TestFile {
  /** As a path from the root of the tree; a source of `lib/` if its tests are its examples. */
  readonly path: string;
  /** `unit`, or the name that it has in `tests/`: `golden`, `sim`, `fuzz`. */
  readonly suite: string;
  /** The sources of the tree that it loads. */
  readonly loads: ReadonlySet<string>;
}

/** Test files that run together, against one mutant. */
export interface Stage {
  /** `own test`, `room`, or a suite. */
  readonly name: string;
  /** In the order in which they run. */
  readonly files: readonly string[];
}

/** Tests that start real programs: they take too long to be repeated for each mutant. */
const REAL_PROCESSES = /^tests\/(e2e|long|endurance|support)\//;

/** The suite of a test file, or undefined for any other file and for tests with real processes. */
export function suiteOf(path: string): string | undefined {
  if (!path.endsWith("_test.ts") || REAL_PROCESSES.test(path)) return undefined;
  if (/^(lib|scripts)\/|^tests\/architecture_test\.ts$/.test(path)) return "unit";
  return path.match(/^tests\/([^/]+?)(_test\.ts|\/)/)?.[1];
}

/** What the examples in the comments of a source import, or undefined if none of them is run. */
export function exampleImports(path: string, text: string): string[] | undefined {
  if (!/^\s*\* ```ts$/m.test(text)) return undefined;
  return [...text.matchAll(/^\s*\* .*\bfrom "(\.[^"]+)"/gm)]
    .map((match) => join(dirname(path), match[1] ?? ""));
}

/** All test files of a tree. */
export function testFiles(
  files: readonly string[],
  { graph, read }: { graph: ModuleGraph; read: (path: string) => string },
): TestFile[] {
  const found: TestFile[] = [];
  for (const path of files) {
    const suite = suiteOf(path);
    if (suite !== undefined) found.push({ path, suite, loads: reachable(graph, [path]) });
    if (!/^lib\/.*\.ts$/.test(path)) continue;
    const imports = exampleImports(path, read(path));
    if (imports === undefined) continue;
    found.push({ path, suite: "unit", loads: reachable(graph, [path, ...imports]) });
  }
  return found;
}

/**
 * The stages for a mutant of `source`: its own test, the unit tests of its room, all other unit
 * tests, and then the other suites, the cheaper ones first. No test file comes twice.
 */
export function stagesFor(
  source: string,
  { tests, costMs }: {
    tests: readonly TestFile[];
    /** The processor time that a test file takes by itself. */
    costMs: (path: string) => number;
  },
): Stage[] {
  const loading = tests.filter(({ loads }) => loads.has(source))
    .toSorted((a, b) => costMs(a.path) - costMs(b.path));
  const own = source.replace(/\.ts$/, "_test.ts");
  const stageOf = ({ path, suite }: TestFile) => {
    if (path === own || path === source) return "own test";
    return suite === "unit" && roomOf(path) === roomOf(source) ? "room" : suite;
  };
  const stages = [...Map.groupBy(loading, stageOf)]
    .map(([name, files]) => ({ name, files: files.map(({ path }) => path) }));
  const total = ({ files }: Stage) => files.reduce((sum, path) => sum + costMs(path), 0);
  return stages.toSorted((a, b) => order(a) - order(b) || total(a) - total(b));
}

/** Each folder of `lib/` is a room, and so are the files of `lib/` itself. */
function roomOf(path: string): string {
  return path.match(/^lib\/[^/]+\//)?.[0] ?? dirname(path);
}

function order({ name }: Stage): number {
  const first = ["own test", "room", "unit"].indexOf(name);
  return first === -1 ? 3 : first;
}
