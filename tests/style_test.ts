/**
 * Plain English in the texts that users read: no string of the programs contains an expression that
 * the style rules exclude. Comments are not checked.
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { fromFileUrl, join } from "@std/path";

/** An excluded expression, a text that contains it, and what to write instead. */
interface Rule {
  readonly pattern: RegExp;
  readonly example: string;
  readonly instead: string;
}

const RULES: readonly Rule[] = [
  {
    pattern: /\b(?:who|no|any|some|every)(?:ever|body)\b/,
    example: "whoever reaches the port can run any command",
    instead: "name the actor: every program, no member",
  },
  {
    pattern: /\bwho (?:is|are|was|has|wants?|asks?|signed)\b|\bthose (?:who|meant)\b/,
    example: "the clock of who signed it is ahead",
    instead: "name the actor: the signer, the target",
  },
  {
    pattern: /\b[Ww]here (?:it|they|there|no|nothing|none|all|a|an|the|one|this|that|others)\b/,
    example: "Passes where the text is in the file",
    instead: "if",
  },
  {
    pattern: /\bare the most\b|\bthe most\b/,
    example: "a function of 70 lines where 60 are the most",
    instead: "state the value and the limit: is 70 lines long; maximum 60",
  },
  { pattern: /\bso (?:many|much)\b/, example: "so many in all", instead: "a number of" },
  { pattern: /\bword of\b/, example: "the word of which have come", instead: "acknowledgement" },
  { pattern: /\b(?:told|tells?)\b/, example: "it told them better", instead: "refuted, reported" },
  {
    pattern: /\bheld\b.*\bfor (?:gone|dead|failed|lost)\b/,
    example: "another node held this one for dead",
    instead: "a dead message about this node",
  },
  { pattern: /\bgone\b/, example: "the member is gone", instead: "failed, left, deleted" },
  {
    pattern: /\blets? (?:\S+ )?(?:in|go)\b/,
    example: "the daemon does not let you in",
    instead: "accepts, refuses, releases",
  },
  { pattern: /\btak(?:en?|es|ing) up\b/, example: "may be taken up", instead: "accepted, started" },
  { pattern: /\badmit(?:s|ted)?\b/, example: "it was not admitted", instead: "accepted" },
  { pattern: /\bgoes\b(?! on)/, example: "has version 3: 1 goes", instead: "is allowed, expected" },
  { pattern: /\bgood for\b/, example: "good for nothing", instead: "valid for" },
  {
    pattern: /\bspares?\b/,
    example: "shorter spares new ones old commands",
    instead: "keeps from",
  },
  { pattern: /\bow(?:es|ed)\b/, example: "owed to the origin", instead: "not acknowledged" },
  { pattern: /\bours\b/, example: "the token is not ours", instead: "of this node" },
  {
    pattern: /\b(?:in the hat|off (?:our|its) hands|the world)\b/,
    example: "it is off our hands",
    instead: "the standard term",
  },
  {
    pattern: /\b(?:is|are|not|all|sent) home\b/,
    example: "results that are not home are lost",
    instead: "acknowledged, delivered",
  },
  {
    pattern: /\b(?:second|other) phase\b|\badvertising\b/,
    example: "period of the second phase",
    instead: "anti-entropy",
  },
  {
    pattern: /\bmakes? room\b|\bmade room\b|\broom (?:for|of)\b/,
    example: "it made room for another connection",
    instead: "evict, limit",
  },
  {
    pattern: /\b(?:waves?|verdicts?|receipts?|strangers?|newcomers?|rumou?rs?|errands?)\b/,
    example: "no receipt came",
    instead: "the term of the glossary: stage, outcome, ack, unauthenticated connection",
  },
  { pattern: /\bmend(?:s|ed)?\b/, example: "the action mended it", instead: "repair, fix" },
  {
    pattern: /\bconfirm(?:s|ed|ing)\b|\bto confirm\b/,
    example: "the origin confirmed it",
    instead: "acknowledge",
  },
  { pattern: /\blife\b/, example: "for another life", instead: "session" },
  {
    pattern:
      /\bis (?:not |still |no longer )?there(?: already| twice)?$|\bis there (?:already|twice)\b/,
    example: "FILE is not there",
    instead: "does not exist, exists already, appears twice",
  },
  {
    pattern: /\bbecame of\b|\bcame of\b/,
    example: "see what became of it",
    instead: "its results",
  },
  {
    pattern: /\bproven? (?:it|them)sel/,
    example: "has not proven itself",
    instead: "authenticate",
  },
];

