/**
 * Parses check files. A file with any error is refused as a whole.
 * @module
 */
import { closestString } from "@std/text/closest-string";
import { parseDuration } from "../duration.ts";
import { CheckFileError, type Problem } from "../errors.ts";
import {
  ACTION_TIMEOUT_DEFAULT_MS,
  CHECK_NAME_MAX_BYTES,
  CHECK_PROBLEMS_MAX,
  CHECKS_MAX,
} from "../limits.ts";
import { utf8Length } from "../utf8.ts";
import type { Check, FieldValue } from "../batch/check.ts";
import type { CheckType } from "./check_type.ts";
import {
  COMMON_FIELDS,
  type FieldProblem,
  fieldProblems,
  quote,
  QUOTED_MAX_LENGTH,
  valueProblem,
} from "./fields.ts";
import { type JsonNode as Node, JsonText } from "./json_text.ts";
import { CHECK_TYPES, checkType } from "./registry.ts";

/** A field in the file. */
interface FoundField {
  readonly value: FieldValue;
  readonly keyOffset: number;
  readonly valueOffset: number;
}

/** A check in the file, before validation. */
interface FoundCheck {
  readonly name: string;
  readonly keyOffset: number;
  readonly fields: ReadonlyMap<string, FoundField>;
}

const TYPE_NAMES = CHECK_TYPES.map((type) => type.name);

/**
 * Parses a check file and returns its checks in order. Raises `CheckFileError` with all errors of
 * the file, or the first `CHECK_PROBLEMS_MAX`.
 */
export function parseCheckFile(content: Uint8Array): Check[] {
  const json = new JsonText(content);
  return new CheckFileReader(json).read();
}

/** Formats a problem as one line: `line 3, column 5: check "web", field "path": is missing; …`. */
export function formatProblem(problem: Problem): string {
  const { line, column, check, field, message } = problem;
  const where = [
    ...(line === undefined ? [] : [`line ${line}`]),
    ...(column === undefined ? [] : [`column ${column}`]),
  ].join(", ");
  const what = [
    ...(check === undefined ? [] : [`check ${quote(check)}`]),
    ...(field === undefined ? [] : [`field ${quote(field)}`]),
  ].join(", ");
  return [where, what, message].filter((part) => part !== "").join(": ");
}

class CheckFileReader {
  readonly #json: JsonText;
  readonly #problems: Problem[] = [];

  constructor(json: JsonText) {
    this.#json = json;
  }

