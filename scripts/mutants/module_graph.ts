/**
 * Which modules a test loads, by Deno's own module graph: a mutant in another module cannot change
 * what the test does.
 * @module
 */
import { dirname, fromFileUrl, join, relative } from "@std/path";

/** Each module's own imports, as paths from the root of the tree. */
export type ModuleGraph = ReadonlyMap<string, ReadonlySet<string>>;

interface InfoOutput {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly { readonly code?: { readonly specifier?: string } }[];
  }[];
}

/** The graph of the tree at `root`; `files` are in it whether something imports them or not. */
export async function readModuleGraph(
  root: string,
  { files, entry }: { files: readonly string[]; /** A file to write. */ entry: string },
): Promise<ModuleGraph> {
  const imports = files.map((file) => `import ${JSON.stringify(`file://${root}/${file}`)};`);
  await Deno.writeTextFile(entry, imports.join("\n"));
  const config = `--config=${root}/deno.json`;
  // Also puts all packages into the cache: a sandbox has no network.
  await denoOutput(["cache", "--quiet", "--no-check", config, entry]);
  const info: InfoOutput = JSON.parse(await denoOutput(["info", "--json", config, entry]));
  const graph = new Map<string, Set<string>>();
  for (const { specifier, dependencies } of info.modules) {
    if (!specifier.startsWith("file:")) continue;
    const path = fromFileUrl(specifier);
    const imported = new Set(startedWorkers(path));
    for (const { code } of dependencies ?? []) {
      if (code?.specifier?.startsWith("file:")) imported.add(fromFileUrl(code.specifier));
    }
    graph.set(relative(root, path), new Set([...imported].map((one) => relative(root, one))));
  }
  return graph;
}

async function denoOutput(args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`deno ${args[0]} failed: ${decoder.decode(stderr).split("\n")[0]}`);
  return decoder.decode(stdout);
}

/** Workers are started by their address, which is no import. */
function startedWorkers(path: string): string[] {
  if (!path.endsWith(".ts")) return [];
  const text = Deno.readTextFileSync(path);
  return [...text.matchAll(/new URL\("(\.[^"]+\.ts)", import\.meta\.url\)/g)]
    .map((match) => join(dirname(path), match[1] ?? ""));
}

/** All that the given modules load, themselves included. */
export function reachable(graph: ModuleGraph, starts: readonly string[]): Set<string> {
  const found = new Set(starts);
  for (const path of found) {
    for (const imported of graph.get(path) ?? []) found.add(imported);
  }
  return found;
}