/** The literal text of an expression, with `…` for each value; `undefined` if it has none. */
function textOf(node: Deno.lint.Node): string | undefined {
  switch (node.type) {
    case "Literal":
      return typeof node.value === "string" ? node.value : undefined;
    case "TemplateLiteral":
      return node.quasis.map((quasi) => quasi.cooked).join("…");
    case "BinaryExpression": {
      if (node.operator !== "+") return undefined;
      const parts = [textOf(node.left), textOf(node.right)];
      return parts.every((part) => part === undefined)
        ? undefined
        : parts.map((part) => part ?? "…").join("");
    }
    default:
      return undefined;
  }
}

function isPartOfSum({ parent }: Deno.lint.Node & { readonly parent: Deno.lint.Node }): boolean {
  return parent.type === "BinaryExpression" && parent.operator === "+";
}

/** A lint plugin that reports each literal text with an excluded expression. */
const STYLE: Deno.lint.Plugin = {
  name: "style",
  rules: {
    "plain-english": {
      create(context) {
        const check = (node: Deno.lint.Node & { readonly parent: Deno.lint.Node }) => {
          if (isPartOfSum(node)) return;
          const text = textOf(node)?.replaceAll(/\s+/g, " ") ?? "";
          // A single word is a name or a tag.
          if (!text.includes(" ")) return;
          for (const { pattern, instead } of RULES) {
            const [found] = text.match(pattern) ?? [];
            if (found === undefined) continue;
            context.report({ node, message: `"${found}" in ${JSON.stringify(text)}: ${instead}` });
          }
        };
        return { Literal: check, TemplateLiteral: check, BinaryExpression: check };
      },
    },
  },
};

/** The excluded expressions in the strings of a source, each as `PATH:LINE: "EXPRESSION" in "TEXT": HINT`. */
function findings(path: string, source: string): string[] {
  return Deno.lint.runPlugin(STYLE, path, source).map(({ message, range: [start] }) => {
    const line = source.slice(0, start).split("\n").length;
    return `${path}:${line}: ${message}`;
  });
}

const ROOT = fromFileUrl(new URL("..", import.meta.url));

function* sources(directory: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(join(ROOT, directory))) {
    const path = `${directory}/${name}`;
    if (isDirectory) yield* sources(path);
    else if (/\.ts$/.test(name) && !/(?:_test|_bench|\.d)\.ts$/.test(name)) yield path;
  }
}

const SOURCES = ["main.ts", "cli.ts", ...sources("lib")].sort();
const FINDINGS = new Map(
  SOURCES.map((path) => [path, findings(path, Deno.readTextFileSync(join(ROOT, path)))]),
);

Deno.test("no string of the programs contains an expression that the style rules exclude", () => {
  const found = SOURCES.flatMap((path) => FINDINGS.get(path) ?? []);
  assertEquals(found, []);
});

Deno.test("the style test finds each excluded expression, with its line", () => {
  for (const { pattern, example } of RULES) {
    const [finding] = findings("lib/a.ts", `const a = 1;\nthrow new UsageError("${example}");\n`);
    assert(finding?.startsWith("lib/a.ts:2: "), `${pattern} does not find "${example}"`);
  }
});

Deno.test("the style test reads strings, templates and sums of them, and no comments", () => {
  const cases: readonly (readonly [string, number])[] = [
    ['const a = "it is gone";', 1],
    ["const a = `${name} is gone`;", 1],
    ['const a = `${gone ? "it is gone" : "it is here"}`;', 1],
    ['const a = "so " +\n  "many";', 1],
    ['const a = "so " + count + " many";', 0],
    ['const a = { summary: "Passes where it is" };', 1],
    ["// it is gone\nconst gone = 1;", 0],
    ['/** it is gone */\nconst a = "a client left";', 0],
    ['const event = "client_gone";', 0],
    ['const tag = "gone";', 0],
    ['const sql = "DELETE FROM batch WHERE one = 1";', 0],
  ];
  for (const [source, expected] of cases) {
    assertEquals(findings("lib/a.ts", source).length, expected, source);
  }
  assertGreater(SOURCES.length, 100);
});
