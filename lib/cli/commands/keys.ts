/**
 * `keys`: what the nodes hold and encrypt with, and changes of it, one step on all nodes at a time.
 *
 * A step that reached some nodes and not others would split the cluster. So `use` and `remove` look
 * first, and are sent only where every node can follow.
 * @module
 */
import type { CheckResult, Outcome } from "../../checks/check.ts";
import type { RequestSource } from "../../client/client.ts";
import type { NodeProgress, SignedPart } from "../../client/protocol.ts";
import { fingerprintOf, isFingerprint, parseKey } from "../../encryption_key.ts";
import { EXIT_STATUS, UsageError } from "../../errors.ts";
import {
  encodeKeyOperation,
  heldKeyCheck,
  KEY_OPERATION_CHECK,
  type KeyListing,
  type KeyOperation,
  listingFromChecks,
} from "../../batch/key_operation.ts";
import { KEY_OPERATION_EXPIRES_MS } from "../../limits.ts";
import { type BatchReport, BatchView } from "../batch_view.ts";
import { type Signer, signerOf, signSubmission } from "../signed_submission.ts";
import { outputNamed } from "../outputs/registry.ts";
import type { CommandContext } from "./context.ts";
import { follow, silent } from "./waiting.ts";

/** What `keys` is followed by. */
export const KEY_STEPS = ["install", "use", "remove", "list"] as const;

/** Does what the argument says. Gives the exit status; raises `UsageError` on bad arguments. */
export async function keys(context: CommandContext): Promise<number> {
  const operation = await readOperation(context);
  if (operation.type === "use" || operation.type === "remove") {
    const before = await gather(context, { type: "list" });
    if (before === undefined) return interrupted(context, "nothing was changed");
    const reasons = obstacles(operation, before.nodes);
    // Whoever cannot list its keys, being of an older release, could not follow either.
    const isKnown = before.exitStatus === EXIT_STATUS.ok;
    if (!isKnown || reasons.size > 0) return refuse(context, { before, reasons });
  }
  const report = await gather(context, operation);
  if (report === undefined) return interrupted(context, 'see what holds with "gcheck keys list"');
  return show(context, operation.type === "list" ? compared(report) : report);
}

async function readOperation(context: CommandContext): Promise<KeyOperation> {
  const { argument, secondArgument, keyFile } = context.settings;
  const type = KEY_STEPS.find((step) => step === argument);
  if (type === undefined) {
    const shown = JSON.stringify(argument ?? "");
    throw new UsageError(`command keys: unknown step ${shown}: expected ${KEY_STEPS.join(", ")}`);
  }
  if (type === "list" || type === "install") {
    if (secondArgument !== undefined) {
      throw new UsageError(`unexpected argument ${JSON.stringify(secondArgument)} after ${type}`);
    }
    if (type === "list") return { type };
    if (keyFile !== undefined) return { type, key: await readKey(context, keyFile) };
    throw new UsageError("command keys install needs the key: give -key-file FILE, or - for stdin");
  }
  if ((secondArgument === undefined) === (keyFile === undefined)) {
    throw new UsageError(
      `command keys ${type} needs one key: give its fingerprint as "keys list" shows it, or -key-file`,
    );
  }
  const fingerprint = keyFile === undefined
    ? (secondArgument ?? "").toLowerCase()
    : fingerprintOf(await readKey(context, keyFile));
  // Not repeated: it may be a key that was typed here by mistake.
  if (isFingerprint(fingerprint)) return { type, fingerprint };
  throw new UsageError(
    `command keys ${type}: no fingerprint: expected 16 hex digits as "keys list" shows them`,
  );
}

async function readKey(context: CommandContext, path: string): Promise<Uint8Array> {
  const text = await context.readSecret(path);
  try {
    return parseKey(text);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const name = path === "-" ? "stdin" : path;
    throw new UsageError(`flag -key-file: ${name}: ${error.message}`, { cause: error });
  }
}

/** What every node answered; undefined after Control-C. */
async function gather(
  context: CommandContext,
  operation: KeyOperation,
): Promise<BatchReport | undefined> {
  const { clock } = context;
  const view = new BatchView({ checks: [] });
  const signer = await signerOf(context);
  const request: RequestSource = signer === undefined
    ? { type: "keys", operation }
    : ({ node }) => ({ type: "keys", operation, signed: signKeys({ node, operation }, signer) });
  const startMs = clock.nowMs();
  let batchId: string | undefined;
  const end = await follow(context, {
    request,
    take: (reply) => {
      if (reply.type === "accepted") {
        batchId = reply.batchId;
        view.expect(reply.nodes);
      } else if (reply.type === "state") view.setState(reply.state);
      else if (reply.type === "progress") view.update(reply.progress);
    },
  });
  if (end === "interrupted") return undefined;
  if (batchId === undefined) throw silent(context);
  return view.report({ batchId, elapsedMs: clock.nowMs() - startMs });
}

