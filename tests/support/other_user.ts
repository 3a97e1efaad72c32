/**
 * Our `gcheck` as another user of this machine runs it: with nothing of the test's own user.
 * @module
 */
import { join } from "@std/path";
import { PROJECT } from "./gossipcheck_node.ts";
import type { CommandLine } from "./process.ts";

/** `nobody` on every Linux: any user id that is not the test's would do. */
export const OTHER_USER_ID = 65_534;

/**
 * What that user may not reach for the folders above it (the test's own home) is mounted where they
 * may, in a mount namespace that ends with the program.
 */
const SCRIPT = `set -eu
  place=$1 program=$2 cache=$3 project=$4
  shift 4
  mkdir -p "$place/cache" "$place/project"
  : > "$place/program"
  chmod 755 "$place" "$place/program"
  mount --bind "$program" "$place/program"
  if [ "$cache" != "" ]; then mount --bind "$cache" "$place/cache"; fi
  mount --bind "$project" "$place/project"
  cd "$place/project"
  exec setpriv --reuid=${OTHER_USER_ID} --regid=${OTHER_USER_ID} --clear-groups \\
    env -i PATH=/usr/bin:/bin HOME=/nonexistent NO_COLOR=1 DENO_DIR="$place/cache" \\
    "$place/program" "$@"`;

/** Why nobody else can be played here; `undefined` where they can. */
export function missingForOtherUser(): string | undefined {
  if (Deno.build.os !== "linux") return "Linux user ids and mount namespaces";
  return Deno.uid() === 0 ? undefined : "root, to run a program as another user";
}

/** The command line that runs `gcheck` with `args` as that user; `folder` is the test's own. */
export async function gcheckAsOther(
  args: readonly string[],
  { folder }: { folder: string },
): Promise<CommandLine> {
  const executable = Deno.env.get("GCHECK") ?? "";
  const place = join(folder, `as-other-${crypto.randomUUID()}`);
  await Deno.mkdir(place);
  // The folders above it are the test's: whoever may not enter them finds nothing in it.
  await Deno.chmod(folder, 0o755);
  const program = Deno.realPathSync(executable === "" ? Deno.execPath() : executable);
  const cache = executable === "" ? await denoDirectory() : "";
  const run = executable === "" ? ["run", "--quiet", "-P=gcheck", "cli.ts"] : [];
  const mounted = [place, program, cache, PROJECT];
  return {
    program: "unshare",
    args: ["-m", "sh", "-c", SCRIPT, "other", ...mounted, ...run, ...args],
  };
}

async function denoDirectory(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}
