/**
 * The rows of a batch's table: nodes that found the same share one, so that a wide fleet stays
 * readable.
 * @module
 */
import type { ActionEnd, CheckResult } from "../checks/check.ts";
import type { NodeProgress } from "../client/protocol.ts";
import { printable } from "../printable.ts";
import { describeNames } from "./name_list.ts";
import { lastLine, printableCell } from "./cell_text.ts";
import type { Cell, Style } from "./table.ts";

/** How many rows one check may take; what goes beyond is counted. */
export const ROWS_PER_CHECK_MAX = 20;
/** How many characters the names of one row may take. */
const NAMES_MAX_CHARACTERS = 60;

/** Nodes of which one check's outcome and its action's end are the same. */
interface Group {
  readonly result: CheckResult;
  readonly nodes: string[];
  readonly lastLines: Set<string>;
}

/** The heads of these rows. */
export const OUTCOME_HEADS: readonly string[] = ["NODE", "CHECK", "OUTCOME", "REASON", "ACTION"];

const STYLES: Readonly<Record<CheckResult["outcome"]["status"], Style>> = {
  pass: "green",
  fail: "red",
  error: "yellow",
  skipped: "dim",
};

/** Rows by check, in the order of the batch; within a check, those of most nodes first. */
export function outcomeRows(
  nodes: readonly NodeProgress[],
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
      { text: `${rest.length} more reasons: -output jsonl has them all` },
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
  const more = lastLines.size > 1 ? " (and other last lines)" : "";
  return line === "" && more === "" ? endText(end) : `${endText(end)}: ${line}${more}`;
}

function endText(end: ActionEnd): string {
  switch (end.type) {
    case "exited":
      return `exit ${end.code}`;
    case "signaled":
      return end.signal;
    case "timed_out":
      return "timed out";
    case "aborted":
      return "aborted";
    case "interrupted":
      return "interrupted";
    case "refused":
      return `refused: ${end.reason}`;
    default:
      return end satisfies never;
  }
}
