/**
 * Check type `file_contains`: searches a file for a text, compared as bytes.
 * @module
 */
import { HostError } from "../../errors.ts";
import type { CheckType } from "../check_type.ts";
import { ByteFinder } from "../byte_finder.ts";

/** Bytes that are read at a time. */
const READ_BYTES = 64 * 1024;

/** The definition of `file_contains`. */
export const FILE_CONTAINS: CheckType = {
  name: "file_contains",
  summary: "Passes if the file contains the text, compared as bytes (the text as UTF-8). " +
    "A file of any size is read in constant memory.",
  fields: [
    {
      name: "path",
      kind: "path",
      required: true,
      summary:
        "Path of the file; symbolic links are followed, a relative path starts at the daemon's working directory.",
    },
    { name: "check", kind: "text", required: true, summary: "The text to search for." },
  ],
  example: { path: "/etc/resolv.conf", check: "8.8.8.8" },
  async probe(fields, { host, signal }) {
    const { path = "", check = "" } = fields;
    // The kind is checked before the open, which for a FIFO would wait for a writer.
    const kind = await host.fileKind(path);
    if (kind !== undefined && kind !== "file") {
      const what = kind === "directory" ? "is a directory" : "is a device, FIFO or socket";
      throw new HostError(`${path} ${what}; expected a regular file`);
    }
    const file = kind && await host.openFile(path);
    if (file === undefined) return { status: "fail", reason: `${path} does not exist` };
    try {
      const finder = new ByteFinder(new TextEncoder().encode(check));
      const buffer = new Uint8Array(READ_BYTES);
      while (true) {
        signal.throwIfAborted();
        const count = await file.read(buffer);
        if (count === undefined) break;
        if (finder.push(buffer.subarray(0, count))) return { status: "pass" };
      }
      return { status: "fail", reason: `${path} does not contain ${JSON.stringify(check)}` };
    } finally {
      file.close();
    }
  },
};
