/**
 * Mutants: sources of `lib/` with one token replaced.
 * @module
 */
import { createHash } from "node:crypto";
import { fromFileUrl, relative } from "@std/path";
import type { Mutation } from "./mutations.ts";

/** A mutation and where it is. */
export interface Mutant extends Mutation {
  /** The source, as a path from the root of the tree. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** The line as it is, without the space around it. */
  readonly source: string;
  /** Which of the same mutations of this line it is, from 1. */
  readonly nth: number;
}

/** The mutation in words: `< -> <=`, or `! removed`. */
export function describeMutation({ before, after }: Mutation): string {
  return after === "" ? `${before} removed` : `${before} -> ${after}`;
}

/** The mutants of one source, in the order of their tokens. */
export function mutantsOf(
  file: string,
  { text, mutations }: { text: string; mutations: readonly Mutation[] },
): Mutant[] {
  const mutants: Mutant[] = [];
  for (const mutation of mutations.toSorted((a, b) => a.offset - b.offset)) {
    const start = text.lastIndexOf("\n", mutation.offset - 1) + 1;
    const line = text.slice(0, start).split("\n").length;
    const same = mutants.filter((other) =>
      other.line === line && describeMutation(other) === describeMutation(mutation)
    );
    mutants.push({
      ...mutation,
      file,
      line,
      column: mutation.offset - start + 1,
      source: (text.slice(start).split("\n", 1)[0] ?? "").trim(),
      nth: same.length + 1,
    });
  }
  return mutants;
}

/** The source with the mutation in it. */
export function mutate(text: string, { offset, before, after }: Mutation): string {
  return text.slice(0, offset) + after + text.slice(offset + before.length);
}

/** Whether a file of the tree is product code that can have mutants. */
export function isMutated(path: string): boolean {
  return /^lib\/.+\.ts$/.test(path) && !/^lib\/std\/|_test\.ts$|_bench\.ts$|\.d\.ts$/.test(path);
}

/** All mutants of the given sources of a tree, by one run of the linter. */
export async function findMutants(root: string, files: readonly string[]): Promise<Mutant[]> {
  const config = fromFileUrl(import.meta.resolve("./lint.json"));
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["lint", "--quiet", "--json", `--config=${config}`, ...files],
    cwd: root,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const { diagnostics, errors } = parsed(decoder.decode(stdout), decoder.decode(stderr));
  if (errors.length > 0) throw new Error(`deno lint failed: ${JSON.stringify(errors[0])}`);
  const found = Map.groupBy(diagnostics, ({ filename }) => relative(root, fromFileUrl(filename)));
  return files.flatMap((file) => {
    const mutations = (found.get(file) ?? []).map(({ message }) => JSON.parse(message) as Mutation);
    return mutantsOf(file, { text: Deno.readTextFileSync(`${root}/${file}`), mutations });
  });
}

interface LintOutput {
  readonly diagnostics: readonly { readonly filename: string; readonly message: string }[];
  readonly errors: readonly unknown[];
}

function parsed(output: string, errors: string): LintOutput {
  try {
    return JSON.parse(output);
  } catch {
    throw new Error(`deno lint failed: ${errors.trim().split("\n")[0]}`);
  }
}

/**
 * `count` of the mutants, drawn by a hash of the seed and the mutant itself: the same seed draws the
 * same from the same tree, a smaller count draws the first of a larger one, and a change in one
 * source does not exchange the mutants of others.
 */
export function draw(
  mutants: readonly Mutant[],
  { seed, count }: { seed: string; count: number },
): Mutant[] {
  const ranked = mutants.map((mutant) => {
    const { file, source, nth } = mutant;
    const key = JSON.stringify([seed, file, source, describeMutation(mutant), nth]);
    return { mutant, rank: createHash("sha256").update(key).digest("hex") };
  });
  ranked.sort((a, b) => a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0);
  return ranked.slice(0, count).map(({ mutant }) => mutant);
}
