/**
 * The lint plugin that deno.json names. A new rule is a function in `rules.ts`, a line here and a
 * case in `plugin_test.ts`.
 * @module
 */
import {
  errorWording,
  fileLength,
  functionLength,
  noDefaultExport,
  noModuleState,
  noPlatform,
  positionalParameters,
  privateFields,
} from "./rules.ts";

/** The rules by name, as `deno lint` prints them after `gossipcheck/`. */
export const plugin: Deno.lint.Plugin = {
  name: "gossipcheck",
  rules: {
    "error-wording": { create: errorWording },
    "file-length": { create: fileLength },
    "function-length": { create: functionLength },
    "no-default-export": { create: noDefaultExport },
    "no-module-state": { create: noModuleState },
    "no-platform": { create: noPlatform },
    "positional-parameters": { create: positionalParameters },
    "private-fields": { create: privateFields },
  },
};

// The linter requires a default export; no other file of the project has one.
// deno-lint-ignore gossipcheck/no-default-export
export default plugin;
