/**
 * `-output text`: tables and summaries for people.
 * @module
 */
import { formatAddress } from "../../address.ts";
import type { BatchLine, MemberLine } from "../../client/protocol.ts";
import { EXIT_STATUS } from "../../errors.ts";
import {
  ageText,
  missingHead,
  standingLines,
  stateText,
  targetText,
} from "../batch_status_text.ts";
import { type BatchReport, skippedCount } from "../batch_view.ts";
import { foldNames, sortNames } from "../name_list.ts";
import { type NodeResults, summaryNames } from "../node_results.ts";
import { OUTCOME_HEADS, outcomeRows } from "../outcome_rows.ts";
import type { OutputEvent, OutputFormat, OutputOptions } from "../output_format.ts";
import { printable } from "../../printable.ts";
import { printableCell } from "../cell_text.ts";
import { type Cell, paint, type Style, table } from "../table.ts";

/** The format `text`: a table of results, and a summary line. */
export const TEXT_OUTPUT: OutputFormat = {
  name: "text",
  summary: "for people",
  write(event, options) {
    switch (event.type) {
      case "sent":
        return `${printable(event.batchId)}\n`;
      case "answered":
        return "";
      case "report":
        return reportText(event, options);
      case "members":
        return membersText(event.members, options);
      case "batches":
        return batchesText(event, options);
      case "cancelled":
        return `batch ${printable(event.batchId)} is cancelled: see it with "${
          printable(event.seeLater)
        }"\n`;
      case "key_made":
        return keyText(event);
      case "validated":
        return validatedText(event, options);
      default:
        return event satisfies never;
    }
  },
};

function reportText(
  { report, showPassing, seeLater }: OutputEvent & { type: "report" },
  options: OutputOptions,
): string {
  const { batchId } = report;
  const rows = outcomeRows(report.nodes, { showPassing });
  return [
    batchId === undefined ? "" : `batch ${printable(batchId)}${signedText(report)}\n`,
    rows.length === 0 ? "" : table(heads(report), { rows: trim(report, rows), ...options }),
    missingText(report.nodes),
    standingText(report),
    summaryText(report, options),
    seeLater === undefined ? "" : `late results are shown by: ${printable(seeLater)}\n`,
  ].join("");
}

function signedText({ state }: BatchReport): string {
  return state?.signer === undefined ? "" : `, signed by ${printable(state.signer)}`;
}

/** `local-check` needs no column for the node. */
function heads(report: BatchReport): readonly string[] {
  return report.batchId === undefined ? OUTCOME_HEADS.slice(1) : OUTCOME_HEADS;
}

function trim(report: BatchReport, rows: readonly Cell[][]): readonly Cell[][] {
  return report.batchId === undefined ? rows.map((row) => row.slice(1)) : rows;
}

/** The names of the members without a report, under a heading for each state. */
function missingText(nodes: readonly NodeResults[]): string {
  const byHead = new Map<string, string[]>();
  for (const progress of nodes) {
    const head = missingHead(progress);
    if (head === undefined) continue;
    byHead.set(head, [...byHead.get(head) ?? [], printable(progress.node)]);
  }
  return sortNames(byHead.keys()).map((head) => {
    const names = byHead.get(head) ?? [];
    return `${head} (${names.length}): ${foldNames(names).join(", ")}\n`;
  }).join("");
}

function standingText({ state, counts }: BatchReport): string {
  if (state === undefined) return "";
  const lines = standingLines(state, { isOpen: counts.unanswered > 0 });
  return lines.map((line) => `${line}\n`).join("");
}

const VERDICTS: Readonly<Record<number, { word: string; style: Style }>> = {
  [EXIT_STATUS.ok]: { word: "PASS", style: "green" },
  [EXIT_STATUS.failed]: { word: "FAIL", style: "red" },
  [EXIT_STATUS.unanswered]: { word: "INCOMPLETE", style: "yellow" },
};

