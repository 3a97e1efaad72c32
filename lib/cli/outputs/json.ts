/**
 * `-output json`: one document when all is known.
 * @module
 */
import { sortNames } from "../names.ts";
import type { OutputEvent, OutputFormat } from "../output.ts";
import { batchRecord, memberRecord, problemRecord, reportRecord } from "../records.ts";

/** One JSON document, for programs that want everything at once. */
export const JSON_OUTPUT: OutputFormat = {
  name: "json",
  summary: "one document, when all is known",
  write(event) {
    const value = documentOf(event);
    return value === undefined ? "" : `${JSON.stringify(value, null, 2)}\n`;
  },
};

function documentOf(event: OutputEvent): unknown {
  switch (event.type) {
    case "sent":
      return { batch: event.batchId };
    case "answered":
      return undefined;
    case "report": {
      const record = reportRecord(event.report);
      const byName = new Map(record.nodes.map((node) => [node.node, node]));
      return { ...record, nodes: sortNames(byName.keys()).map((name) => byName.get(name)) };
    }
    case "members":
      return { members: event.members.map(memberRecord) };
    case "batches":
      return { batches: event.batches.map(batchRecord) };
    case "validated":
      return {
        file: event.file,
        valid: event.problems.length === 0,
        checks: event.checks,
        problems: event.problems.map(problemRecord),
      };
    default:
      return event satisfies never;
  }
}
