/**
 * The registry of check types. To add one: a file in `types/` and a line here.
 * @module
 */
import type { CheckType } from "./check_type.ts";
import { FILE_CONTAINS } from "./types/file_contains.ts";
import { FILE_EXISTS } from "./types/file_exists.ts";
import { PROCESS_RUNNING } from "./types/process_running.ts";

/** All check types, in the order of the reference. */
export const CHECK_TYPES: readonly CheckType[] = [
  FILE_EXISTS,
  FILE_CONTAINS,
  PROCESS_RUNNING,
];

/** The check type with a name; `undefined` if this version has none. */
export function checkType(name: string): CheckType | undefined {
  return CHECK_TYPES.find((type) => type.name === name);
}
