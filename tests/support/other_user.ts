/**
 * Runs our `gcheck` as another user of this machine, without access to files of the test's user.
 * @module
 */
import { PROJECT } from "./gossipcheck_node.ts";
import type { CommandLine } from "./process.ts";

/** The user `nobody`; any id but that of the test's user would do. */
export const OTHER_USER_ID = 65_534;

/** Where that user finds the folder of the test: its real parent folders may be closed to them. */
export const OTHER_USER_FOLDER = "/mnt/folder";

/**
 * The shell script that mounts the program, its cache, the project and the test's folder where that
 * user can reach them, in a mount namespace that ends with the program.
 */
const SCRIPT = `set -eu
  program=$1 cache=$2 project=$3 folder=$4
  shift 4
  mount -t tmpfs -o mode=755 tmpfs /mnt
  mkdir /mnt/cache /mnt/project ${OTHER_USER_FOLDER}
  : > /mnt/program
  chmod 755 /mnt/program
  mount --bind "$program" /mnt/program
  if [ "$cache" != "" ]; then mount --bind "$cache" /mnt/cache; fi
  mount --bind "$project" /mnt/project
  mount --bind "$folder" ${OTHER_USER_FOLDER}
  cd /mnt/project
  exec setpriv --reuid=${OTHER_USER_ID} --regid=${OTHER_USER_ID} --clear-groups \\
    env -i PATH=/usr/bin:/bin HOME=/nonexistent NO_COLOR=1 DENO_DIR=/mnt/cache \\
    /mnt/program "$@"`;

/** What is missing to run a program as another user here; `undefined` if nothing is. */
export function missingForOtherUser(): string | undefined {
  if (Deno.build.os !== "linux") return "Linux user ids and mount namespaces";
  return Deno.uid() === 0 ? undefined : "root, to run a program as another user";
}

/** Returns the command line that runs `gcheck` with `args` as that user; `folder` is that of the test. */
export async function gcheckAsOther(
  args: readonly string[],
  { folder }: { folder: string },
): Promise<CommandLine> {
  const executable = Deno.env.get("GCHECK") ?? "";
  // Each file in the folder has its own mode.
  await Deno.chmod(folder, 0o755);
  const program = Deno.realPathSync(executable === "" ? Deno.execPath() : executable);
  const cache = executable === "" ? await denoDirectory() : "";
  const run = executable === "" ? ["run", "--quiet", "-P=gcheck", "cli.ts"] : [];
  const mounted = [program, cache, PROJECT, folder];
  return {
    program: "unshare",
    args: ["-m", "sh", "-c", SCRIPT, "other", ...mounted, ...run, ...args],
  };
}

async function denoDirectory(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}
