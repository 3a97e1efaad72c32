/** Decoders of check files, and of the bodies and reports of batches. @module */
import { concat } from "@std/bytes";
import { encode } from "@std/msgpack";
import { decodeBody, encodeBody, readBody, summaryOf } from "../../../lib/batch/body.ts";
import {
  decodeReport,
  decodeResult,
  encodeReport,
  encodeResult,
  reportPassed,
} from "../../../lib/batch/report.ts";
import { formatProblem, parseCheckFile } from "../../../lib/checks/parse.ts";
import { CheckFileError, WireError } from "../../../lib/errors.ts";
import { formatDuration } from "../../../lib/duration.ts";
import type { Check } from "../../../lib/batch/check.ts";
import { BODIES, REPORTS, RESULTS } from "../../support/check_samples.ts";
import { type Subject, subject } from "../subject.ts";
import { MSGPACK_COSTLY } from "../msgpack_mutations.ts";

const encoder = new TextEncoder();

const FILES = [
  `{"a": {"type": "file_exists", "path": "/etc/motd"}}`,
  `{
  "resolver": {
    "type": "file_contains",
    "path": "/etc/resolv.conf",
    "check": "8.8.8.8",
    "action": "echo 'nameserver 8.8.8.8' >> /etc/resolv.conf",
    "action_timeout": "1m30s"
  },
  "größe": {"type": "process_running", "path": "/usr/sbin/sshd", "action": "service ssh start"}
}
`,
].map((text) => encoder.encode(text));

/** Whatever stands in the file: a problem is one line that somebody reads. */
function assertOneLine(text: string): void {
  if (/[\n\r]/.test(text) || text.length > 500) throw new Error(`a problem reads: ${text}`);
}

/** A check file with these checks. */
function fileOf(checks: readonly Check[]): string {
  const entries = checks.map(({ name, type, fields, action, actionTimeoutMs }) => {
    const rest = { ...(action && { action }), action_timeout: formatDuration(actionTimeoutMs) };
    return `${JSON.stringify(name)}:${JSON.stringify({ type, ...fields, ...rest })}`;
  });
  // Not as an object: that would put names that are numbers first.
  return `{${entries.join(",")}}`;
}

/** The body of one check, which is given in hex. */
function bodyOf(check: string): Uint8Array {
  return concat([Uint8Array.of(0x92), encode("checks"), Uint8Array.fromHex(`91${check}`)]);
}

/** Costly MessagePack where a sender may put what it likes: ["checks", [["n", "t", {"k": …}, null, 1]]]. */
const COSTLY_FIELDS = Object.fromEntries(
  Object.entries(MSGPACK_COSTLY).map(([name, make]) => [
    `${name} in a field`,
    (bytes: number) =>
      concat([
        Uint8Array.fromHex("92a6636865636b739195a16ea17481a16b"),
        make(bytes),
        Uint8Array.fromHex("c001"),
      ]),
  ]),
);

/** All of them. */
export const CHECK_DECODERS: readonly Subject[] = [
  subject({
    name: "check files",
    form: "text",
    samples: FILES,
    decode: (content) => {
      try {
        return parseCheckFile(content);
      } catch (error) {
        if (error instanceof CheckFileError) {
          error.problems.map(formatProblem).forEach(assertOneLine);
        }
        throw error;
      }
    },
    again: (checks) => parseCheckFile(encoder.encode(fileOf(checks))),
    errors: [CheckFileError],
    costly: {
      "many checks of no type on one line": (bytes) =>
        encoder.encode(
          `{${Array.from({ length: bytes / 10 }, (_, at) => `"${at}": {}`).join(",")}}`,
        ),
      "one name again and again on one line": (bytes) =>
        encoder.encode(`{${Array(Math.floor(bytes / 6)).fill(`"a":1`).join(",")}}`),
      "one field again and again on one line": (bytes) =>
        encoder.encode(`{"a":{${Array(Math.floor(bytes / 6)).fill(`"b":1`).join(",")}}}`),
      "fields that are not known on one line": (bytes) => {
        const fields = Array.from({ length: bytes / 12 }, (_, at) => `"f${at}":"${at}"`).join(",");
        return encoder.encode(`{"a":{"type":"file_exists","path":"/x",${fields}}}`);
      },
      "short lines": (bytes) => encoder.encode(`{"a":${"\n".repeat(bytes)}1}`),
      "lists in a field": (bytes) => encoder.encode(`{"a":{"type":[${"[],".repeat(bytes / 3)}1]}}`),
      "what is not UTF-8 at the end": (bytes) =>
        new Uint8Array([...encoder.encode("{\n".repeat(bytes / 2)), 0xff]),
    },
  }),
  subject({
    name: "bodies of batches",
    form: "msgpack",
    samples: Object.values(BODIES).flat().map(encodeBody),
    regressions: {
      // ["n", "t", {"k": <extension>}, null, 1]
      "a field that is an extension": bodyOf("95a16ea17481a16bc70001c001"),
      // [<half a surrogate pair>, "t", {}, null, 1], and the same as a field and as its value
      "a name that is no UTF-8": bodyOf("95a3eda080a17480c001"),
      "a field that is no UTF-8": bodyOf("95a16ea17481a3eda08000c001"),
      "a field's value that is no UTF-8": bodyOf("95a16ea17481a16ba3eda080c001"),
    },
    decode: (bytes) => {
      summaryOf(readBody(bytes));
      return decodeBody(bytes);
    },
    again: (body) => decodeBody(encodeBody(body)),
    errors: [WireError],
    costly: { ...MSGPACK_COSTLY, ...COSTLY_FIELDS },
  }),
  subject({
    name: "reports of nodes",
    form: "msgpack",
    samples: Object.values(REPORTS).flat().map(encodeReport),
    regressions: {
      // ["checks", [[<half a surrogate pair>, ["pass"], 5, null]]]
      "a check that is no UTF-8": Uint8Array.fromHex(
        "92a6636865636b739194a3eda08091a47061737305c0",
      ),
    },
    decode: (bytes) => {
      const report = decodeReport(bytes);
      reportPassed(report);
      return report;
    },
    again: (report) => decodeReport(encodeReport(report)),
    errors: [WireError],
    costly: MSGPACK_COSTLY,
  }),
  subject({
    name: "results of the journal",
    form: "msgpack",
    samples: RESULTS.map(encodeResult),
    regressions: {
      // [<half a surrogate pair>, ["pass"], 5, null]
      "a check that is no UTF-8": Uint8Array.fromHex("94a3eda08091a47061737305c0"),
    },
    decode: decodeResult,
    again: (result) => decodeResult(encodeResult(result)),
    errors: [WireError],
    costly: MSGPACK_COSTLY,
  }),
];
