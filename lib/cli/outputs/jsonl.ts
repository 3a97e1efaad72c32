/**
 * `-output jsonl`: one JSON object per line, each as soon as it arrives.
 * @module
 */
import type { OutputEvent, OutputFormat } from "../output_format.ts";
import { jsonText } from "../../printable.ts";
import {
  batchRecord,
  keyRecord,
  memberRecord,
  missingRecord,
  problemRecord,
  resultRecord,
} from "../json_records.ts";

/** The format `jsonl`: one line per result, for pipes: `gcheck -output jsonl … | jq 'select(.status != "pass")'`. */
export const JSONL_OUTPUT: OutputFormat = {
  name: "jsonl",
  summary: "one line per result, as it arrives",
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
      // The results were written as `answered` events; members without a report are still missing.
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
