/**
 * The commands `check` (sends a batch and waits for its results) and `results` (shows a batch, or
 * lists batches).
 * @module
 */
import { encodeBody } from "../../batch/body.ts";
import type { Check } from "../../batch/check.ts";
import type { RequestSource } from "../../client/client.ts";
import type { Reply } from "../../client/protocol.ts";
import { EXIT_STATUS, UnreachableError } from "../../errors.ts";
import { BatchView } from "../batch_view.ts";
import { nodeResults } from "../node_results.ts";
import { outputNamed } from "../outputs/registry.ts";
import { printable } from "../../printable.ts";
import { batchRequest, signerOf } from "../signed_submission.ts";
import { ProgressLine } from "../progress_line.ts";
import { readChecks } from "./check_file.ts";
import type { CommandContext } from "./context.ts";
import { batchIdOf, cancelCommand, seeLater } from "./find_batch.ts";
import { ask, follow, silent } from "./daemon_replies.ts";

/** Sends the checks and, without `-no-wait`, waits for their results. Returns the exit status. */
export async function check(context: CommandContext): Promise<number> {
  const { settings } = context;
  const checks = await readChecks(context);
  if (checks === undefined) return EXIT_STATUS.usage;
  const request = await checkRequest(context, checks);
  if (settings.wait) {
    const names = checks.map(({ name }) => name);
    return await showBatch(context, { request, checks: names, follows: true });
  }
  const accepted = await ask(context, { request, reply: "accepted" });
  if (accepted === undefined) return interruptedEarly(context);
  const format = outputNamed(settings.output);
  context.print(format.write({ type: "sent", batchId: accepted.batchId }, context));
  return EXIT_STATUS.ok;
}

/** Lists batches, or shows the one whose id begins with the argument. Returns the exit status. */
export async function results(context: CommandContext): Promise<number> {
  const { argument } = context.settings;
  if (argument !== undefined) {
    const batchId = await batchIdOf(context, argument);
    if (batchId === undefined) return EXIT_STATUS.interrupted;
    const request = { type: "results", batchId } as const;
    return await showBatch(context, { request, checks: [], follows: false });
  }
  const reply = await ask(context, { request: { type: "batches" }, reply: "batches" });
  if (reply === undefined) return EXIT_STATUS.interrupted;
  const format = outputNamed(context.settings.output);
  const { batches } = reply;
  context.print(format.write({ type: "batches", batches, nowMs: context.clock.wallMs() }, context));
  return EXIT_STATUS.ok;
}

/** Builds the request; encodes the checks, once. */
async function checkRequest(
  context: CommandContext,
  checks: readonly Check[],
): Promise<RequestSource> {
  const { target, limit, rollout, expiresInMs, wait } = context.settings;
  const body = encodeBody({ type: "checks", checks });
  return batchRequest({
    order: { type: "unsigned", body, target, expiresInMs },
    ...(limit === undefined ? {} : { limit }),
    ...(rollout === undefined ? {} : { rollout }),
    wait,
  }, await signerOf(context));
}

interface Shown {
  readonly request: RequestSource;
  /** Whether to wait until the batch is complete (`check`), or only look it up (`results`). */
  readonly follows: boolean;
  /** The names of the checks; empty if they are not known. */
  readonly checks: readonly string[];
}

async function showBatch(context: CommandContext, shown: Shown): Promise<number> {
  const { clock, timers, live, printError } = context;
  const view = new BatchView({ checks: shown.checks });
  const format = outputNamed(context.settings.output);
  const startMs = clock.nowMs();
  let batchId: string | undefined;
  const line = new ProgressLine({
    ...{ live, clock, timers },
    write: printError,
    counts: () => view.counts(),
    rollout: () => view.state?.rollout,
  });
  const take = (reply: Reply) => {
    if (reply.type === "accepted") {
      batchId = reply.batchId;
      view.expect(reply.nodes);
      if (shown.follows) line.start();
    } else if (reply.type === "state") {
      view.setState(reply.state);
    } else if (reply.type === "progress") {
      const news = view.update(nodeResults(reply.progress));
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
    const message = `batch ${batchId} was sent, but the daemon stopped answering; ` +
      `when it is up again run "${see}": ${error.message}`;
    throw new UnreachableError(message, { cause: error, reason: error.reason });
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
    printError(
      `gcheck: interrupted; batch ${id} continues: show it with "${see}", ` +
        `cancel it with "${cancelCommand(context, batchId)}"\n`,
    );
    return EXIT_STATUS.interrupted;
  }
  const elapsed = shown.follows ? { elapsedMs: clock.nowMs() - startMs } : {};
  const report = view.report({ batchId, ...elapsed });
  const { nodes, unreached, unanswered } = report.counts;
  const mayChange = nodes === 0 || unreached + unanswered > 0;
  const hint = mayChange ? { seeLater: see } : {};
  context.print(format.write({ type: "report", report, showPassing: false, ...hint }, context));
  return report.exitStatus;
}

/** Before the daemon accepts the batch, the client does not know whether it will run. */
function interruptedEarly(context: CommandContext): number {
  const see = seeLater(context, undefined);
  context.printError(
    `gcheck: interrupted before the daemon accepted the batch: see whether it has it with "${see}"\n`,
  );
  return EXIT_STATUS.interrupted;
}
