/**
 * The command `local-check`: runs checks on this host, without a daemon.
 * @module
 */
import { EXIT_STATUS } from "../../errors.ts";
import { BatchView } from "../batch_view.ts";
import { outputNamed } from "../outputs/registry.ts";
import { readChecks } from "./check_file.ts";
import type { CommandContext } from "./context.ts";

/** The node name in results; without a daemon this host has no other. */
const NODE = "localhost";

/** Runs every check, without actions, and shows every outcome. Returns the exit status. */
export async function localCheck(context: CommandContext): Promise<number> {
  const { settings, clock, interrupted, runner } = context;
  const checks = await readChecks(context);
  if (checks === undefined) return EXIT_STATUS.usage;
  const format = outputNamed(settings.output);
  const view = new BatchView({ checks: checks.map(({ name }) => name) });
  view.expect([NODE]);
  const startMs = clock.nowMs();
  const results = await runner.run(checks, {
    signal: interrupted,
    onResult: (result) => {
      const text = format.write({ type: "answered", node: NODE, results: [result] }, context);
      if (text !== "") context.print(text);
    },
  });
  view.update({ node: NODE, state: "done", about: "checks", results });
  const report = view.report({ elapsedMs: clock.nowMs() - startMs });
  context.print(format.write({ type: "report", report, showPassing: true }, context));
  return interrupted.aborted ? EXIT_STATUS.interrupted : report.exitStatus;
}
