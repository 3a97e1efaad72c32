/**
 * `deno task docs`: rewrites what README.md has between "generated" marks, from the tables that the
 * programs themselves use. A test compares.
 * @module
 */
import type { CheckType, FieldDefinition } from "../lib/checks/check.ts";
import { COMMON_FIELDS } from "../lib/checks/fields.ts";
import { CHECK_TYPES } from "../lib/checks/registry.ts";
import { commandReferenceMarkdown, flagTableMarkdown } from "../lib/cli/settings.ts";
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

/** What each pair of marks encloses, by the name in its mark. */
const GENERATED: Readonly<Record<string, () => string>> = {
  "flags of gossipcheckd": () => flagTableMarkdown("gossipcheckd"),
  "commands of gcheck": commandReferenceMarkdown,
  "flags of gcheck": () => flagTableMarkdown("gcheck"),
  "check reference": checkReference,
};

/**
 * A README's text with its generated parts as they should be. Throws where a part has no marks or
 * marks name no part.
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
