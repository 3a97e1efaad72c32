/**
 * Builds the programs under `tests/go/` and Serf. The executables stay in the user's cache for later
 * runs.
 * @module
 */
import { fromFileUrl, join } from "@std/path";
import { mustRun, runCommand } from "./process.ts";
import { testCache } from "./test_cache.ts";

/** The version of Serf that the tests are written for. */
export const SERF_VERSION = "v0.11.0";

/** What is missing to build the Go programs here; `undefined` if nothing is. */
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
    // Outside of any module, so that no go.mod changes the version.
    directory: folder.path,
  }, { timeoutMs: 600_000 });
  return join(bin, "serf");
}

interface LockedCache extends AsyncDisposable {
  readonly path: string;
}

/** Test files run in parallel; the lock lets one of them build at a time. */
async function lockedCache(): Promise<LockedCache> {
  const path = testCache();
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
