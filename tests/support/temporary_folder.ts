/**
 * A folder for one test.
 * @module
 */

/** Calls `body` with an empty folder, which is gone afterwards whatever happens. */
export async function inTemporaryFolder(
  body: (folder: string) => void | Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
