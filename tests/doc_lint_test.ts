/** What `scripts/doc_lint.ts` reports of the documentation of a file, and what it lets pass. */
import { assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { inTemporaryFolder } from "./support/temporary_folder.ts";
import { type CommandResult, runCommand } from "./support/process.ts";

const SCRIPT = fromFileUrl(new URL("../scripts/doc_lint.ts", import.meta.url));

interface Case {
  readonly source: string;
  /** The code and the line of each finding. */
  readonly findings: readonly string[];
}

const CASES: Readonly<Record<string, Case>> = {
  "fields of interfaces and of type literals need no comment": {
    source: `/** What one can do. */
export interface Action {
  readonly type: "stop" | "start";
  readonly delayMs: number;
  "x-é": string; ["y"]?: { readonly deep: 1 };
}
/** What one can do. */
export type Actions = Action | { readonly type: "wait"; readonly delayMs: number };
/** A room with an interface in it. */
export namespace Room {
  /** A door. */
  export interface Door {
    readonly open: boolean;
  }
}
`,
    findings: [],
  },
  "a method needs a comment, also one that is written as a field": {
    source: `/** What one can do. */
export interface Action {
  start(): void;
  readonly stop: () => void;
}
`,
    findings: ["missing-jsdoc 3", "missing-jsdoc 4"],
  },
  "all else that is exported needs a comment": {
    source: `export const LIMIT = 1;
export function run(): void {}
export class Runner {
  count: number = 0;
  stop(): void {}
}
export interface Action {
  readonly delayMs: number;
}
export type Name = string;
`,
    findings: [1, 2, 3, 4, 5, 7, 10].map((line) => `missing-jsdoc ${line}`),
  },
  "a private type and a missing return type are reported": {
    source: `interface Hidden {
  readonly a: number;
}
/** What one can do. */
export interface Action {
  readonly hidden: Hidden;
}
/** Adds one. */
export function next(value: number) {
  return value + 1;
}
`,
    findings: ["private-type-ref 6", "missing-return-type 9"],
  },
};

function docLint(...files: readonly string[]): Promise<CommandResult> {
  const args = ["run", "--quiet", "--allow-run", "--allow-read", SCRIPT, ...files];
  return runCommand({ program: Deno.execPath(), args });
}

for (const [name, { source, findings }] of Object.entries(CASES)) {
  Deno.test(name, async () => {
    await inTemporaryFolder(async (folder) => {
      const path = `${folder}/subject.ts`;
      await Deno.writeTextFile(path, source);
      const { code, stderr } = await docLint(path);
      const found = [...stderr.matchAll(/^error\[([\w-]+)\].*\n\s*--> .*:(\d+):\d+$/gm)];
      assertEquals(found.map(([, reason, line]) => `${reason} ${line}`), findings, stderr);
      assertEquals(code, findings.length === 0 ? 0 : 1);
    });
  });
}

Deno.test("a file that cannot be read is a failure", async () => {
  const { code, stderr } = await docLint("/nowhere/subject.ts");
  assertEquals(code, 1);
  assertMatch(stderr, /nowhere\/subject\.ts/);
});
