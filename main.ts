/**
 * The program `gossipcheckd`, the daemon of each node: parses the arguments, runs the node, and
 * maps errors to the exit status. On the first SIGTERM or SIGINT the node leaves the cluster and
 * stops; a second signal ends the program at once with status 130.
 * @module
 */
import { type DaemonSettings, parseDaemonArguments } from "./lib/cli/daemon_settings.ts";
import { Daemon } from "./lib/daemon/daemon.ts";
import { type DaemonRuntime, needsProcesses } from "./lib/daemon/settings.ts";
import { RotatingFile } from "./lib/deno/append_file.ts";
import { DenoHost } from "./lib/deno/host.ts";
import { StderrLog } from "./lib/deno/log.ts";
import { DenoNetwork } from "./lib/deno/network.ts";
import { replaceSecretFile } from "./lib/deno/replace_secret.ts";
import { type RemainingNeeds, revokePermissions } from "./lib/deno/permissions.ts";
import {
  createSecretFile,
  readRulesFile,
  readSecretFile,
  removeUnfinishedSecretFile,
} from "./lib/deno/secret_file.ts";
import { DenoClock, DenoRandom, DenoTimers } from "./lib/deno/runtime.ts";
import { defaultStateDirectory, nodeDirectory, openNodeStore } from "./lib/deno/state_directory.ts";
import { writeAll } from "./lib/deno/write_all.ts";
import { EXIT_STATUS, GossipcheckError } from "./lib/errors.ts";
import { AUDIT_FILES_KEPT, STOP_GRACE_MS } from "./lib/limits.ts";
import { join, resolve } from "@std/path";

/** Prints an error as one line and exits with its status; an unknown error is an internal error. */
function fail(error: unknown, options: { showStack: boolean }): never {
  const known = error instanceof GossipcheckError;
  const message = error instanceof Error ? error.message : String(error);
  const line = known
    ? message
    : `internal error: ${message}; the daemon stops (-log-level debug prints the stack trace)`;
  writeAll(Deno.stderr, `gossipcheckd: ${line}\n`);
  if (options.showStack && error instanceof Error) writeAll(Deno.stderr, `${error.stack}\n`);
  Deno.exit(known ? error.exitStatus : EXIT_STATUS.failed);
}

/** Resolves at the first SIGTERM or SIGINT; a second one exits at once. */
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

/** Calls back at each SIGHUP, which no longer ends the program. */
function onHangup(callback: () => void): void {
  Deno.addSignalListener("SIGHUP", callback);
}

/** The directory of the state of all nodes; undefined with `-state-dir none`. */
function stateRoot({ stateDirectory }: DaemonSettings): string | undefined {
  if (stateDirectory === "none") return undefined;
  const owner = { uid: Deno.uid(), variable: (name: string) => Deno.env.get(name) };
  return resolve(stateDirectory ?? defaultStateDirectory(owner));
}

/** The permissions that are needed after the start. The database, already open, needs none. */
function remainingNeeds(settings: DaemonSettings): RemainingNeeds {
  const keepsState = settings.stateDirectory !== "none";
  return {
    processes: needsProcesses(settings),
    files: keepsState || settings.keyringFile !== undefined,
  };
}

/** The operating system interfaces of the daemon, on Deno. */
function runtimeOf(settings: DaemonSettings, log: StderrLog): DaemonRuntime {
  const root = stateRoot(settings);
  return {
    clock: new DenoClock(),
    log,
    random: new DenoRandom(),
    timers: new DenoTimers(),
    network: new DenoNetwork(),
    host: new DenoHost(),
    readSecretFile,
    replaceSecretFile,
    createSecretFile,
    removeUnfinishedSecretFile,
    readRulesFile,
    stateFile: ({ name, file }) =>
      root === undefined ? undefined : join(nodeDirectory({ root, name }), file),
    openAppendFile: (path) => new RotatingFile({ path, keep: AUDIT_FILES_KEPT }),
    openStore: (options) => root === undefined ? undefined : openNodeStore({ root, ...options }),
    hostname: Deno.hostname(),
    cores: navigator.hardwareConcurrency,
  };
}

async function main(args: readonly string[]): Promise<void> {
  const settings = parseDaemonArguments(args);
  if ("help" in settings) return writeAll(Deno.stdout, settings.help);
  const showStack = settings.logLevel === "debug";
  globalThis.addEventListener("unhandledrejection", (event) => fail(event.reason, { showStack }));
  globalThis.addEventListener("error", (event) => fail(event.error, { showStack }));
  const log = new StderrLog({
    level: settings.logLevel,
    format: settings.logFormat,
    write: (line) => writeAll(Deno.stderr, line),
    clock: new DenoClock(),
  });
  const runtime = runtimeOf(settings, log);
  const stopping = stopSignal();
  // Absolute, because clients have another working directory.
  const { tokenFile } = settings;
  const resolved = tokenFile === undefined ? {} : { tokenFile: resolve(tokenFile) };
  const daemon = await Daemon.start({ settings: { ...settings, ...resolved }, runtime });
  onHangup(() => daemon.reload());
  revokePermissions(remainingNeeds(settings));
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
