/**
 * The mutation rule as a lint plugin, for `deno lint --config=scripts/mutants/lint.json`. Only the
 * linter gives a script the syntax tree of a source without a further package.
 * @module
 */
import { mutations } from "./mutations.ts";

/** One rule; each of its findings is a mutation, as JSON in the message. */
export const plugin: Deno.lint.Plugin = {
  name: "mutants",
  rules: { mutation: { create: mutations } },
};

// The linter looks for a default export.
// deno-lint-ignore gossipcheck/no-default-export
export default plugin;
