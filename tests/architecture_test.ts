/** What ARCHITECTURE.md says, compared with the tree. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { fromFileUrl, globToRegExp, join, relative, resolve } from "@std/path";
import { EXIT_STATUS } from "../lib/errors.ts";
import { withGeneratedParts } from "../scripts/readme.ts";
import { additionRows, quoted, table } from "./support/architecture_tables.ts";

const ROOT = fromFileUrl(new URL("..", import.meta.url));
const NO_PRODUCT = /^(tests\/|scripts\/|dist\/|coverage\/)|_(test|bench)\.ts$/;

function text(path: string): string {
  return Deno.readTextFileSync(join(ROOT, path));
}

function* walk(directory: string): Generator<string> {
  for (const entry of Deno.readDirSync(join(ROOT, directory))) {
    const path = directory === "." ? entry.name : `${directory}/${entry.name}`;
    if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
    if (entry.isDirectory) yield* walk(path);
    else yield path;
  }
}

const FILES = [...walk(".")].sort();
const SOURCES = FILES.filter((path) => path.endsWith(".ts") && !NO_PRODUCT.test(path));

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

/** Static and dynamic imports and re-exports of the project's own files. */
function importsOf(path: string): Import[] {
  const found: Import[] = [];
  const pattern =
    /^\s*(import|export)\s+(type\s)?[^;"'`]*?from\s*"([^"]+)"|^\s*(import)\s*()"([^"]+)"|\b(import)(\s*)\(\s*"([^"]+)"/gm;
  for (const match of text(path).matchAll(pattern)) {
    const specifier = match[3] ?? match[6] ?? match[9] ?? "";
    if (!specifier.startsWith(".")) continue;
    const target = relative(ROOT, resolve(join(ROOT, path), "..", specifier));
    found.push({ from: path, to: target, typeOnly: match[2] !== undefined });
  }
  return found;
}

function roomOf(path: string): string {
  if (/^lib\/[^/]+$/.test(path)) return "leaves";
  return path.match(/^lib\/[^/]+(?=\/)/)?.[0] ?? path;
}

function allows(entries: readonly string[], target: string): boolean {
  return entries.some((entry) => entry === target || target.startsWith(`${entry}/`));
}

Deno.test("every import follows an arrow of ARCHITECTURE.md", () => {
  const rooms = new Map(
    table("Rooms and arrows").map(([room, , values, types]) => [
      quoted(room)[0] ?? "",
      { values: quoted(values), types: quoted(types), anyType: types === "all" },
    ]),
  );
  const wrong: string[] = [];
  for (const source of SOURCES) {
    const room = roomOf(source);
    const arrows = rooms.get(room);
    if (arrows === undefined) {
      wrong.push(`${source} is in no room that the table has`);
      continue;
    }
    for (const { to, typeOnly } of importsOf(source)) {
      const target = roomOf(to);
      if (target === room || target === "leaves" || target === "lib/std") continue;
      if (allows(arrows.values, to)) continue;
      if (typeOnly && !NO_PRODUCT.test(to) && (arrows.anyType || allows(arrows.types, to))) {
        continue;
      }
      wrong.push(`${source} imports ${to}${typeOnly ? " as types" : ""}`);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("every room of the table is there, and the test sees its imports", () => {
  for (const [room] of table("Rooms and arrows")) {
    const name = quoted(room)[0] ?? "";
    assert(SOURCES.some((path) => roomOf(path) === name), `nothing is in ${name}`);
  }
  assertGreater(SOURCES.flatMap(importsOf).length, SOURCES.length / 2);
});

const LIBRARY_FILES = SOURCES.filter((path) => /^lib\/std\/.+(?<!\.d)\.ts$/.test(path));

Deno.test("npm packages are named in lib/std alone", () => {
  const wrong = SOURCES.filter((path) => !path.startsWith("lib/std/"))
    .filter((path) => /["'](npm|jsr|https?):/.test(text(path)));
  assertEquals(wrong, []);
});

Deno.test("Deno's standard library is imported by @std names, other libraries by their file", () => {
  const { imports } = JSON.parse(text("deno.json")) as { imports: Record<string, string> };
  const named = Object.values(imports).map((path) => path.replace(/^\.\//, ""));
  const wrong = Object.keys(imports).filter((name) => !name.startsWith("@std/"));
  for (const path of LIBRARY_FILES) {
    const isStd = text(path).includes('"npm:deno-std@');
    if (named.includes(path) === isStd) continue;
    wrong.push(`${path} ${isStd ? "needs a" : "must not have a"} name in deno.json`);
  }
  for (const path of FILES.filter((one) => one.endsWith(".ts"))) {
    for (const { to } of importsOf(path)) {
      if (named.includes(to)) wrong.push(`${path} imports ${to} by its path`);
    }
  }
  assertEquals(wrong, []);
  assertGreater(named.length, 5);
});

Deno.test("deno task check asks for documentation in every room but lib/std", () => {
  const { tasks } = JSON.parse(text("deno.json"));
  const globs = [...tasks.check.command.matchAll(/lib\/\S+/g)].map(([glob]) => globToRegExp(glob));
  const left = SOURCES.filter((path) => path.startsWith("lib/"))
    .filter((path) => !globs.some((glob) => glob.test(path)));
  assertEquals(left.filter((path) => !path.startsWith("lib/std/")), []);
  assertGreater(left.length, 0);
});

Deno.test("types are written by hand for deno-std alone, which ships none", () => {
  for (const path of LIBRARY_FILES) {
    const types = path.replace(/\.ts$/, ".d.ts");
    assertEquals(FILES.includes(types), text(path).includes('"npm:deno-std@'), types);
  }
});

/** The interface through which each machine acts. */
const EFFECTS = {
  "lib/swim": "SwimEffects",
  "lib/link": "LinkEffects",
  "lib/gossip": "GossipEffects",
};

Deno.test("the machines name no clock, no random source, no promise and no platform", () => {
  const forbidden =
    /\basync\b|\bawait\b|\bPromise\b|setTimeout|setInterval|\bDate\b|\bperformance\b|Math\.random|crypto\.|console\.|Deno\./;
  for (const room of Object.keys(EFFECTS)) {
    const files = SOURCES.filter((path) => path.startsWith(`${room}/`));
    assertGreater(files.length, 4, `${room} is too small to be a machine`);
    const wrong = files.flatMap((path) =>
      text(path).split("\n").flatMap((line, index) =>
        forbidden.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : []
      )
    );
    assertEquals(wrong, []);
  }
});

Deno.test("machines have at most eight effects", () => {
  for (const [room, name] of Object.entries(EFFECTS)) {
    const body =
      text(`${room}/types.ts`).match(new RegExp(`interface ${name} \\{([\\s\\S]*?)\\n\\}`))?.[1] ??
        "";
    const methods = body.match(/^ {2}\w+\(/gm)?.length ?? 0;
    assert(methods >= 1 && methods <= 8, `${name} has ${methods} methods`);
  }
});

Deno.test("no file is left out of the lint, and what is ignored has its reason beside it", () => {
  const wrong: string[] = [];
  for (const path of FILES.filter((one) => one.endsWith(".ts"))) {
    const lines = text(path).split("\n");
    lines.forEach((line, index) => {
      const at = `${path}:${index + 1}`;
      if (/^\s*\/\/ deno-lint-ignore-file/.test(line)) {
        wrong.push(`${at} leaves out the whole file`);
      }
      if (!/^\s*\/\/ deno-lint-ignore\s/.test(line)) return;
      if (!/ -- \S/.test(line) && !/^\s*(\/\/|\*)/.test(lines[index - 1] ?? "")) {
        wrong.push(`${at} gives no reason`);
      }
    });
  }
  assertEquals(wrong, []);
  const config = JSON.parse(text("deno.json"));
  assertEquals(config.lint.plugins, ["./scripts/lint/plugin.ts"]);
  assertEquals(config.lint.exclude, ["dist/"]);
});

Deno.test("the 'to add' table names files that are there", () => {
  for (const { what, paths } of additionRows()) {
    assertGreater(paths.length, 0, `"${what}" names no file`);
    for (const path of paths) {
      const pattern = globToRegExp(path);
      assert(FILES.some((file) => pattern.test(file)), `${what}: ${path} is not there`);
    }
  }
});

Deno.test("a registry has one line for each file of its folder, and nothing else imports it", () => {
  let registries = 0;
  for (const [, touch] of table("To add")) {
    const [glob, registry] = quoted(touch);
    if (!glob?.includes("*") || !registry?.endsWith("registry.ts")) continue;
    registries++;
    const pattern = globToRegExp(glob);
    const entries = SOURCES.filter((path) => pattern.test(path) && path !== registry);
    assertGreater(entries.length, 1, `${glob} matches ${entries.length} files`);
    for (const entry of entries) {
      const importers = SOURCES.flatMap(importsOf).filter(({ to, typeOnly }) =>
        to === entry && !typeOnly
      );
      assertEquals(importers.map(({ from }) => from), [registry], `who imports ${entry}`);
    }
  }
  assertEquals(registries, 2);
});

Deno.test("the generated parts of README.md are up to date (deno task docs)", () => {
  const readme = text("README.md");
  assertEquals(readme, withGeneratedParts(readme));
});

Deno.test("README.md tells every exit status", () => {
  const readme = text("README.md");
  for (const status of Object.values(EXIT_STATUS)) {
    assert(new RegExp(`^\\| ${status} +\\|`, "m").test(readme), `exit status ${status} is missing`);
  }
});

Deno.test("every task that a document names is there", () => {
  const tasks = Object.keys(JSON.parse(text("deno.json")).tasks);
  for (const path of FILES.filter((one) => one.endsWith(".md"))) {
    for (const match of text(path).matchAll(/\b(?:deno|deno@[\d.]+) task ([a-z][\w:-]*)/g)) {
      assert(tasks.includes(match[1] ?? ""), `${path} names the task ${match[1]}`);
    }
  }
});

Deno.test("deno.lock names no host: packages come from whichever registry is set up", () => {
  assertEquals(text("deno.lock").match(/https?:\/\/[^"\s]+/g), null);
});
