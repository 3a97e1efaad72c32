/**
 * Check type `process_running`: searches for a process by its executable, its command line or both.
 * @module
 */
import { HostError } from "../../errors.ts";
import type { CheckType } from "../check_type.ts";

/** The definition of `process_running`. */
export const PROCESS_RUNNING: CheckType = {
  name: "process_running",
  summary: "Passes if at least one process matches all given fields (Linux). The shells that " +
    "gossipcheck starts are ignored, and so are the arguments of the daemon itself.",
  fields: [
    {
      name: "path",
      kind: "path",
      required: false,
      summary:
        "Part of the executable's real path, symbolic links resolved. Only root can read it for " +
        "processes of other users: if the command line of such a process names it, the outcome is error.",
    },
    {
      name: "check",
      kind: "text",
      required: false,
      summary: "Part of the command line, its arguments joined by single spaces.",
    },
  ],
  atLeastOneOf: ["path", "check"],
  needsProcesses: true,
  example: { path: "/usr/sbin/sshd", check: "-D" },
  async probe(fields, { host, signal }) {
    const { path, check } = fields;
    const candidates = (await host.processes(signal))
      .filter(({ commandLine }) => check === undefined || commandLine.includes(check));
    if (candidates.some(({ executable = "" }) => executable.includes(path ?? ""))) {
      return { status: "pass" };
    }
    const wanted = [
      ...(path === undefined ? [] : [`${JSON.stringify(path)} in its executable's path`]),
      ...(check === undefined ? [] : [`${JSON.stringify(check)} in its command line`]),
    ].join(" and ");
    // A process with a hidden executable may match if its command line names the program.
    const program = path?.split("/").findLast((part) => part !== "");
    const hidden = candidates.filter(({ executable, commandLine }) =>
      executable === undefined && program !== undefined && commandLine.includes(program)
    );
    if (hidden.length > 0) {
      const pids = hidden.slice(0, 5).map(({ pid }) => pid).join(", ");
      throw new HostError(
        `cannot decide whether a process has ${wanted}: only root can read the executable of pid ${pids}`,
      );
    }
    return { status: "fail", reason: `no process has ${wanted}` };
  },
};