/** The daemon makes the same batch of it. */
function signKeys(
  { node, operation }: { node: string; operation: KeyOperation },
  signer: Signer,
): SignedPart {
  const body = encodeKeyOperation(operation);
  const expiresInMs = KEY_OPERATION_EXPIRES_MS;
  return signSubmission({ node, target: {}, expiresInMs, body }, signer);
}

/** Why the step cannot be taken, by node. */
function obstacles(
  { type, fingerprint }: KeyOperation & { type: "use" | "remove" },
  nodes: readonly NodeProgress[],
): ReadonlyMap<string, string> {
  const listings = listingsOf(nodes);
  const reasons = new Map<string, string>();
  const isKnown = [...listings.values()].some(({ held }) => held.includes(fingerprint));
  for (const [node, { sealing, held }] of listings) {
    if (type === "use" && !held.includes(fingerprint)) {
      reasons.set(node, `key ${fingerprint} is not on this node: install it first`);
    } else if (type === "remove" && sealing === fingerprint) {
      reasons.set(node, `this node encrypts with key ${fingerprint}: use another one first`);
    } else if (type === "remove" && !isKnown) {
      reasons.set(node, `no node that answered has key ${fingerprint}`);
    }
  }
  return reasons;
}

function listingsOf(nodes: readonly NodeProgress[]): ReadonlyMap<string, KeyListing> {
  const listings = new Map<string, KeyListing>();
  for (const progress of nodes) {
    if (progress.state !== "done") continue;
    const passed = progress.results.filter(({ outcome }) => outcome.status === "pass");
    const listing = listingFromChecks(passed.map(({ check }) => check));
    if (listing !== undefined) listings.set(progress.node, listing);
  }
  return listings;
}

/** Every node's keys beside those that only others have. */
function compared(report: BatchReport): BatchReport {
  const listings = listingsOf(report.nodes);
  const all = new Set([...listings.values()].flatMap(({ held }) => held));
  const view = new BatchView({ checks: [] });
  for (const progress of report.nodes) {
    const held = listings.get(progress.node)?.held;
    if (progress.state !== "done" || held === undefined) view.update(progress);
    else {
      const lacking = [...all].filter((fingerprint) => !held.includes(fingerprint));
      const results = lacking.map((fingerprint) =>
        resultOf(
          { status: "fail", reason: "this node does not hold it" },
          heldKeyCheck(fingerprint),
        )
      );
      view.update({ ...progress, results: [...progress.results, ...results] });
    }
  }
  return { ...report, ...view.report({}) };
}

/** Shows why nothing was sent, as if every node had said so itself. */
function refuse(
  context: CommandContext,
  { before, reasons }: { before: BatchReport; reasons: ReadonlyMap<string, string> },
): number {
  const view = new BatchView({ checks: [] });
  for (const progress of before.nodes) {
    if (progress.state !== "done") {
      view.update(progress);
      continue;
    }
    const reason = reasons.get(progress.node);
    const isListed = listingsOf([progress]).size > 0;
    const outcome: Outcome = reason !== undefined
      ? { status: "fail", reason }
      : { status: "skipped", reason: "not asked to, since another node could not follow" };
    view.update({ ...progress, results: isListed ? [resultOf(outcome)] : progress.results });
  }
  const status = show(context, { ...before, ...view.report({}) });
  context.printError("gcheck: nothing was changed: not every node could follow\n");
  return status;
}

function show(context: CommandContext, report: BatchReport): number {
  const format = outputNamed(context.settings.output);
  const batch = report.batchId === undefined ? {} : { batchId: report.batchId };
  for (const progress of report.nodes) {
    if (progress.state !== "done") continue;
    const { node, results } = progress;
    context.print(format.write({ type: "answered", ...batch, node, results }, context));
  }
  context.print(format.write({ type: "report", report, showPassing: true }, context));
  return report.exitStatus;
}

function interrupted(context: CommandContext, what: string): number {
  context.printError(`gcheck: interrupted: ${what}\n`);
  return EXIT_STATUS.interrupted;
}

function resultOf(outcome: Outcome, check = KEY_OPERATION_CHECK): CheckResult {
  return { check, outcome, durationMs: 0 };
}
