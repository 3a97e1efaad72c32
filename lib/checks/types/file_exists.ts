/**
 * `file_exists`: something is at a path.
 * @module
 */
import type { CheckType } from "../check.ts";

/** The definition of `file_exists`. */
export const FILE_EXISTS: CheckType = {
  name: "file_exists",
  summary: "Passes where something is at the path: a file, a directory or anything else, " +
    "symbolic links followed.",
  fields: [
    {
      name: "path",
      kind: "path",
      required: true,
      summary: "Where to look; a relative path starts at the daemon's working directory.",
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
