/**
 * Check type `file_exists`: tests whether a path exists.
 * @module
 */
import type { CheckType } from "../check_type.ts";

/** The definition of `file_exists`. */
export const FILE_EXISTS: CheckType = {
  name: "file_exists",
  summary:
    "Passes if the path exists, as a file, a directory or anything else; symbolic links are " +
    "followed.",
  fields: [
    {
      name: "path",
      kind: "path",
      required: true,
      summary: "Path to test; a relative path starts at the daemon's working directory.",
    },
  ],
  example: { path: "/etc/resolv.conf" },
  async probe(fields, { host }) {
    const path = fields.path ?? "";
    const kind = await host.fileKind(path);
    return kind === undefined
      ? { status: "fail", reason: `${path} does not exist` }
      : { status: "pass" };
  },
};
