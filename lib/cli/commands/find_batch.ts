/**
 * Resolves a batch id that may be abbreviated, and formats the commands that show or cancel a
 * batch.
 * @module
 */
import { type BatchId, ID_CHARACTERS, isBatchId } from "../../batch/id.ts";
import type { BatchLine } from "../../client/protocol.ts";
import { formatAddress } from "../../address.ts";
import { UsageError } from "../../errors.ts";
import { CLIENT_FLAGS } from "../client_flags.ts";
import { printable } from "../../printable.ts";
import type { CommandContext } from "./context.ts";
import { ask } from "./daemon_replies.ts";

/** Maximum length of an argument quoted in an error, in characters. */
const QUOTED_MAX_LENGTH = 40;

/**
 * Resolves `typed` to a batch id. A complete id is returned without asking the daemon; the first
 * characters of an id are looked up in the daemon's list. Case does not matter. Undefined after
 * Control-C. Raises `UsageError` if no id can begin with `typed` (before anything is sent), or if
 * no batch of the list, or more than one, begins with it.
 */
export async function batchIdOf(
  context: CommandContext,
  typed: string,
): Promise<BatchId | undefined> {
  // Only a to z: the upper case of some other letters is a letter that ids contain (U+017F is S).
  const start = typed.replace(/[a-z]/g, (letter) => letter.toUpperCase());
  if (isBatchId(start)) return start;
  if (!isStartOfId(start)) {
    throw new UsageError(
      `${quoted(typed)} is not a batch id or the start of one: expected at most ${ID_CHARACTERS} ` +
        "characters of 0-9 and A-Z without I, L, O and U, the first from 0 to 7; see " +
        `"${seeLater(context, undefined)}"`,
    );
  }
  const known = await ask(context, { request: { type: "batches" }, reply: "batches" });
  return known && listedId(context, { typed, start, batches: known.batches });
}

function isStartOfId(text: string): boolean {
  return text !== "" && isBatchId(text.padEnd(ID_CHARACTERS, "0"));
}

function listedId(
  context: CommandContext,
  { typed, start, batches }: { typed: string; start: string; batches: readonly BatchLine[] },
): BatchId {
  const [found, ...others] = batches.map(({ batchId }) => batchId)
    .filter((id) => id.startsWith(start));
  if (found === undefined) {
    throw new UsageError(
      `no recent batch begins with ${quoted(typed)}: see "${seeLater(context, undefined)}", ` +
        "or give the complete id of an older one",
    );
  }
  if (others.length > 0) {
    throw new UsageError(
      `${others.length + 1} batches begin with ${quoted(typed)}: give more of the id`,
    );
  }
  return found;
}

function quoted(typed: string): string {
  return JSON.stringify(
    typed.length > QUOTED_MAX_LENGTH ? `${typed.slice(0, QUOTED_MAX_LENGTH)}…` : typed,
  );
}

/** The command line that shows a batch, or lists all, with the same `-server`. */
export function seeLater(context: CommandContext, batchId: string | undefined): string {
  return commandLine(context, ["results", batchId]);
}

/** The command line that cancels a batch, with the same `-server`. */
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