function summaryText(
  { batchId, counts, exitStatus, elapsedMs }: BatchReport,
  options: OutputOptions,
) {
  const { word, style } = VERDICTS[exitStatus] ?? { word: "FAIL", style: "red" };
  const answered = counts.nodes === 0
    ? "no node's outcomes are known here"
    : counts.answered === counts.nodes
    ? `${plural(counts.nodes, "node")} answered`
    : `${counts.answered} of ${plural(counts.nodes, "node")} answered`;
  const nodes = [
    answered,
    ...some(counts.unreached, "unreached"),
    ...some(counts.unanswered, "not answered"),
    ...some(skippedCount(counts), "skipped"),
  ].join(", ");
  const outcomes = [
    `${counts.passed} passed`,
    ...some(counts.failed, "failed"),
    ...some(counts.errors, "could not be decided"),
    ...some(counts.skipped, "skipped"),
  ].join(", ");
  const time = elapsedMs === undefined ? "" : ` in ${(elapsedMs / 1_000).toFixed(2)}s`;
  const verdict = paint(word, { style, color: options.color });
  return `${verdict}  ${batchId === undefined ? "" : `${nodes}: `}${outcomes}${time}\n`;
}

function membersText(members: readonly MemberLine[], options: OutputOptions): string {
  const rows = members.map((member): Cell[] => [
    { text: printableCell(member.name) },
    { text: printableCell(formatAddress(member.address)) },
    stateCell(member),
    { text: member.runsGossipcheck ? "yes" : "no" },
    { text: printableCell(tagsText(member.tags)) },
    { text: member.self ? "this daemon" : "" },
  ]);
  const byState = Map.groupBy(members, ({ state }) => state);
  const states = (["alive", "suspect", "failed", "left"] as const)
    .flatMap((state) => some(byState.get(state)?.length ?? 0, state));
  const foreign = members.filter((member) => !member.runsGossipcheck).length;
  return table(["NAME", "ADDRESS", "STATE", "GOSSIPCHECK", "TAGS", ""], { rows, ...options }) +
    `${plural(members.length, "member")}: ${[...states, ...some(foreign, "foreign")].join(", ")}\n`;
}

function stateCell({ state, degraded }: MemberLine): Cell {
  const styles: Readonly<Record<MemberLine["state"], Style>> = {
    alive: "green",
    suspect: "yellow",
    failed: "red",
    left: "dim",
  };
  return degraded === undefined
    ? { text: state, style: styles[state] }
    : { text: `${state}, ${degraded} only`, style: "yellow" };
}

function tagsText(tags: Readonly<Record<string, string>>): string {
  return sortNames(Object.keys(tags)).map((key) => `${key}=${tags[key]}`).join(",");
}

function batchesText(
  { batches, nowMs }: { batches: readonly BatchLine[]; nowMs: number },
  options: OutputOptions,
): string {
  if (batches.length === 0) return "no batches\n";
  const rows = batches.map((batch): Cell[] => {
    const { counts } = batch;
    const isOpen = counts !== undefined && counts.answered + counts.skipped < counts.targeted;
    return [
      { text: printableCell(batch.batchId) },
      { text: ageText(nowMs - batch.issuedAtMs) },
      { text: stateText(batch, { nowMs, isOpen }) },
      { text: printableCell(batch.origin) },
      {
        text: counts === undefined ? "-" : `${counts.answered}/${counts.targeted}`,
        style: isOpen ? "yellow" : "plain",
      },
      {
        text: counts === undefined ? "-" : String(counts.notPassing),
        style: (counts?.notPassing ?? 0) > 0 ? "red" : "plain",
      },
      { text: printableCell(targetText(batch.target)) },
      { text: listText(summaryNames(batch.summary)) },
    ];
  });
  const heads = ["BATCH", "AGE", "STATE", "ORIGIN", "ANSWERED", "NOT PASSING", "TARGET", "CHECKS"];
  return table(heads, { rows, ...options });
}

function listText(names: readonly string[]): string {
  const shown = names.slice(0, 3).map(printable).join(", ");
  return printableCell(names.length > 3 ? `${shown}, and ${names.length - 3} more` : shown);
}

function keyText({ file, text, fingerprint, trusted }: OutputEvent & { type: "key_made" }): string {
  if (file === undefined) return text;
  return trusted === undefined
    ? `${printable(file)}: key ${fingerprint}\n`
    : `${printable(trusted)}\n`;
}

function validatedText(
  { file, checks, lines }: OutputEvent & { type: "validated" },
  options: OutputOptions,
): string {
  const name = printable(file);
  if (lines.length === 0) {
    const good = paint("good", { style: "green", color: options.color });
    return `${name}: ${good}, ${plural(checks.length, "check")}\n`;
  }
  return lines.map((line) => `${name}: ${printable(line)}\n`).join("");
}

function some(count: number, what: string): string[] {
  return count === 0 ? [] : [`${count} ${what}`];
}

function plural(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}
