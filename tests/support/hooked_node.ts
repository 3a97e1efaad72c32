/**
 * Preloads code of a test into the process of a daemon, where it runs under the daemon's permissions.
 * @module
 */
import { join } from "@std/path";
import type { CommandLine } from "./process.ts";

/** What is missing to preload code here; `undefined` if nothing is. */
export function missingForHook(): string | undefined {
  const executable = Deno.env.get("GOSSIPCHECKD") ?? "";
  return executable === ""
    ? undefined
    : "the daemon from source: an executable cannot preload code";
}

/** Returns a function that changes a daemon's command line so that it preloads `code`, from a file in `folder`. */
export function withCode(code: string, { folder }: { folder: string }): (
  line: CommandLine,
) => CommandLine {
  const path = join(folder, `hook-${crypto.randomUUID()}.js`);
  Deno.writeTextFileSync(path, code);
  return (line) => {
    const [run, ...rest] = line.args;
    return line.args.includes("main.ts")
      ? { ...line, args: [run ?? "", `--preload=${path}`, ...rest] }
      : line;
  };
}

/** Returns code that shifts the wall clock by `offMs`. */
export function shiftedClock(offMs: number): string {
  return `const now = Date.now.bind(Date); Date.now = () => now() + ${offMs};`;
}

/**
 * Returns code that tries several operations on SIGUSR2 and writes one line to stderr: for each
 * operation `true` if it succeeded, `false` if Deno denied it, else the error. `path` is a file to write.
 */
export function permissionProbe(path: string): string {
  return `
    const attempts = {
      readsFiles: () => Deno.readTextFileSync("/etc/hosts"),
      readsUser: () => Deno.uid(),
      opensSockets: () => Deno.listen({ hostname: "127.0.0.1", port: 0 }).close(),
      readsHome: () => Deno.env.get("HOME"),
      readsAnyVariable: () => Deno.env.get("PATH"),
      readsHostname: () => Deno.hostname(),
      readsInterfaces: () => Deno.networkInterfaces(),
      writesFiles: () => Deno.writeTextFileSync(${JSON.stringify(path)}, ""),
      runsShell: () => new Deno.Command("/bin/sh", { args: ["-c", "true"] }).outputSync(),
      runsOthers: () => new Deno.Command("/bin/true").outputSync(),
      loadsLibraries: () => Deno.dlopen("libc.so.6", {}).close(),
    };
    Deno.addSignalListener("SIGUSR2", () => {
      const answers = Object.entries(attempts).map(([name, attempt]) => {
        try {
          attempt();
          return [name, true];
        } catch (error) {
          return [name, error instanceof Deno.errors.NotCapable ? false : String(error)];
        }
      });
      console.error("PROBE " + JSON.stringify(Object.fromEntries(answers)));
    });`;
}
