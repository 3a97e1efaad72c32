/**
 * `process_running`: a process is there, found by its executable, its command line or both.
 * @module
 */
import { HostError } from "../../errors.ts";
import type { CheckType } from "../check.ts";

/** The definition of `process_running`. */
export const PROCESS_RUNNING: CheckType = {
  name: "process_running",
  summary: "Passes where one process matches all that is given (Linux). The shells that " +
    "gossipcheck itself starts are never found, nor is its own process by its arguments.",
  fields: [
    {
      name: "path",
      kind: "path",
      required: false,
      summary: "Part of the executable's real path, symbolic links resolved. Processes of other " +
        "users show theirs to root alone: where the command line of one names it, the outcome is error.",
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
    // One that hides its executable counts against certainty where its command line names it.
    const program = path?.split("/").findLast((part) => part !== "");
    const hidden = candidates.filter(({ executable, commandLine }) =>
      executable === undefined && program !== undefined && commandLine.includes(program)
    );
    if (hidden.length > 0) {
      const pids = hidden.slice(0, 5).map(({ pid }) => pid).join(", ");
      throw new HostError(
        `cannot tell whether a process has ${wanted}: pid ${pids} hides its executable from this user`,
      );
    }
    return { status: "fail", reason: `no process has ${wanted}` };
  },
};
