/**
 * Runs the command that the settings name.
 * @module
 */
import type { WorkingCommand } from "../command_table.ts";
import { check, results } from "./check_and_results.ts";
import { keygen } from "./keygen.ts";
import { cancel } from "./cancel.ts";
import { validate } from "./check_file.ts";
import type { CommandContext } from "./context.ts";
import { keys } from "./keys.ts";
import { listMembers } from "./list_members.ts";
import { localCheck } from "./local_check.ts";

const RUNS: Readonly<Record<WorkingCommand, (context: CommandContext) => Promise<number>>> = {
  check,
  "local-check": localCheck,
  "list-members": listMembers,
  results,
  cancel,
  keygen,
  keys,
  validate,
};

/** Runs a command. Returns the exit status; raises `GossipcheckError`. */
export function runCommand(context: CommandContext): Promise<number> {
  return RUNS[context.settings.command](context);
}
