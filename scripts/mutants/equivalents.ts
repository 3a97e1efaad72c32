/**
 * Mutants that are known to make an equivalent program, so that no test can notice them.
 * `equivalents.json` lists them, each with its reason.
 * @module
 */
import list from "./equivalents.json" with { type: "json" };
import { describeMutation, type Mutant } from "./mutant.ts";

/** An entry of `equivalents.json`. */
export interface Equivalent {
  /** The source, as a path from the root of the tree. */
  readonly file: string;
  /** The text of the line, without the space around it: line numbers change too often. */
  readonly line: string;
  /** As the report prints it: `< -> <=`, or `! removed`. */
  readonly mutation: string;
  /** Which of the same mutations of this line is meant, from 1. Default 1. */
  readonly nth?: number;
  /** Why no test can tell the two programs apart. */
  readonly reason: string;
}

/** All entries. */
export const EQUIVALENTS: readonly Equivalent[] = list;

/** Whether an entry means this mutant. */
export function isMeant(entry: Equivalent, mutant: Mutant): boolean {
  return entry.file === mutant.file && entry.line === mutant.source &&
    entry.mutation === describeMutation(mutant) && (entry.nth ?? 1) === mutant.nth;
}

/** The entry for a mutant, if there is one. */
export function equivalentOf(
  mutant: Mutant,
  entries: readonly Equivalent[] = EQUIVALENTS,
): Equivalent | undefined {
  return entries.find((entry) => isMeant(entry, mutant));
}
