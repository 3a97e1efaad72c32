/**
 * Validates the fields of checks, from a check file or from another node.
 * @module
 */
import { parseDuration } from "../duration.ts";
import { ACTION_MAX_BYTES, ACTION_TIMEOUT_MAX_MS } from "../limits.ts";
import { utf8Length } from "../utf8.ts";
import type { Check, FieldValue } from "../batch/check.ts";
import type { CheckType, FieldDefinition, FieldKind } from "./check_type.ts";

/** Maximum characters of a value that a message quotes. */
export const QUOTED_MAX_LENGTH = 80;

/** Fields of every check, `type` first. */
export const COMMON_FIELDS: readonly FieldDefinition[] = [
  { name: "type", kind: "text", required: true, summary: "The check type's name." },
  {
    name: "action",
    kind: "command",
    required: false,
    summary: "Shell command that /bin/sh runs once if the check fails.",
  },
  {
    name: "action_timeout",
    kind: "duration",
    required: false,
    summary: "Time after which the action and its children are killed; at most 24h.",
    default: "5m",
  },
];

/** An error in the fields of a check. */
export interface FieldProblem {
  /** Name of the field; absent if the error is not in one field. */
  readonly field?: string;
  /** What is wrong and what was expected. */
  readonly message: string;
}

/** Describes why `value` is not a valid value of a kind; `undefined` if it is valid. */
export function valueProblem(kind: FieldKind, value: FieldValue): string | undefined {
  if (typeof value !== "string") {
    const hint = kind === "duration" ? ', such as "30s"' : "";
    return `must be a string${hint}, not ${describe(value)}`;
  }
  if (value === "") return "must not be empty";
  if (!value.isWellFormed()) return "contains a lone surrogate, which UTF-8 cannot encode";
  switch (kind) {
    case "text":
      return undefined;
    case "path":
      return value.includes("\0")
        ? "contains a NUL character, which is not allowed in a path"
        : undefined;
    case "command":
      return commandProblem(value);
    case "duration":
      return durationProblem(value);
    default:
      return kind satisfies never;
  }
}

function commandProblem(value: string): string | undefined {
  if (value.trim() === "") return "must not be blank";
  if (value.includes("\0")) return "contains a NUL character, which is not allowed in a command";
  const bytes = utf8Length(value);
  if (bytes <= ACTION_MAX_BYTES) return undefined;
  return `is ${bytes} bytes long; maximum ${ACTION_MAX_BYTES}`;
}

function durationProblem(value: string): string | undefined {
  const durationMs = parseDuration(value);
  if (durationMs === undefined) {
    return `is not a duration: ${quote(value)}; expected a duration such as "30s", "5m" or "1h30m"`;
  }
  if (durationMs >= 1 && durationMs <= ACTION_TIMEOUT_MAX_MS) return undefined;
  return `is out of range: ${quote(value)}; expected 1ms to 24h`;
}

/** Validates the fields of a check, except the `COMMON_FIELDS`, and returns all errors. */
export function fieldProblems(type: CheckType, fields: Check["fields"]): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const { name, kind, required } of type.fields) {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (value === undefined) {
      if (required) problems.push({ field: name, message: `is missing; ${type.name} requires it` });
      continue;
    }
    const message = valueProblem(kind, value);
    if (message !== undefined) problems.push({ field: name, message });
  }
  for (const name of Object.keys(fields)) {
    if (type.fields.some((field) => field.name === name)) continue;
    problems.push({ field: name, message: `is unknown for type ${type.name}` });
  }
  const group = type.atLeastOneOf;
  if (group !== undefined && !group.some((name) => Object.hasOwn(fields, name))) {
    problems.push({ message: `${type.name} requires at least one of ${group.join(", ")}` });
  }
  return problems;
}

function describe(value: FieldValue): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** Quotes a text as JSON, truncated to `QUOTED_MAX_LENGTH` characters. */
export function quote(text: string): string {
  const short = text.length > QUOTED_MAX_LENGTH ? `${text.slice(0, QUOTED_MAX_LENGTH)}…` : text;
  return JSON.stringify(short);
}
