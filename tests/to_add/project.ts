/**
 * Fake additions to what the whole project uses: bounds, errors, libraries, fuzz tests, lint rules.
 * @module
 */
import type { Addition } from "./addition.ts";

const BOUND: Addition = {
  row: "a bound or a constant",
  edits: [{
    file: "lib/limits.ts",
    after: "export const META_MAX_BYTES = 512;\n",
    add: "/** Fakes: ours. */\nexport const FAKES_MAX = 7;\n",
  }],
  tests: [],
  proof: `
    const { FAKES_MAX } = await import("../lib/limits.ts");
    assertEquals(FAKES_MAX, 7);`,
};

const ERROR_CLASS: Addition = {
  row: "an error class",
  edits: [{
    file: "lib/errors.ts",
    after: "export type DropReason = typeof DROP_REASONS[number];\n",
    add: `
/** Something is fake. */
export class FakeError extends GossipcheckError {
  /** Says what is fake. */
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, code: "fake" });
  }
}
`,
  }],
  forced: [{
    file: "lib/errors.ts",
    after: "  wire: EXIT_STATUS.failed,\n",
    add: "  fake: EXIT_STATUS.unanswered,\n",
  }],
  tests: ["tests/architecture_test.ts"],
  proof: `
    const { FakeError } = await import("../lib/errors.ts");
    const error = new FakeError("a fake");
    assertEquals([error.name, error.code, error.exitStatus], ["FakeError", "fake", 3]);`,
};

const LIBRARY: Addition = {
  row: "a library",
  edits: [
    {
      file: "lib/std/fake_width.ts",
      add: "/** `fast-string-truncated-width` (MIT): terminal columns up to a limit. @module */\n" +
        'export { default as fakeWidth } from "npm:fast-string-truncated-width@3.0.3";\n',
    },
    {
      file: "deno.lock",
      after: '    "npm:deno-std@1.4.0": "1.4.0",\n',
      add: '    "npm:fast-string-truncated-width@3.0.3": "3.0.3",\n',
    },
    {
      file: "lib/std/fake_distance.d.ts",
      add: "/** Types of what the project uses of `@std/text/levenshtein-distance`. @module */\n" +
        "/** The edit distance of two texts. */\n" +
        "export function levenshteinDistance(one: string, other: string): number;\n",
    },
    {
      file: "lib/std/fake_distance.ts",
      add:
        `/** \`@std/text/levenshtein-distance\` from the npm package \`deno-std\` (MIT). @module */
// @ts-types="./fake_distance.d.ts"
export { levenshteinDistance } from "npm:deno-std@1.4.0/text/levenshtein_distance.js";
`,
    },
    {
      file: "deno.json",
      after: '    "@std/assert": "./lib/std/assert.ts",\n',
      add: '    "@std/text/levenshtein-distance": "./lib/std/fake_distance.ts",\n',
    },
  ],
  tests: ["tests/architecture_test.ts"],
  proof: `
    const { fakeWidth } = await import("../lib/std/fake_width.ts");
    const { levenshteinDistance } = await import("@std/text/levenshtein-distance");
    assertEquals([fakeWidth("fake").width, levenshteinDistance("fake", "face")], [4, 1]);`,
};

const DECODER: Addition = {
  row: "a decoder",
  edits: [{
    file: "tests/fuzz/decoders/secrets.ts",
    after: "export const SECRET_DECODERS: readonly Subject[] = [\n",
    add: `  subject({
    name: "fakes",
    form: "text",
    samples: [encoder.encode("fake and fake")],
    decode(bytes) {
      const text = decoder.decode(bytes);
      if (!text.startsWith("fake")) throw new UsageError("no fake");
      return text;
    },
    errors: [UsageError],
  }),
`,
  }],
  tests: [],
  proof: `
    const output = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--no-check", "--cached-only", "-P=tests", "--filter", "/^fakes: /"]
        .concat("tests/fuzz/fuzz_test.ts"),
      env: { GOSSIPCHECK_FUZZ_CASES: "300", NO_COLOR: "1" },
    }).output();
    const text = new TextDecoder().decode(output.stdout);
    assertStringIncludes(text, "fakes: 300 mutated inputs are decoded or refused");
    assertStringIncludes(text, "2 passed | 0 failed");`,
};

const LINT_RULE: Addition = {
  row: "a lint rule",
  edits: [
    {
      file: "scripts/lint/rules.ts",
      after: "type Visitor = Deno.lint.LintVisitor;\n",
      add: `/** Nothing is called fakeName. */
export function fakeRule(context: Context): Visitor {
  return {
    Identifier(node) {
      if (node.name === "fakeName") context.report({ node, message: "a fake" });
    },
  };
}
`,
    },
    { file: "scripts/lint/plugin.ts", after: "  errorWording,\n", add: "  fakeRule,\n" },
    {
      file: "scripts/lint/plugin.ts",
      after: "  rules: {\n",
      add: '    "fake-rule": { create: fakeRule },\n',
    },
    {
      file: "scripts/lint/plugin_test.ts",
      after: "const CASES: readonly Case[] = [\n",
      add: '  { rule: "fake-rule", source: "const fakeName = 1;", findings: 1 },\n',
    },
  ],
  tests: ["scripts/lint/plugin_test.ts"],
  proof: `
    const { plugin } = await import("../scripts/lint/plugin.ts");
    const [found] = Deno.lint.runPlugin(plugin, "lib/a.ts", "const fakeName = 1;");
    assertEquals([found?.id, found?.message], ["gossipcheck/fake-rule", "a fake"]);`,
};

/** The fake additions to what the whole project uses. */
export const PROJECT_ADDITIONS: readonly Addition[] = [
  BOUND,
  ERROR_CLASS,
  LIBRARY,
  DECODER,
  LINT_RULE,
];
