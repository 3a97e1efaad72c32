/**
 * `gossipcheckd`, the daemon of each node: arguments to settings, settings to a running node, and
 * whatever ends it to an exit status. The first SIGTERM or SIGINT leaves the cluster in order, a
 * second one ends the program at once with status 130.
 * @module
 */
import { type DaemonSettings, parseDaemonArguments } from "./lib/cli/settings.ts";
import { Daemon } from "./lib/daemon/daemon.ts";
import { DenoHost } from "./lib/deno/host.ts";
import { StderrLog } from "./lib/deno/log.ts";
import { DenoNetwork } from "./lib/deno/network.ts";
import { replaceSecretFile } from "./lib/deno/replace_secret.ts";
import { readSecretFile } from "./lib/deno/secret_file.ts";
import { DenoClock, DenoRandom, DenoTimers } from "./lib/deno/runtime.ts";
import { defaultStateDirectory, openNodeStore } from "./lib/deno/state_directory.ts";
import { EXIT_STATUS, GossipcheckError } from "./lib/errors.ts";
import { STOP_GRACE_MS } from "./lib/limits.ts";

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  for (let rest = new TextEncoder().encode(text); rest.length > 0;) {
    rest = rest.subarray(stream.writeSync(rest));
  }
}

/** Ends the program with one line: what the operator did wrong, or what is wrong with the program. */
function fail(error: unknown, options: { showStack: boolean }): never {
  const known = error instanceof GossipcheckError;
  const message = error instanceof Error ? error.message : String(error);
  const line = known
    ? message
    : `internal error, the node stops: ${message} (-log-level debug shows where)`;
  writeAll(Deno.stderr, `gossipcheckd: ${line}\n`);
  if (options.showStack && error instanceof Error) writeAll(Deno.stderr, `${error.stack}\n`);
  Deno.exit(known ? error.exitStatus : EXIT_STATUS.failed);
}

/** The first signal that asks to stop; a second one does not wait for anything. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = () => {
      if (asked) Deno.exit(EXIT_STATUS.interrupted);
      asked = true;
      resolve();
    };
    Deno.addSignalListener("SIGTERM", stop);
    Deno.addSignalListener("SIGINT", stop);
  });
}

/** Lets go of what is not needed any more, so that no mistake later on can make use of it. */
function revokeNeedless({ writesFiles }: { writesFiles: boolean }): void {
  Deno.permissions.revokeSync({ name: "env" });
  if (!writesFiles) Deno.permissions.revokeSync({ name: "write" });
}

/** Where the state of all nodes is kept; undefined where the operator wants nothing kept. */
function stateRoot({ stateDirectory }: DaemonSettings): string | undefined {
  if (stateDirectory === "none") return undefined;
  return stateDirectory ?? defaultStateDirectory();
}

async function main(args: readonly string[]): Promise<void> {
  const settings = parseDaemonArguments(args);
  if ("help" in settings) return writeAll(Deno.stdout, settings.help);
  const showStack = settings.logLevel === "debug";
  globalThis.addEventListener("unhandledrejection", (event) => fail(event.reason, { showStack }));
  globalThis.addEventListener("error", (event) => fail(event.error, { showStack }));
  const clock = new DenoClock();
  const log = new StderrLog({
    level: settings.logLevel,
    format: settings.logFormat,
    write: (line) => writeAll(Deno.stderr, line),
    clock,
  });
  const root = stateRoot(settings);
  const stopping = stopSignal();
  const daemon = await Daemon.start({
    settings,
    runtime: {
      clock,
      log,
      random: new DenoRandom(),
      timers: new DenoTimers(),
      network: new DenoNetwork(),
      host: new DenoHost(),
      readSecretFile,
      replaceSecretFile,
      openStore: (options) => root === undefined ? undefined : openNodeStore({ root, ...options }),
      hostname: Deno.hostname(),
      cores: navigator.hardwareConcurrency,
    },
  });
  // An open database needs no permission any more; a changed keyring is written back to its file.
  revokeNeedless({ writesFiles: settings.keyringFile !== undefined });
  try {
    await Promise.race([stopping, daemon.finished]);
    await daemon.stop({ graceMs: STOP_GRACE_MS });
  } catch (error) {
    fail(error, { showStack });
  }
  log.flush();
}

try {
  await main(Deno.args);
  Deno.exit(EXIT_STATUS.ok);
} catch (error) {
  fail(error, { showStack: false });
}
