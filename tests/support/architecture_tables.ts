/**
 * The tables of ARCHITECTURE.md, as cells.
 * @module
 */
import { assert, assertGreater } from "@std/assert";
import { fromFileUrl } from "@std/path";

const TEXT = Deno.readTextFileSync(
  fromFileUrl(new URL("../../ARCHITECTURE.md", import.meta.url)),
);

/** The table under a heading, without its heading row and the rule under that. */
export function table(heading: string): string[][] {
  const section = TEXT.split(/^## /m).find((one) => one.startsWith(heading));
  assert(section !== undefined, `ARCHITECTURE.md has no section "${heading}"`);
  const rows = section.split("\n").filter((line) => line.startsWith("|")).slice(2);
  assertGreater(rows.length, 0, `the section "${heading}" has no table`);
  return rows.map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim()));
}

/** What stands in backticks in a cell. */
export function quoted(cell: string | undefined): string[] {
  return [...(cell ?? "").matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");
}

/** A row of the table "To add …". */
export interface AdditionRow {
  /** What can be added. */
  readonly what: string;
  /** All files that this touches: paths, with `*` for a part of a name. */
  readonly paths: readonly string[];
  /** Those of them without whose change the project does not compile. */
  readonly forced: readonly string[];
}

/** The rows of the table "To add …". */
export function additionRows(): AdditionRow[] {
  return table("To add").map(([what = "", touch, forced, other]) => ({
    what: what.replaceAll("`", ""),
    paths: [touch, forced, other].flatMap(pathsIn),
    forced: pathsIn(forced),
  }));
}

function pathsIn(cell: string | undefined): string[] {
  return quoted(cell).filter((one) => /[/.]/.test(one));
}
