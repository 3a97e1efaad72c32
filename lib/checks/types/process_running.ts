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
      summary: "Part of the executable's real path, symbolic links resolved; another user's " +
        "processes show theirs to root alone.",
    },
    {
      name: "check",
      kind: "text",
      required: false,
      summary: "Part of the command line, its arguments joined by single spaces.",
    },
  ],
  atLeastOneOf: ["path", "check"],
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
    // Kernel threads and zombies have neither; whoever has a command line has an executable.
    const hidden = candidates.filter((process) =>
      !process.executable && process.commandLine !== ""
    );
    if (path !== undefined && hidden.length > 0) {
      const count = `${hidden.length} processes of other users hide their executable`;
      throw new HostError(`cannot tell whether a process has ${wanted}: ${count}; run as root`);
    }
    return { status: "fail", reason: `no process has ${wanted}` };
  },
};
