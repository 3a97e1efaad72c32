/**
 * Reads the check file of `-file`.
 * @module
 */
import { UsageError } from "../errors.ts";
import { CHECK_FILE_MAX_BYTES } from "../limits.ts";

/**
 * Reads a file, or stdin for `-`, up to one byte more than a check file may have, so that the
 * parser refuses a longer one. Raises `UsageError` that names the file.
 */
export async function readCheckFile(path: string): Promise<Uint8Array> {
  try {
    if (path === "-") return await readBounded(Deno.stdin);
    using file = await Deno.open(path);
    return await readBounded(file);
  } catch (error) {
    const name = path === "-" ? "stdin" : JSON.stringify(path);
    throw new UsageError(`cannot read the check file ${name}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

async function readBounded(
  source: { read(buffer: Uint8Array): Promise<number | null> },
): Promise<Uint8Array> {
  const buffer = new Uint8Array(CHECK_FILE_MAX_BYTES + 1);
  let length = 0;
  while (length < buffer.length) {
    const read = await source.read(buffer.subarray(length));
    if (read === null) break;
    length += read;
  }
  return buffer.subarray(0, length);
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.IsADirectory) return "it is a directory";
  const message = error instanceof Error ? error.message : String(error);
  return /is a directory/i.test(message) ? "it is a directory" : message;
}
