/**
 * A temporary folder for one test.
 * @module
 */

/** Calls `body` with an empty temporary folder and removes it afterwards, also after an error. */
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
