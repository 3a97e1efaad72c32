/**
 * `-output jsonl`: one JSON object a line, each as soon as it is known.
 * @module
 */
import type { OutputEvent, OutputFormat } from "../output.ts";
import { jsonText } from "../../printable.ts";
import {
  batchRecord,
  keyRecord,
  memberRecord,
  missingRecord,
  problemRecord,
  resultRecord,
} from "../records.ts";

/** One line a result, for pipes: `gcheck -output jsonl … | jq 'select(.status != "pass")'`. */
export const JSONL_OUTPUT: OutputFormat = {
  name: "jsonl",
  summary: "one line a result, as it arrives",
  write(event) {
    return recordsOf(event).map((record) => `${jsonText(record)}\n`).join("");
  },
};

function recordsOf(event: OutputEvent): readonly unknown[] {
  switch (event.type) {
    case "sent":
      return [{ batch: event.batchId }];
    case "answered":
      return event.results.map((result) => resultRecord(result, event));
    case "report":
      // What was answered has been written already; here come the members of which nothing came.
      return event.report.nodes.map((node) => missingRecord(node, event.report))
        .filter((record) => record !== undefined);
    case "members":
      return event.members.map(memberRecord);
    case "batches":
      return event.batches.map(batchRecord);
    case "cancelled":
      return [{ batch: event.batchId, cancelled: true }];
    case "key_made":
      return [keyRecord(event)];
    case "validated":
      return event.problems.map(problemRecord);
    default:
      return event satisfies never;
  }
}
