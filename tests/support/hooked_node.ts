/**
 * Our daemon with a piece of a test's own code in its process, under the daemon's permissions: what
 * cannot be seen or arranged from outside.
 * @module
 */
import { join } from "@std/path";
import type { CommandLine } from "./process.ts";

/** Why nothing can be put into the daemon here; `undefined` where it can. */
export function missingForHook(): string | undefined {
  const executable = Deno.env.get("GOSSIPCHECKD") ?? "";
  return executable === "" ? undefined : "the daemon from source: into an executable nothing loads";
}

/** Lets a daemon's command line load `code` before the daemon itself; it stands in `folder`. */
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

/** A wall clock that is off by `offMs`. */
export function shiftedClock(offMs: number): string {
  return `const now = Date.now.bind(Date); Date.now = () => now() + ${offMs};`;
}

/**
 * On SIGUSR2, writes one line to stderr: of each attempt whether the program may (`true`), may not
 * (`false`, Deno says so), or what else went wrong. `path` is a file to write.
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
