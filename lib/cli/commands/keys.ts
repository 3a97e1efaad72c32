/**
 * The command `keys`: lists the cluster keys of all nodes, or changes them, one step at a time.
 *
 * A step that only some nodes carry out could split the cluster. So `use` and `remove` first list
 * the keys of all nodes, and are sent only if every node can carry them out.
 * @module
 */
import { encodeBody } from "../../batch/body.ts";
import type { CheckResult, Outcome } from "../../batch/check.ts";
import type { KeyListing, KeyOperation } from "../../batch/key_operation.ts";
import { fingerprintOf, isFingerprint, parseKey } from "../../encryption_key.ts";
import { EXIT_STATUS, UsageError } from "../../errors.ts";
import { inFlag, withSource } from "../../flag_errors.ts";
import { KEY_OPERATION_EXPIRES_MS } from "../../limits.ts";
import { type BatchReport, BatchView } from "../batch_view.ts";
import { heldKeyLabel, KEYS_LABEL, type NodeResults, nodeResults } from "../node_results.ts";
import { outputNamed } from "../outputs/registry.ts";
import { batchRequest, signerOf } from "../signed_submission.ts";
import type { CommandContext } from "./context.ts";
import { follow, silent } from "./daemon_replies.ts";

/** The arguments of `keys`. */
export const KEY_STEPS = ["install", "use", "remove", "list"] as const;

/**
 * Runs the step that the argument names. Returns the exit status; raises `UsageError` for bad
 * arguments.
 */
export async function keys(context: CommandContext): Promise<number> {
  const operation = await readOperation(context);
  if (operation.type === "use" || operation.type === "remove") {
    const before = await gather(context, { type: "list" });
    if (before === undefined) return interrupted(context, "nothing was changed");
    const reasons = obstacles(operation, before.nodes);
    // A node of an older release that cannot list its keys cannot carry out the step either.
    const isKnown = before.exitStatus === EXIT_STATUS.ok;
    if (!isKnown || reasons.size > 0) return refuse(context, { before, reasons });
  }
  const report = await gather(context, operation);
  if (report === undefined) {
    return interrupted(context, 'see the keys of each node with "gcheck keys list"');
  }
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
  // The error does not repeat the argument, which may be a secret key.
  if (isFingerprint(fingerprint)) return { type, fingerprint };
  throw new UsageError(
    `command keys ${type}: no fingerprint: expected 16 hex digits as "keys list" shows them`,
  );
}

async function readKey(context: CommandContext, path: string): Promise<Uint8Array> {
  const text = await context.readSecret(path);
  const source = path === "-" ? "stdin" : path;
  return inFlag("-key-file", () => withSource(source, () => parseKey(text)));
}

/** Sends a key operation to all nodes and collects their reports; undefined after Control-C. */
async function gather(
  context: CommandContext,
  operation: KeyOperation,
): Promise<BatchReport | undefined> {
  const { clock } = context;
  const view = new BatchView({ checks: [] });
  const body = encodeBody({ type: "keys", operation });
  const expiresInMs = KEY_OPERATION_EXPIRES_MS;
  const request = batchRequest(
    { order: { type: "unsigned", body, target: {}, expiresInMs }, wait: true },
    await signerOf(context),
  );
  const startMs = clock.nowMs();
  let batchId: string | undefined;
  const end = await follow(context, {
    request,
    take: (reply) => {
      if (reply.type === "accepted") {
        batchId = reply.batchId;
        view.expect(reply.nodes);
      } else if (reply.type === "state") view.setState(reply.state);
      else if (reply.type === "progress") view.update(nodeResults(reply.progress));
    },
  });
  if (end === "interrupted") return undefined;
  if (batchId === undefined) throw silent(context);
  return view.report({ batchId, elapsedMs: clock.nowMs() - startMs });
}

/** The reasons why nodes cannot carry out the step, by node. */
function obstacles(
  { type, fingerprint }: KeyOperation & { type: "use" | "remove" },
  nodes: readonly NodeResults[],
): ReadonlyMap<string, string> {
  const listings = listingsOf(nodes);
  const reasons = new Map<string, string>();
  const isKnown = [...listings.values()].some(({ held }) => held.includes(fingerprint));
  for (const [node, { primary, held }] of listings) {
    if (type === "use" && !held.includes(fingerprint)) {
      reasons.set(node, `key ${fingerprint} is not on this node: install it first`);
    } else if (type === "remove" && primary === fingerprint) {
      reasons.set(node, `this node encrypts with key ${fingerprint}: use another one first`);
    } else if (type === "remove" && !isKnown) {
      reasons.set(node, `no node that answered has key ${fingerprint}`);
    }
  }
  return reasons;
}

function listingsOf(nodes: readonly NodeResults[]): ReadonlyMap<string, KeyListing> {
  const listings = new Map<string, KeyListing>();
  for (const found of nodes) {
    if (found.state === "done" && found.listing !== undefined) {
      listings.set(found.node, found.listing);
    }
  }
  return listings;
}

/** Adds to each node's keys a failed row for each key that only other nodes have. */
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
          { status: "fail", reason: "this node does not have this key" },
          heldKeyLabel(fingerprint),
        )
      );
      view.update({ ...progress, results: [...progress.results, ...results] });
    }
  }
  return { ...report, ...view.report({}) };
}

/** Shows for each node why the step was not sent. */
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
      : { status: "skipped", reason: "not sent, because another node cannot carry it out" };
    view.update({ ...progress, results: isListed ? [resultOf(outcome)] : progress.results });
  }
  const status = show(context, { ...before, ...view.report({}) });
  context.printError("gcheck: nothing was changed: not every node can carry out this step\n");
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

function resultOf(outcome: Outcome, check = KEYS_LABEL): CheckResult {
  return { check, outcome, durationMs: 0 };
}
