/**
 * Builds the programs under `tests/go/` and real Serf. What is built lies in the user's cache, so a
 * later run finds it.
 * @module
 */
import { fromFileUrl, join } from "@std/path";
import { mustRun, runCommand } from "./process.ts";

/** Serf's version that the tests are written against. */
export const SERF_VERSION = "v0.11.0";

/** Why the Go programs cannot be built here, or `undefined` where they can. */
export async function missingForGo(): Promise<string | undefined> {
  try {
    const { code } = await runCommand({ program: "go", args: ["version"] });
    return code === 0 ? undefined : "a working Go";
  } catch {
    return "Go";
  }
}

/** Builds `tests/go/<name>` and returns the executable's path. */
export async function buildGoTool(name: "peer" | "relay" | "vectors"): Promise<string> {
  await using folder = await lockedCache();
  const built = join(folder.path, name);
  await mustRun({
    program: "go",
    args: ["build", "-o", built, "."],
    directory: fromFileUrl(new URL(`../go/${name}`, import.meta.url)),
  }, { timeoutMs: 300_000 });
  return built;
}

/** Installs the `serf` program and returns its path. */
export async function installSerf(): Promise<string> {
  await using folder = await lockedCache();
  const bin = join(folder.path, `serf-${SERF_VERSION}`);
  await mustRun({
    program: "go",
    args: ["install", `github.com/hashicorp/serf/cmd/serf@${SERF_VERSION}`],
    environment: { GOBIN: bin },
    // Outside any module, so that the version asked for is the one taken.
    directory: folder.path,
  }, { timeoutMs: 600_000 });
  return join(bin, "serf");
}

interface LockedCache extends AsyncDisposable {
  readonly path: string;
}

/** Test files may run side by side, but one alone builds at a time. */
async function lockedCache(): Promise<LockedCache> {
  const home = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "/tmp", ".cache");
  const path = join(home, "gossipcheck-tests");
  await Deno.mkdir(path, { recursive: true });
  const lock = await Deno.open(join(path, "lock"), { create: true, write: true });
  await lock.lock(true);
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await lock.unlock();
      lock.close();
    },
  };
}
