/**
 * `check` and `results ID`: one batch, followed or looked up, and shown.
 * @module
 */
import type { Reply, Request } from "../../client/protocol.ts";
import { formatAddress } from "../../address.ts";
import { EXIT_STATUS, UnreachableError, UsageError } from "../../errors.ts";
import { BatchView } from "../batch_view.ts";
import { CLIENT_FLAGS } from "../client_settings.ts";
import { outputNamed } from "../outputs/registry.ts";
import { printable } from "../printable.ts";
import { ProgressLine } from "../progress_line.ts";
import { readChecks } from "./check_file.ts";
import type { CommandContext } from "./context.ts";
import { ask, follow, silent } from "./waiting.ts";

/** Sends the checks and, unless told otherwise, waits for their outcomes. Gives the exit status. */
export async function check(context: CommandContext): Promise<number> {
  const { settings } = context;
  const checks = await readChecks(context);
  if (checks === undefined) return EXIT_STATUS.usage;
  const request: Request = {
    type: "check",
    checks,
    target: {},
    expiresInMs: 0,
    wait: settings.wait,
  };
  if (settings.wait) {
    return await showBatch(context, { request, checks: checks.map(({ name }) => name) });
  }
  const accepted = await ask(context, { request, reply: "accepted" });
  if (accepted === undefined) return interruptedEarly(context);
  const format = outputNamed(settings.output);
  context.print(format.write({ type: "sent", batchId: accepted.batchId }, context));
  return EXIT_STATUS.ok;
}

/** Lists batches, or shows the one whose id begins with the argument. Gives the exit status. */
export async function results(context: CommandContext): Promise<number> {
  const { argument } = context.settings;
  const reply = await ask(context, { request: { type: "batches" }, reply: "batches" });
  if (reply === undefined) return EXIT_STATUS.interrupted;
  if (argument !== undefined) {
    const found = reply.batches.map(({ batchId }) => batchId)
      .filter((batchId) => batchId.startsWith(argument.toUpperCase()));
    const [batchId = argument.toUpperCase()] = found;
    if (found.length > 1) {
      const shown = JSON.stringify(argument);
      throw new UsageError(`${found.length} batches begin with ${shown}: give more of the id`);
    }
    return await showBatch(context, { request: { type: "results", batchId }, checks: [] });
  }
  const format = outputNamed(context.settings.output);
  const { batches } = reply;
  context.print(format.write({ type: "batches", batches, nowMs: context.clock.wallMs() }, context));
  return EXIT_STATUS.ok;
}

interface Shown {
  readonly request: Request & { type: "check" | "results" };
  /** The names of the checks, where they are known. */
  readonly checks: readonly string[];
}

async function showBatch(context: CommandContext, shown: Shown): Promise<number> {
  const { clock, timers, live, printError } = context;
  const view = new BatchView({ checks: shown.checks });
  const format = outputNamed(context.settings.output);
  const startMs = clock.nowMs();
  let batchId: string | undefined;
  const counts = () => view.counts();
  const line = new ProgressLine({ live, clock, timers, write: printError, counts });
  const take = (reply: Reply) => {
    if (reply.type === "accepted") {
      batchId = reply.batchId;
      view.expect(reply.nodes);
      if (shown.request.type === "check") line.start();
    } else if (reply.type === "progress") {
      const news = view.update(reply.progress);
      if (news === undefined || batchId === undefined) return;
      const { node } = reply.progress;
      const text = format.write({ type: "answered", batchId, node, results: news }, context);
      if (text !== "") context.print(text);
    }
  };
  let end;
  try {
    end = await follow(context, { request: shown.request, take });
  } catch (error) {
    if (!(error instanceof UnreachableError) || batchId === undefined) throw error;
    const see = seeLater(context, batchId);
    throw new UnreachableError(
      `batch ${batchId} was sent; once it is up, "${see}": ${error.message}`,
      {
        cause: error,
        reason: error.reason,
      },
    );
  } finally {
    line.stop();
  }
  if (batchId === undefined) {
    if (end === "interrupted") return interruptedEarly(context);
    throw silent(context);
  }
  const see = seeLater(context, batchId);
  if (end === "interrupted") {
    const id = printable(batchId);
    printError(`gcheck: interrupted, and batch ${id} goes on: see it with "${see}"\n`);
    return EXIT_STATUS.interrupted;
  }
  const elapsed = shown.request.type === "check" ? { elapsedMs: clock.nowMs() - startMs } : {};
  const report = view.report({ batchId, ...elapsed });
  const isOpen = report.counts.answered < report.counts.nodes;
  const hint = isOpen ? { seeLater: see } : {};
  context.print(format.write({ type: "report", report, showPassing: false, ...hint }, context));
  return report.exitStatus;
}

/** Before the daemon confirmed a batch nobody knows whether it will run. */
function interruptedEarly(context: CommandContext): number {
  const see = seeLater(context, undefined);
  context.printError(
    `gcheck: interrupted before the daemon confirmed anything: see what it has with "${see}"\n`,
  );
  return EXIT_STATUS.interrupted;
}

/** The command that shows it, as it must be typed to reach the same daemon. */
function seeLater({ settings }: CommandContext, batchId: string | undefined): string {
  const server = formatAddress(settings.server);
  const isDefault = server === CLIENT_FLAGS.flags.server.defaultText;
  return ["gcheck", ...(isDefault ? [] : [`-server=${server}`]), "results", batchId]
    .filter((part) => part !== undefined).join(" ");
}
