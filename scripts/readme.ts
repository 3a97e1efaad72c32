/**
 * `deno task docs`: rewrites the parts of README.md between "generated" marks from the tables that
 * the programs use. `tests/architecture_test.ts` fails if they differ.
 * @module
 */
import type { CheckType, FieldDefinition } from "../lib/checks/check.ts";
import { COMMON_FIELDS } from "../lib/checks/fields.ts";
import { CHECK_TYPES } from "../lib/checks/registry.ts";
import { CLIENT_FLAGS } from "../lib/cli/client_flags.ts";
import { COMMANDS } from "../lib/cli/command_table.ts";
import { DAEMON_FLAGS } from "../lib/cli/daemon_flags.ts";
import { commandTableMarkdown, flagTableMarkdown } from "../lib/cli/help.ts";
import { fromFileUrl } from "@std/path";

/** One row of a Markdown table. */
function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function fieldRow(field: FieldDefinition): string {
  const needed = field.required ? "yes" : field.default ?? "no";
  return row([`\`${field.name}\``, field.kind, needed, field.summary]);
}

function fieldTable(fields: readonly FieldDefinition[]): string {
  return [
    row(["field", "is a", "required, or its default", "meaning"]),
    row(["---", "---", "---", "---"]),
    ...fields.map(fieldRow),
  ].join("\n");
}

function checkSection(type: CheckType): string {
  const parts = [`### ${type.name}`, type.summary, fieldTable(type.fields)];
  if (type.atLeastOneOf !== undefined) {
    parts.push(
      `At least one of ${type.atLeastOneOf.map((name) => `\`${name}\``).join(", ")} is required.`,
    );
  }
  const example = { [`my_${type.name}`]: { type: type.name, ...type.example } };
  parts.push("```json\n" + JSON.stringify(example, null, 2) + "\n```");
  return parts.join("\n\n");
}

function checkReference(): string {
  return [
    ...CHECK_TYPES.map(checkSection),
    "### Fields of every check",
    fieldTable(COMMON_FIELDS),
  ].join("\n\n");
}

/** What is generated between each pair of marks, by the name in the first mark. */
const GENERATED: Readonly<Record<string, () => string>> = {
  "flags of gossipcheckd": () => flagTableMarkdown(DAEMON_FLAGS),
  "commands of gcheck": () => commandTableMarkdown(COMMANDS),
  "flags of gcheck": () => flagTableMarkdown(CLIENT_FLAGS),
  "check reference": checkReference,
};

/**
 * The text of a README with its generated parts replaced. Throws if a part has no marks, or if marks
 * name a part that nothing generates.
 */
export function withGeneratedParts(readme: string): string {
  const seen = new Set<string>();
  const result = readme.replace(
    /(<!-- generated: (.+?) -->\n)[\s\S]*?(<!-- generated end -->)/g,
    (_, start: string, name: string, end: string) => {
      const make = GENERATED[name];
      if (make === undefined) throw new Error(`README.md: nothing generates "${name}"`);
      seen.add(name);
      return `${start}<!-- deno-fmt-ignore-start -->\n\n${make().trim()}\n\n` +
        `<!-- deno-fmt-ignore-end -->\n${end}`;
    },
  );
  for (const name of Object.keys(GENERATED)) {
    if (!seen.has(name)) throw new Error(`README.md: there are no marks for "${name}"`);
  }
  return result;
}

if (import.meta.main) {
  const path = fromFileUrl(import.meta.resolve("../README.md"));
  await Deno.writeTextFile(path, withGeneratedParts(await Deno.readTextFile(path)));
}
