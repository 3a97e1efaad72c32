/**
 * The command `list-members`: shows the members of the cluster as the daemon sees them.
 * @module
 */
import { EXIT_STATUS } from "../../errors.ts";
import { compareNames } from "../name_list.ts";
import { outputNamed } from "../outputs/registry.ts";
import type { CommandContext } from "./context.ts";
import { ask } from "./daemon_replies.ts";

/** Shows all members, sorted by name. Returns the exit status. */
export async function listMembers(context: CommandContext): Promise<number> {
  const reply = await ask(context, { request: { type: "members" }, reply: "members" });
  if (reply === undefined) return EXIT_STATUS.interrupted;
  const members = reply.members.toSorted((a, b) => compareNames(a.name, b.name));
  const format = outputNamed(context.settings.output);
  context.print(format.write({ type: "members", members }, context));
  return EXIT_STATUS.ok;
}
