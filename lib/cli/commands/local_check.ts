/**
 * `local-check`: the file's checks on this host.
 * @module
 */
import { EXIT_STATUS } from "../../errors.ts";
import { BatchView } from "../batch_view.ts";
import { outputNamed } from "../outputs/registry.ts";
import { readChecks } from "./check_file.ts";
import type { CommandContext } from "./context.ts";

/** What stands for this host, where no daemon has given it a name. */
const NODE = "localhost";

/** Runs every check, without actions, and shows every outcome. Gives the exit status. */
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
  view.update({ node: NODE, state: "done", results });
  const report = view.report({ elapsedMs: clock.nowMs() - startMs });
  context.print(format.write({ type: "report", report, showPassing: true }, context));
  return interrupted.aborted ? EXIT_STATUS.interrupted : report.exitStatus;
}
