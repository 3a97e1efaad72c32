/**
 * The documentation lint of `deno task check`: the findings of `deno doc --lint`, except a missing
 * comment on a field of an interface. The name and the type of a field often say all, and a comment
 * that repeats them is worse than none. A field that holds a function is a method, and needs one.
 *
 * `deno run --allow-run --allow-read scripts/doc_lint.ts FILE...` prints the findings and exits with
 * status 1 if there are any.
 * @module
 */
import { fromFileUrl } from "@std/path";
import { print, printError } from "./print.ts";

/** One finding: its code, where it is (`PATH:LINE:COLUMN`, counted from 1), and its whole text. */
interface Finding {
  readonly code: string;
  readonly place: string;
  readonly text: string;
}

interface Finished {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

async function denoDoc(...args: readonly string[]): Promise<Finished> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { ok: success, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** The findings in what `deno doc --lint` prints; each begins with `error[CODE]: ` on a line of its own. */
function findingsIn(output: string): Finding[] {
  return output.split(/^(?=error\b)/m).flatMap((text) => {
    const match = text.match(/^error\[([\w-]+)\].*\n\s*--> (.+)$/m);
    return match === null ? [] : [{ code: match[1]!, place: match[2]!, text: text.trimEnd() }];
  });
}

interface Field {
  readonly location: { readonly filename: string; readonly byteIndex: number };
  readonly readonly?: boolean;
  readonly tsType?: { readonly kind: string };
}

/** The fields of all interfaces in what `deno doc --json` prints. Deno 2.6 and 2.9 nest them differently. */
function* interfaceFields(node: unknown): Generator<Field> {
  if (typeof node !== "object" || node === null) return;
  const { kind, def, interfaceDef } = node as Record<string, { properties?: Field[] }> & {
    kind?: string;
  };
  if (kind === "interface") yield* (def ?? interfaceDef)?.properties ?? [];
  for (const child of Object.values(node)) yield* interfaceFields(child);
}

/**
 * The two places that `deno doc --lint` may name for a field: Deno 2.6 names its start, 2.9 its name,
 * which `readonly` may precede. The bytes are counted alike, the lines are not.
 */
function placesOf({ location, readonly }: Field): string[] {
  const path = fromFileUrl(location.filename);
  const bytes = Deno.readFileSync(path);
  const decoder = new TextDecoder();
  const before = decoder.decode(bytes.subarray(0, location.byteIndex));
  const field = decoder.decode(bytes.subarray(location.byteIndex));
  const modifier = readonly === true ? field.match(/^readonly\s+/)?.[0] ?? "" : "";
  return [before, before + modifier].map((text) => {
    const lines = text.split("\n");
    return `${path}:${lines.length}:${[...lines.at(-1)!].length + 1}`;
  });
}

async function lint(files: readonly string[]): Promise<readonly string[]> {
  const { ok, stderr } = await denoDoc("--lint", ...files);
  if (ok) return [];
  const findings = findingsIn(stderr);
  const described = await denoDoc("--json", ...files);
  if (findings.length === 0 || !described.ok) return [`deno doc failed:\n${stderr}`];
  const exempt = new Set(
    [...interfaceFields(JSON.parse(described.stdout))]
      .filter(({ tsType }) => tsType?.kind !== "fnOrConstructor")
      .flatMap(placesOf),
  );
  return findings
    .filter(({ code, place }) => code !== "missing-jsdoc" || !exempt.has(place))
    .map(({ text }) => text);
}

if (import.meta.main) {
  const found = await lint(Deno.args);
  if (found.length === 0) {
    print(`checked the documentation of ${Deno.args.length} files`);
  } else {
    for (const text of found) printError(`${text}\n`);
    printError(`doc_lint: found ${found.length} documentation lint errors`);
    Deno.exit(1);
  }
}
