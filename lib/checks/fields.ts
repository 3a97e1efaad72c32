/**
 * What fields of a check may hold. The same rules hold for a check file and for a check that came
 * from another node.
 * @module
 */
import { parseDuration } from "../duration.ts";
import { ACTION_MAX_BYTES, ACTION_TIMEOUT_MAX_MS } from "../limits.ts";
import { utf8Length } from "../utf8.ts";
import type { Check, CheckType, FieldDefinition, FieldKind, FieldValue } from "./check.ts";

/** What a file says is quoted in messages up to this many characters. */
export const QUOTED_MAX_LENGTH = 80;

/** The fields that every check may have beside its type's own, `type` first. */
export const COMMON_FIELDS: readonly FieldDefinition[] = [
  { name: "type", kind: "text", required: true, summary: "The check type's name." },
  {
    name: "action",
    kind: "command",
    required: false,
    summary: "Shell command that runs once, by /bin/sh, where the check fails.",
  },
  {
    name: "action_timeout",
    kind: "duration",
    required: false,
    summary: "After this the action is ended with all its children; at most 24h.",
    default: "5m",
  },
];

/** Something wrong with one field, or with the check where no single field is to blame. */
export interface FieldProblem {
  /** The field's name. */
  readonly field?: string;
  /** What is wrong and what was expected. */
  readonly message: string;
}

/** What is wrong with `value` as a value of that kind; `undefined` where nothing is. */
export function valueProblem(kind: FieldKind, value: FieldValue): string | undefined {
  if (typeof value !== "string") {
    const hint = kind === "duration" ? ', such as "30s"' : "";
    return `must be a string${hint}, not ${describe(value)}`;
  }
  if (value === "") return "must not be empty";
  if (!value.isWellFormed()) return "holds half of a surrogate pair, which UTF-8 cannot hold";
  switch (kind) {
    case "text":
      return undefined;
    case "path":
      return value.includes("\0") ? "holds a NUL character, which no path can hold" : undefined;
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
  if (value.includes("\0")) return "holds a NUL character, which no command can hold";
  const bytes = utf8Length(value);
  if (bytes <= ACTION_MAX_BYTES) return undefined;
  return `has ${bytes} bytes; expected at most ${ACTION_MAX_BYTES}`;
}

function durationProblem(value: string): string | undefined {
  const durationMs = parseDuration(value);
  if (durationMs === undefined) {
    return `is not a duration: ${quote(value)}; expected one such as "30s", "5m" or "1h30m"`;
  }
  if (durationMs >= 1 && durationMs <= ACTION_TIMEOUT_MAX_MS) return undefined;
  return `is out of range: ${quote(value)}; expected 1ms to 24h`;
}

/** Everything wrong with a check's own fields, by its type's definition. Unknown ones included. */
export function fieldProblems(type: CheckType, fields: Check["fields"]): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const { name, kind, required } of type.fields) {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (value === undefined) {
      if (required) problems.push({ field: name, message: `is missing; ${type.name} needs it` });
      continue;
    }
    const message = valueProblem(kind, value);
    if (message !== undefined) problems.push({ field: name, message });
  }
  for (const name of Object.keys(fields)) {
    if (type.fields.some((field) => field.name === name)) continue;
    problems.push({ field: name, message: `is unknown to ${type.name}` });
  }
  const group = type.atLeastOneOf;
  if (group !== undefined && !group.some((name) => Object.hasOwn(fields, name))) {
    problems.push({ message: `${type.name} needs at least one of ${group.join(", ")}` });
  }
  return problems;
}

function describe(value: FieldValue): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** A text as JSON, cut where it is long. */
export function quote(text: string): string {
  const short = text.length > QUOTED_MAX_LENGTH ? `${text.slice(0, QUOTED_MAX_LENGTH)}…` : text;
  return JSON.stringify(short);
}