  read(): Check[] {
    const { root } = this.#json;
    const checks: Check[] = [];
    if (root.type !== "object") {
      this.#add(root.offset, {
        message: `the file is ${nameOf(root)}; expected an object keyed by check name`,
      });
    } else {
      const properties = root.children ?? [];
      this.#checkCount(root, properties.length);
      const firstLines = new Map<string, number>();
      for (const property of properties) {
        const check = this.#readCheck(property, firstLines);
        if (check !== undefined) checks.push(check);
      }
    }
    if (this.#problems.length === 0) return checks;
    const count = this.#problems.length;
    throw this.#refusal(`${count} problem${count === 1 ? "" : "s"}`);
  }

  #refusal(what: string): CheckFileError {
    return new CheckFileError(`the check file has ${what}`, { problems: this.#problems });
  }

  #checkCount(root: Node, count: number): void {
    if (count > 0 && count <= CHECKS_MAX) return;
    const message = count === 0
      ? "the file has no checks; expected at least one"
      : `the file has ${count} checks; maximum ${CHECKS_MAX}`;
    this.#add(root.offset, { message });
  }

  #readCheck(property: Node, firstLines: Map<string, number>): Check | undefined {
    const [key, body] = property.children ?? [];
    if (key === undefined || body === undefined) return undefined;
    const name = String(key.value);
    const before = this.#problems.length;
    this.#checkName(key, firstLines);
    if (body.type !== "object") {
      const message = `must be an object with at least a "type", not ${nameOf(body)}`;
      this.#add(body.offset, { check: name, message });
      return undefined;
    }
    const found = { name, keyOffset: key.offset, fields: this.#readFields(body, name) };
    const type = this.#readType(found);
    for (const { name: field, kind } of COMMON_FIELDS) {
      const value = found.fields.get(field)?.value;
      const message = value === undefined ? undefined : valueProblem(kind, value);
      // #readType reports errors of the type, in more detail.
      if (message !== undefined && field !== "type") this.#addField(found, { field, message });
    }
    const own = [...found.fields].filter(([field]) => !isCommon(field));
    const fields = Object.fromEntries(own.map(([field, { value }]) => [field, value]));
    if (type !== undefined) {
      for (const problem of fieldProblems(type, fields)) {
        this.#addField(found, withNearest(problem, type));
      }
    }
    if (type === undefined || this.#problems.length > before) return undefined;
    const action = found.fields.get("action")?.value;
    const timeout = found.fields.get("action_timeout")?.value;
    return {
      name,
      type: type.name,
      fields,
      ...(typeof action === "string" && { action }),
      actionTimeoutMs: (typeof timeout === "string" ? parseDuration(timeout) : undefined) ??
        ACTION_TIMEOUT_DEFAULT_MS,
    };
  }

  #checkName(key: Node, firstLines: Map<string, number>): void {
    const name = String(key.value);
    const line = this.#json.line(key.offset);
    const firstLine = firstLines.get(name);
    if (firstLine === undefined) firstLines.set(name, line);
    else {
      const message = `appears twice, first on line ${firstLine}; rename one`;
      this.#add(key.offset, { check: name, message });
    }
    const message = nameProblem(name);
    if (message !== undefined) this.#add(key.offset, { check: name, message });
  }

  #readFields(body: Node, check: string): Map<string, FoundField> {
    const found = new Map<string, FoundField>();
    for (const property of body.children ?? []) {
      const [key, value] = property.children ?? [];
      if (key === undefined || value === undefined) continue;
      const field = String(key.value);
      if (found.has(field)) {
        this.#add(key.offset, { check, field, message: "appears twice; remove one" });
      } else {
        const entry = { keyOffset: key.offset, valueOffset: value.offset };
        found.set(field, { value: valueOf(value), ...entry });
      }
    }
    return found;
  }

  #readType(found: FoundCheck): CheckType | undefined {
    const value = found.fields.get("type")?.value;
    const type = typeof value === "string" ? checkType(value) : undefined;
    if (type !== undefined) return type;
    let message = `is missing; expected one of ${TYPE_NAMES.join(", ")}`;
    if (value !== undefined) message = valueProblem("text", value) ?? unknownType(String(value));
    this.#addField(found, { field: "type", message });
    return undefined;
  }

  #addField(found: FoundCheck, problem: FieldProblem): void {
    const field = problem.field === undefined ? undefined : found.fields.get(problem.field);
    this.#add(field?.valueOffset ?? found.keyOffset, { check: found.name, ...problem });
  }

  /**
   * Stops at a maximum: in a file of one long line, finding the column of each problem is
   * expensive.
   */
  #add(offset: number, problem: Problem): void {
    if (this.#problems.length === CHECK_PROBLEMS_MAX) {
      throw this.#refusal(
        `over ${CHECK_PROBLEMS_MAX} problems; only the first ${CHECK_PROBLEMS_MAX} are listed`,
      );
    }
    this.#problems.push({ ...problem, ...this.#json.position(offset) });
  }
}

function unknownType(name: string): string {
  const nearest = closestString(name.slice(0, QUOTED_MAX_LENGTH), TYPE_NAMES);
  return `is unknown: ${quote(name)}; the nearest known type is "${nearest}"`;
}

/** Adds the nearest known field to the message about an unknown field. */
function withNearest(problem: FieldProblem, type: CheckType): FieldProblem {
  const { field } = problem;
  const known = [...type.fields, ...COMMON_FIELDS].map(({ name }) => name);
  if (field === undefined || known.includes(field)) return problem;
  const nearest = closestString(field.slice(0, QUOTED_MAX_LENGTH), known);
  const message = `${problem.message}; the nearest known field is "${nearest}" ` +
    `(all: ${known.join(", ")})`;
  return { field, message };
}

function nameProblem(name: string): string | undefined {
  if (name.trim() === "") return "must have a name that is not blank";
  if (/\p{Cc}/u.test(name)) return "has a control character in its name";
  if (!name.isWellFormed()) return "has a lone surrogate in its name";
  const bytes = utf8Length(name);
  if (bytes <= CHECK_NAME_MAX_BYTES) return undefined;
  return `has a name of ${bytes} bytes; maximum ${CHECK_NAME_MAX_BYTES}`;
}

function isCommon(field: string): boolean {
  return COMMON_FIELDS.some(({ name }) => name === field);
}

/** No field may have a nested value, so the contents of one are left out. */
function valueOf(node: Node): FieldValue {
  if (node.type === "array") return [];
  if (node.type === "object") return {};
  return node.type === "null" ? null : node.value as FieldValue;
}

function nameOf(node: Node): string {
  if (node.type === "null") return "null";
  return `${/^[aeiou]/.test(node.type) ? "an" : "a"} ${node.type}`;
}
