/**
 * `check` and `results ID`: one batch, followed or looked up, and shown.
 * @module
 */
import { encodeChecks } from "../../checks/codec.ts";
import type { Check } from "../../checks/check.ts";
import type { RequestSource } from "../../client/client.ts";
import type { Reply } from "../../client/protocol.ts";
import { EXIT_STATUS, UnreachableError } from "../../errors.ts";
import { BatchView } from "../batch_view.ts";
import { outputNamed } from "../outputs/registry.ts";
import { printable } from "../../printable.ts";
import { signerOf, signSubmission } from "../signed_submission.ts";
import { ProgressLine } from "../progress_line.ts";
import { readChecks } from "./check_file.ts";
import type { CommandContext } from "./context.ts";
import { batchIdOf, cancelCommand, seeLater } from "./find_batch.ts";
import { ask, follow, silent } from "./waiting.ts";

/** Sends the checks and, unless told otherwise, waits for their outcomes. Gives the exit status. */
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

/** Lists batches, or shows the one whose id begins with the argument. Gives the exit status. */
export async function results(context: CommandContext): Promise<number> {
  const { argument } = context.settings;
  const reply = await ask(context, { request: { type: "batches" }, reply: "batches" });
  if (reply === undefined) return EXIT_STATUS.interrupted;
  if (argument !== undefined) {
    const batchId = batchIdOf(argument, reply.batches);
    return await showBatch(context, {
      request: { type: "results", batchId },
      checks: [],
      follows: false,
    });
  }
  const format = outputNamed(context.settings.output);
  const { batches } = reply;
  context.print(format.write({ type: "batches", batches, nowMs: context.clock.wallMs() }, context));
  return EXIT_STATUS.ok;
}

/** What is sent; where it is signed it is made once the daemon's name is known. */
async function checkRequest(
  context: CommandContext,
  checks: readonly Check[],
): Promise<RequestSource> {
  const { target, limit, rollout, expiresInMs, wait } = context.settings;
  const batch = {
    target,
    ...(limit === undefined ? {} : { limit }),
    ...(rollout === undefined ? {} : { rollout }),
    expiresInMs,
  };
  const signer = await signerOf(context);
  if (signer === undefined) return { type: "check", checks, ...batch, wait };
  const body = encodeChecks(checks);
  return ({ node }) => ({
    ...{ type: "check", checks, ...batch, wait },
    signed: signSubmission({ node, body, ...batch }, signer),
  });
}

interface Shown {
  readonly request: RequestSource;
  /** Whether the batch is followed until it has settled, and not only looked up. */
  readonly follows: boolean;
  /** The names of the checks, where they are known. */
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
    const told = `batch ${batchId} was sent; once it is up, "${see}": ${error.message}`;
    throw new UnreachableError(told, { cause: error, reason: error.reason });
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
      `gcheck: interrupted, and batch ${id} goes on: see it with "${see}", ` +
        `end it with "${cancelCommand(context, batchId)}"\n`,
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

/** Before the daemon confirmed a batch nobody knows whether it will run. */
function interruptedEarly(context: CommandContext): number {
  const see = seeLater(context, undefined);
  context.printError(
    `gcheck: interrupted before the daemon confirmed anything: see what it has with "${see}"\n`,
  );
  return EXIT_STATUS.interrupted;
}
