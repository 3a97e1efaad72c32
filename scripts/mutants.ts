/**
 * `deno task mutants`: mutation testing. Replaces one token of a source in `lib/`, runs the tests
 * that load this source, and reports whether one of them fails; again for each mutant drawn.
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { fromFileUrl, join } from "@std/path";
import { draw, findMutants, isMutated, type Mutant } from "./mutants/mutant.ts";
import { readModuleGraph } from "./mutants/module_graph.ts";
import { JSON_REPORT, type Report, TEXT_REPORT } from "./mutants/report.ts";
import { Sandbox } from "./mutants/sandbox.ts";
import { testFiles } from "./mutants/suites.ts";
import { Trials, type Verdict } from "./mutants/trial.ts";
import { print, printError } from "./print.ts";

const ROOT = fromFileUrl(new URL("..", import.meta.url)).replace(/\/$/, "");
const USAGE = `deno task mutants [options]

  --count N        how many mutants are drawn (200)
  --seed TEXT      another seed draws other mutants (1)
  --jobs N         how many are tried at a time (2)
  --only PREFIX    only sources whose path starts with this
  --at FILE:LINE   all mutants of one line
  --list           list the mutants and try none
  --jsonl          JSON lines in place of text`;

/** What was asked for. */
interface Options {
  readonly count: number;
  readonly seed: string;
  readonly jobs: number;
  readonly only: string;
  readonly at: { readonly file: string; readonly line: number } | undefined;
  readonly list: boolean;
  readonly report: Report;
}

/** A mistake on the command line. */
class UsageError extends Error {}

/** @throws {UsageError} for an option that there is not, or a value that it cannot have */
function parseOptions(args: string[]): Options {
  const given = parseArgs(args, {
    string: ["count", "seed", "jobs", "only", "at"],
    boolean: ["list", "jsonl"],
    unknown: (argument) => {
      throw new UsageError(`unknown argument ${argument}; see deno task mutants --help`);
    },
  });
  const atLeastOne = (name: string, normally: number) => {
    const number = Number(given[name] ?? normally);
    if (Number.isInteger(number) && number >= 1) return number;
    throw new UsageError(`--${name} is ${given[name]}; expected a whole number from 1`);
  };
  const at = given["at"] === undefined ? undefined : String(given["at"]).match(/^(.+):(\d+)$/);
  if (at === null) throw new UsageError(`--at is ${given["at"]}; expected FILE:LINE`);
  return {
    count: atLeastOne("count", 200),
    seed: String(given["seed"] ?? 1),
    jobs: atLeastOne("jobs", 2),
    only: String(given["only"] ?? ""),
    at: at === undefined ? undefined : { file: at[1] ?? "", line: Number(at[2]) },
    list: given["list"] === true,
    report: given["jsonl"] === true ? JSON_REPORT : TEXT_REPORT,
  };
}

/** The files of the tree as they are, without what git ignores or what starts with a dot. */
function* treeFiles(folder = ""): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(join(ROOT, folder))) {
    if (/^\.|^(dist|coverage|node_modules)$/.test(name)) continue;
    if (isDirectory) yield* treeFiles(`${folder}${name}/`);
    else yield `${folder}${name}`;
  }
}

async function chooseMutants(
  files: readonly string[],
  { count, seed, only, at }: Options,
): Promise<Mutant[]> {
  const prefix = at?.file ?? only;
  const sources = files.filter((path) => isMutated(path) && path.startsWith(prefix));
  if (sources.length === 0) throw new UsageError(`no source of lib/ starts with ${prefix}`);
  const mutants = await findMutants(ROOT, sources);
  if (at === undefined) return draw(mutants, { seed, count });
  const chosen = mutants.filter(({ file, line }) => file === at.file && line === at.line);
  if (chosen.length === 0) throw new UsageError(`${at.file}:${at.line} has no token to replace`);
  return chosen;
}

/** Tries the mutants in sandboxes below `folder`. */
async function tryAll(mutants: readonly Mutant[], { files, folder, interrupted, options }: {
  readonly files: readonly string[];
  readonly folder: string;
  readonly interrupted: AbortSignal;
  readonly options: Options;
}): Promise<void> {
  const { jobs, report } = options;
  const modules = files.filter((path) => /^(lib|scripts|tests)\/.*(?<!\.d)\.ts$/.test(path));
  const graph = await readModuleGraph(ROOT, { files: modules, entry: join(folder, "entry.ts") });
  const read = (path: string) => Deno.readTextFileSync(join(ROOT, path));
  const packages = await packagesFolder();
  const sandboxes: Sandbox[] = [];
  for (let job = 1; job <= jobs; job++) {
    const place = { root: ROOT, files, packages, interrupted };
    sandboxes.push(await Sandbox.create(join(folder, String(job)), place));
  }
  const trials = new Trials(sandboxes, testFiles(files, { graph, read }));
  const baselineMs = await trials.measure(new Set(mutants.map(({ file }) => file)));
  const seconds = (baselineMs / 1_000).toFixed(0);
  printError(`the tests pass without a mutation, in ${seconds} s of processor time`);
  const verdicts: Verdict[] = [];
  await trials.run(mutants, (verdict) => {
    verdicts.push(verdict);
    print(report.verdict(verdict));
  });
  print(report.end(verdicts));
}

async function packagesFolder(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json"],
    stdin: "null",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).npmCache;
}

async function run(options: Options, interrupted: AbortSignal): Promise<void> {
  const files = [...treeFiles()].sort();
  const mutants = await chooseMutants(files, options);
  if (options.list) {
    for (const mutant of mutants) print(options.report.listed(mutant));
    return;
  }
  const folder = await Deno.makeTempDir({ prefix: "mutants-" });
  try {
    await tryAll(mutants, { files, folder, interrupted, options });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** @returns the exit status: 0 also if mutants survived, 2 for a wrong option, 130 on Control-C */
async function main(): Promise<number> {
  if (Deno.args.includes("--help")) {
    print(USAGE);
    return 0;
  }
  const control = new AbortController();
  const interrupt = () => control.abort();
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, interrupt);
  try {
    await run(parseOptions(Deno.args), control.signal);
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    printError(`mutants: ${control.signal.aborted ? "interrupted" : error.message}`);
    if (control.signal.aborted) return 130;
    return error instanceof UsageError ? 2 : 1;
  } finally {
    for (const signal of signals) Deno.removeSignalListener(signal, interrupt);
  }
}

if (import.meta.main) Deno.exitCode = await main();
