/**
 * Reads the check file of `-file`, and the command `validate`. A file with any error is refused
 * with all its errors.
 * @module
 */
import type { Check } from "../../batch/check.ts";
import { CheckFileError, EXIT_STATUS, type Problem, UsageError } from "../../errors.ts";
import { outputNamed } from "../outputs/registry.ts";
import { printable } from "../../printable.ts";
import type { CommandContext } from "./context.ts";

/**
 * Reads the checks of the file; if it has errors, prints all and returns undefined. Raises
 * `UsageError`.
 */
export async function readChecks(
  context: CommandContext,
): Promise<readonly Check[] | undefined> {
  const { file, checks, problems } = await read(context);
  if (problems.length === 0) return checks;
  const name = printable(file);
  for (const problem of problems) {
    const line = printable(context.formatProblem(problem));
    context.printError(`gcheck: ${name}: ${line}\n`);
  }
  return undefined;
}

/** The command `validate`: shows every error in the file. Returns the exit status. */
export async function validate(context: CommandContext): Promise<number> {
  const { file, checks, problems } = await read(context);
  const format = outputNamed(context.settings.output);
  const names = checks.map(({ name }) => name);
  const lines = problems.map(context.formatProblem);
  context.print(format.write({ type: "validated", file, checks: names, problems, lines }, context));
  return problems.length === 0 ? EXIT_STATUS.ok : EXIT_STATUS.usage;
}

interface FileRead {
  readonly file: string;
  readonly checks: readonly Check[];
  readonly problems: readonly Problem[];
}

async function read(context: CommandContext): Promise<FileRead> {
  const { file: path } = context.settings;
  if (path === undefined) throw new UsageError("no check file: give -file FILE");
  const content = await context.readFile(path);
  const file = path === "-" ? "stdin" : path;
  try {
    return { file, checks: context.parseCheckFile(content), problems: [] };
  } catch (error) {
    if (!(error instanceof CheckFileError)) throw error;
    return { file, checks: [], problems: error.problems };
  }
}
