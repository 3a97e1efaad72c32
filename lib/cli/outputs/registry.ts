/**
 * The output formats, a line each.
 * @module
 */
import type { OutputFormat } from "../output.ts";
import { JSON_OUTPUT } from "./json.ts";
import { JSONL_OUTPUT } from "./jsonl.ts";
import { TEXT_OUTPUT } from "./text.ts";

/** All formats, the default one first. */
export const OUTPUTS: readonly OutputFormat[] = [TEXT_OUTPUT, JSON_OUTPUT, JSONL_OUTPUT];

/** What `-output` takes. */
export const OUTPUT_NAMES: readonly string[] = OUTPUTS.map((format) => format.name);

/** The format of that name; the default one where there is none, which `-output` has ruled out. */
export function outputNamed(name: string): OutputFormat {
  return OUTPUTS.find((format) => format.name === name) ?? TEXT_OUTPUT;
}
