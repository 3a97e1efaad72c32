/**
 * The folder in which test processes of this user share what outlives them.
 * @module
 */
import { join } from "@std/path";

/** The folder's path; creates the folder if it does not exist. */
export function testCache(): string {
  const home = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "/tmp", ".cache");
  const path = join(home, "gossipcheck-tests");
  Deno.mkdirSync(path, { recursive: true });
  return path;
}
