/**
 * A batch by its id or by enough of its start, and the command that shows it.
 * @module
 */
import type { BatchLine } from "../../client/protocol.ts";
import { formatAddress } from "../../address.ts";
import { UsageError } from "../../errors.ts";
import { CLIENT_FLAGS } from "../client_flags.ts";
import { printable } from "../../printable.ts";
import type { CommandContext } from "./context.ts";

/**
 * The whole id of the batch that begins with `typed`; `typed` itself where none of `batches` does,
 * since a daemon may know more of them than it lists. Raises `UsageError` where several do.
 */
export function batchIdOf(typed: string, batches: readonly BatchLine[]): string {
  const start = typed.toUpperCase();
  const found = batches.map(({ batchId }) => batchId).filter((id) => id.startsWith(start));
  if (found.length > 1) {
    const shown = JSON.stringify(typed);
    throw new UsageError(`${found.length} batches begin with ${shown}: give more of the id`);
  }
  return found[0] ?? start;
}

/** The command that shows a batch, or all, as it must be typed to reach the same daemon. */
export function seeLater(context: CommandContext, batchId: string | undefined): string {
  return commandLine(context, ["results", batchId]);
}

/** The command that cancels a batch, as it must be typed to reach the same daemon. */
export function cancelCommand(context: CommandContext, batchId: string): string {
  return commandLine(context, ["cancel", printable(batchId)]);
}

function commandLine(
  { settings }: CommandContext,
  words: readonly (string | undefined)[],
): string {
  const server = formatAddress(settings.server);
  const isDefault = server === CLIENT_FLAGS.server.default;
  return ["gcheck", ...(isDefault ? [] : [`-server=${server}`]), ...words]
    .filter((word) => word !== undefined).join(" ");
}
