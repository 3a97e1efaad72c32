import { assertEquals } from "@std/assert";
import { plugin } from "./plugin.ts";
import { FILE_MAX_LINES, FUNCTION_MAX_LINES } from "./rules.ts";

interface Case {
  readonly rule: string;
  /** Path of the source. Default `lib/a.ts`. */
  readonly path?: string;
  readonly source: string;
  readonly findings: number;
}

const lines = (count: number) => "// line\n".repeat(count);
const functionOf = (count: number) => `function f() {\n${lines(count - 2)}}\n`;

const CASES: readonly Case[] = [
  { rule: "private-fields", source: "class A { private a = 1; }", findings: 1 },
  { rule: "private-fields", source: "class A { private m() {} }", findings: 1 },
  { rule: "private-fields", source: "class A { constructor(private a: number) {} }", findings: 1 },
  { rule: "private-fields", source: "class A { #a = 1; readonly b = 2; m() {} }", findings: 0 },

  { rule: "positional-parameters", source: "function f(a, b, c) {}", findings: 1 },
  { rule: "positional-parameters", source: "const f = (a, b, c) => a;", findings: 1 },
  { rule: "positional-parameters", source: "class A { m(a, b, ...c) {} }", findings: 1 },
  { rule: "positional-parameters", source: "function f(a, ...b) {}", findings: 0 },
  { rule: "positional-parameters", source: "function f(this: A, a: B, b: C) {}", findings: 0 },
  { rule: "positional-parameters", source: "s.replace(r, (a, b, c) => a);", findings: 0 },

  { rule: "function-length", source: functionOf(FUNCTION_MAX_LINES), findings: 0 },
  { rule: "function-length", source: functionOf(FUNCTION_MAX_LINES + 1), findings: 1 },
  { rule: "function-length", source: `const f = () => {\n${lines(60)}};`, findings: 1 },

  { rule: "file-length", source: lines(FILE_MAX_LINES), findings: 0 },
  { rule: "file-length", source: lines(FILE_MAX_LINES + 1), findings: 1 },

  { rule: "no-default-export", source: "export default 1;", findings: 1 },
  { rule: "no-default-export", source: "export const a = 1;", findings: 0 },

  { rule: "no-module-state", source: "let a = 1;", findings: 1 },
  { rule: "no-module-state", source: "export let a = 1;", findings: 1 },
  { rule: "no-module-state", source: "const a = 1; function f() { let b = 1; }", findings: 0 },

  { rule: "no-platform", source: "Deno.exit(1);", findings: 1 },
  { rule: "no-platform", path: "lib/denominator/a.ts", source: "Deno.exit(1);", findings: 1 },
  { rule: "no-platform", path: "lib/deno/host.ts", source: "Deno.exit(1);", findings: 0 },
  { rule: "no-platform", path: "main.ts", source: "Deno.exit(1);", findings: 0 },
  { rule: "no-platform", path: "lib/swim/a_test.ts", source: "Deno.test(f);", findings: 0 },
  { rule: "no-platform", source: "host.exit(1);", findings: 0 },

  { rule: "error-wording", source: 'new UsageError("-bind: no port");', findings: 0 },
  { rule: "error-wording", source: "new UsageError(`${flag}: no port`);", findings: 0 },
  { rule: "error-wording", source: 'new WireError("malformed", "a part too many");', findings: 0 },
  { rule: "error-wording", source: 'new WireError("malformed", "TCP frame cut");', findings: 0 },
  { rule: "error-wording", source: 'new UsageError("no port: " +\n "give one");', findings: 0 },
  { rule: "error-wording", source: 'new UsageError("no port: " + reason);', findings: 0 },
  { rule: "error-wording", source: 'new UsageError("no port.");', findings: 1 },
  { rule: "error-wording", source: 'new UsageError("No port");', findings: 1 },
  { rule: "error-wording", source: 'new UsageError("error: no port");', findings: 1 },
  { rule: "error-wording", source: 'new UsageError("no\\nport");', findings: 1 },
  { rule: "error-wording", source: 'new UsageError("a " + b + "!");', findings: 1 },
  { rule: "error-wording", source: "new UsageError(`a ${b}.`);", findings: 1 },
  { rule: "error-wording", path: "lib/a_test.ts", source: 'new HostError("No.");', findings: 0 },
  { rule: "error-wording", source: "new Sentence(`A ${b}.`);", findings: 0 },
];

Deno.test("each rule has the expected number of findings in each case", () => {
  for (const { rule, path, source, findings } of CASES) {
    const found = Deno.lint.runPlugin(plugin, path ?? "lib/a.ts", source)
      .filter((diagnostic) => diagnostic.id === `gossipcheck/${rule}`);
    assertEquals(found.length, findings, `${rule}: ${source.slice(0, 80)}`);
  }
});

Deno.test("each rule has a case with findings", () => {
  const found = new Set(CASES.filter((one) => one.findings > 0).map((one) => one.rule));
  assertEquals([...found].sort(), Object.keys(plugin.rules).sort());
});
