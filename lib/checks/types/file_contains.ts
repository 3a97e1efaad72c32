/**
 * `file_contains`: a text is somewhere in a file, compared as bytes.
 * @module
 */
import { HostError } from "../../errors.ts";
import type { CheckType } from "../check.ts";
import { ByteFinder } from "../byte_finder.ts";

/** How much is read at a time; the whole memory of a search beside its needle. */
const READ_BYTES = 64 * 1024;

/** The definition of `file_contains`. */
export const FILE_CONTAINS: CheckType = {
  name: "file_contains",
  summary:
    "Passes where the text is anywhere in the file, compared as bytes (the text as UTF-8). " +
    "A file of any size is read in constant memory.",
  fields: [
    {
      name: "path",
      kind: "path",
      required: true,
      summary:
        "The file; symbolic links are followed, a relative path starts at the daemon's working directory.",
    },
    { name: "check", kind: "text", required: true, summary: "The text to find." },
  ],
  example: { path: "/etc/resolv.conf", check: "8.8.8.8" },
  async probe(fields, { host, signal }) {
    const { path = "", check = "" } = fields;
    // Asked before it is opened: opening a FIFO waits for a writer, maybe for ever.
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
