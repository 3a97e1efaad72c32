/**
 * `deno task compile`: compiles both programs to executables in `dist/`, with their permission
 * sets.
 * @module
 */
import { createHash } from "node:crypto";
import { engineFlags } from "./engine_flags.ts";
import { print, printError } from "./print.ts";

/** The executables; each name is also that of a permission set in deno.json. */
const PROGRAMS = [
  { name: "gossipcheckd", main: "main.ts" },
  { name: "gcheck", main: "cli.ts" },
] as const;

interface Finished {
  readonly ok: boolean;
  readonly output: string;
}

async function run(program: string, args: readonly string[]): Promise<Finished> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { ok: success, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

/**
 * Explains a failed compilation in one line if the cause is known, else with the output of the
 * compiler.
 */
function explain(name: string, output: string): string {
  const needed = `the runtime denort of exactly Deno ${Deno.version.deno}`;
  if (
    /error sending request|Download .*denort[^\n]*\n[^\n]*error|Failed to download/.test(output)
  ) {
    return `dist/${name}: ${needed} cannot be downloaded from here; set DENORT_BIN to a copy of it`;
  }
  if (/Could not find denort/.test(output)) {
    return `dist/${name}: the file in DENORT_BIN does not exist; set it to ${needed}`;
  }
  return `dist/${name}: deno compile failed:\n${output}`;
}

async function build(program: typeof PROGRAMS[number]): Promise<string | undefined> {
  const path = `dist/${program.name}`;
  const compiled = await run(Deno.execPath(), [
    "compile",
    "--quiet",
    ...engineFlags(program.name),
    `--permission-set=${program.name}`,
    `--output=${path}`,
    program.main,
  ]);
  if (!compiled.ok) return explain(program.name, compiled.output);
  // With a denort of another version the compiler creates a file that does not start.
  const started = await run(`./${path}`, ["-help"]);
  if (!started.ok) {
    await Deno.remove(path);
    return `${path}: it does not start; DENORT_BIN must name denort of exactly Deno ${Deno.version.deno}`;
  }
  return undefined;
}

async function checksum(path: string): Promise<string> {
  return createHash("sha256").update(await Deno.readFile(path)).digest("hex");
}

async function compile(): Promise<string | undefined> {
  await Deno.mkdir("dist", { recursive: true });
  let sums = "";
  for (const program of PROGRAMS) {
    const problem = await build(program);
    if (problem !== undefined) return problem;
    sums += `${await checksum(`dist/${program.name}`)}  ${program.name}\n`;
  }
  await Deno.writeTextFile("dist/SHA256SUMS", sums);
  return undefined;
}

if (import.meta.main) {
  const problem = await compile();
  if (problem === undefined) {
    print("dist/gossipcheckd\ndist/gcheck\ndist/SHA256SUMS");
  } else {
    printError(`compile: ${problem}`);
    Deno.exit(1);
  }
}
