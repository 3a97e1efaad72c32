/**
 * The command `cancel ID`: stops a batch on every node.
 * @module
 */
import { EXIT_STATUS } from "../../errors.ts";
import { outputNamed } from "../outputs/registry.ts";
import type { CommandContext } from "./context.ts";
import { batchIdOf, seeLater } from "./find_batch.ts";
import { ask } from "./daemon_replies.ts";

/** Cancels the batch whose id begins with the argument. Returns the exit status. */
export async function cancel(context: CommandContext): Promise<number> {
  const { settings: { argument = "", output } } = context;
  const batchId = await batchIdOf(context, argument);
  if (batchId === undefined) return EXIT_STATUS.interrupted;
  const done = await ask(context, { request: { type: "cancel", batchId }, reply: "done" });
  if (done === undefined) return EXIT_STATUS.interrupted;
  const see = seeLater(context, batchId);
  context.print(outputNamed(output).write({ type: "cancelled", batchId, seeLater: see }, context));
  return EXIT_STATUS.ok;
}
