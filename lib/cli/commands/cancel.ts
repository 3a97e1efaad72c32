/**
 * `cancel ID`: a batch is stopped on every node.
 * @module
 */
import { EXIT_STATUS } from "../../errors.ts";
import { outputNamed } from "../outputs/registry.ts";
import type { CommandContext } from "./context.ts";
import { batchIdOf, seeLater } from "./find_batch.ts";
import { ask } from "./waiting.ts";

/** Has the daemon cancel the batch whose id begins with the argument. Gives the exit status. */
export async function cancel(context: CommandContext): Promise<number> {
  const { settings: { argument = "", output } } = context;
  const known = await ask(context, { request: { type: "batches" }, reply: "batches" });
  if (known === undefined) return EXIT_STATUS.interrupted;
  const batchId = batchIdOf(argument, known.batches);
  const done = await ask(context, { request: { type: "cancel", batchId }, reply: "done" });
  if (done === undefined) return EXIT_STATUS.interrupted;
  const see = seeLater(context, batchId);
  context.print(outputNamed(output).write({ type: "cancelled", batchId, seeLater: see }, context));
  return EXIT_STATUS.ok;
}
