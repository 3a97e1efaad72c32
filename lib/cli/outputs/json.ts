/**
 * `-output json`: one JSON document at the end.
 * @module
 */
import type { OutputEvent, OutputFormat } from "../output_format.ts";
import { jsonText } from "../../printable.ts";
import {
  batchRecord,
  keyRecord,
  memberRecord,
  problemRecord,
  reportRecord,
} from "../json_records.ts";

/** The format `json`: one document, printed when the batch is complete or the wait ends. */
export const JSON_OUTPUT: OutputFormat = {
  name: "json",
  summary: "one document, at the end",
  write(event) {
    const value = documentOf(event);
    return value === undefined ? "" : `${jsonText(value, { indent: 2 })}\n`;
  },
};

function documentOf(event: OutputEvent): unknown {
  switch (event.type) {
    case "sent":
      return { batch: event.batchId };
    case "answered":
      return undefined;
    case "report":
      return reportRecord(event.report);
    case "members":
      return { members: event.members.map(memberRecord) };
    case "batches":
      return { batches: event.batches.map(batchRecord) };
    case "cancelled":
      return { batch: event.batchId, cancelled: true };
    case "key_made":
      return keyRecord(event);
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
