/**
 * The rows of a batch's result table. Nodes with the same outcome of a check share a row, so that
 * the table of a large cluster stays short.
 * @module
 */
import { type ActionEnd, type CheckResult, endText } from "../batch/check.ts";
import { printable } from "../printable.ts";
import { lastLine, printableCell } from "./cell_text.ts";
import { describeNames } from "./name_list.ts";
import type { NodeResults } from "./node_results.ts";
import type { Cell, Style } from "./table.ts";

/** Maximum number of rows per check; the last one counts the rest. */
export const ROWS_PER_CHECK_MAX = 20;
/** Maximum length of the node names of one row, in characters. */
const NAMES_MAX_CHARACTERS = 60;

/** Nodes with the same outcome of a check and the same action result. */
interface Group {
  readonly result: CheckResult;
  readonly nodes: string[];
  readonly lastLines: Set<string>;
}

/** The column heads of the result table. */
export const OUTCOME_HEADS: readonly string[] = ["NODE", "CHECK", "OUTCOME", "REASON", "ACTION"];

const STYLES: Readonly<Record<CheckResult["outcome"]["status"], Style>> = {
  pass: "green",
  fail: "red",
  error: "yellow",
  skipped: "dim",
};

/** The rows by check, in the order of the batch; within a check, the row with most nodes first. */
export function outcomeRows(
  nodes: readonly NodeResults[],
  options: { showPassing: boolean },
): Cell[][] {
  const byCheck = new Map<string, Map<string, Group>>();
  for (const progress of nodes) {
    if (progress.state !== "done") continue;
    for (const result of progress.results) {
      const groups = byCheck.get(result.check) ?? new Map<string, Group>();
      byCheck.set(result.check, groups);
      if (result.outcome.status === "pass" && !options.showPassing) continue;
      addTo(groups, { node: progress.node, result });
    }
  }
  return [...byCheck.values()].flatMap((groups) => rowsOf([...groups.values()]));
}

function addTo(
  groups: Map<string, Group>,
  { node, result }: { node: string; result: CheckResult },
): void {
  const key = JSON.stringify([result.outcome, result.action?.end]);
  const group = groups.get(key) ?? { result, nodes: [], lastLines: new Set<string>() };
  group.nodes.push(node);
  if (result.action !== undefined) group.lastLines.add(lastLine(result.action.output));
  groups.set(key, group);
}

function rowsOf(groups: readonly Group[]): Cell[][] {
  const sorted = groups.toSorted((a, b) => b.nodes.length - a.nodes.length);
  const shown = sorted.length > ROWS_PER_CHECK_MAX
    ? sorted.slice(0, ROWS_PER_CHECK_MAX - 1)
    : sorted;
  const rows = shown.map(rowOf);
  const rest = sorted.slice(shown.length);
  const [first] = rest;
  if (first !== undefined) {
    const nodes = new Set(rest.flatMap((group) => group.nodes));
    rows.push([
      { text: `${nodes.size} more nodes` },
      { text: printableCell(first.result.check) },
      { text: "…" },
      { text: `${rest.length} more reasons: -output jsonl shows all` },
      { text: "" },
    ]);
  }
  return rows;
}

function rowOf({ result, nodes, lastLines }: Group): Cell[] {
  const { check, outcome, action } = result;
  return [
    { text: describeNames(nodes.map(printable), { maxCharacters: NAMES_MAX_CHARACTERS }) },
    { text: printableCell(check) },
    { text: outcome.status, style: STYLES[outcome.status] },
    { text: outcome.status === "pass" ? "" : printableCell(outcome.reason) },
    { text: action === undefined ? "" : printableCell(actionText(action.end, lastLines)) },
  ];
}

function actionText(end: ActionEnd, lastLines: ReadonlySet<string>): string {
  const [line = ""] = lastLines;
  const more = lastLines.size > 1 ? " (last lines differ)" : "";
  return line === "" && more === "" ? endText(end) : `${endText(end)}: ${line}${more}`;
}
