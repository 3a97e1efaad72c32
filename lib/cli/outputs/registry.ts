/**
 * The output formats of `gcheck`.
 * @module
 */
import type { OutputFormat } from "../output_format.ts";
import { JSON_OUTPUT } from "./json.ts";
import { JSONL_OUTPUT } from "./jsonl.ts";
import { TEXT_OUTPUT } from "./text.ts";

/** All formats, the default one first. */
export const OUTPUTS: readonly OutputFormat[] = [TEXT_OUTPUT, JSON_OUTPUT, JSONL_OUTPUT];

/** The values of `-output`. */
export const OUTPUT_NAMES: readonly string[] = OUTPUTS.map((format) => format.name);

/** The format of that name; the default one for a name that `-output` does not accept. */
export function outputNamed(name: string): OutputFormat {
  return OUTPUTS.find((format) => format.name === name) ?? TEXT_OUTPUT;
}
