/**
 * `deno task docs`: generates the parts of README.md between "generated" marks from the flags,
 * commands and check types of the programs. `tests/architecture_test.ts` fails if they are out of
 * date.
 * @module
 */
import type { CheckType, FieldDefinition } from "../lib/checks/check_type.ts";
import { COMMON_FIELDS } from "../lib/checks/fields.ts";
import { CHECK_TYPES } from "../lib/checks/registry.ts";
import { CLIENT_FLAGS } from "../lib/cli/client_flags.ts";
import { COMMANDS } from "../lib/cli/command_table.ts";
import { DAEMON_FLAGS } from "../lib/cli/daemon_flags.ts";
import { commandTableMarkdown, flagTableMarkdown } from "../lib/cli/help.ts";
import { fromFileUrl } from "@std/path";

/** Formats one row of a Markdown table. */
function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function fieldRow(field: FieldDefinition): string {
  const needed = field.required ? "yes" : field.default ?? "no";
  return row([`\`${field.name}\``, field.kind, needed, field.summary]);
}

function fieldTable(fields: readonly FieldDefinition[]): string {
  return [
    row(["field", "type", "required, or default", "meaning"]),
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

/** Generators of the parts, by the name in the first mark. */
const GENERATED: Readonly<Record<string, () => string>> = {
  "flags of gossipcheckd": () => flagTableMarkdown(DAEMON_FLAGS),
  "commands of gcheck": () => commandTableMarkdown(COMMANDS),
  "flags of gcheck": () => flagTableMarkdown(CLIENT_FLAGS),
  "check reference": checkReference,
};

/**
 * Replaces the generated parts of a README. Throws if a part has no marks, or marks name an unknown
 * part.
 */
export function withGeneratedParts(readme: string): string {
  const seen = new Set<string>();
  const result = readme.replace(
    /(<!-- generated: (.+?) -->\n)[\s\S]*?(<!-- generated end -->)/g,
    (_, start: string, name: string, end: string) => {
      const make = GENERATED[name];
      if (make === undefined) throw new Error(`README.md: unknown generated part "${name}"`);
      seen.add(name);
      return `${start}<!-- deno-fmt-ignore-start -->\n\n${make().trim()}\n\n` +
        `<!-- deno-fmt-ignore-end -->\n${end}`;
    },
  );
  for (const name of Object.keys(GENERATED)) {
    if (!seen.has(name)) throw new Error(`README.md: the marks of "${name}" are missing`);
  }
  return result;
}

if (import.meta.main) {
  const path = fromFileUrl(import.meta.resolve("../README.md"));
  await Deno.writeTextFile(path, withGeneratedParts(await Deno.readTextFile(path)));
}
