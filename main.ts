/**
 * `gossipcheckd`, the daemon of each node: arguments to settings, settings to a running node, and
 * whatever ends it to an exit status. The first SIGTERM or SIGINT leaves the cluster in order, a
 * second one ends the program at once with status 130.
 * @module
 */
import { type DaemonSettings, parseDaemonArguments } from "./lib/cli/daemon_settings.ts";
import { Daemon } from "./lib/daemon/daemon.ts";
import { needsProcesses } from "./lib/trust/node_policy.ts";
import type { DaemonRuntime } from "./lib/daemon/settings.ts";
import { RotatingFile } from "./lib/deno/append_file.ts";
import { DenoHost } from "./lib/deno/host.ts";
import { StderrLog } from "./lib/deno/log.ts";
import { DenoNetwork } from "./lib/deno/network.ts";
import { replaceSecretFile } from "./lib/deno/replace_secret.ts";
import { giveUpPermissions, type RemainingNeeds } from "./lib/deno/permissions.ts";
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

/** Calls back at each SIGHUP, which ends nothing from now on. */
function onHangup(callback: () => void): void {
  Deno.addSignalListener("SIGHUP", callback);
}

/** Where the state of all nodes is kept; undefined where the operator wants nothing kept. */
function stateRoot({ stateDirectory }: DaemonSettings): string | undefined {
  if (stateDirectory === "none") return undefined;
  const owner = { uid: Deno.uid(), variable: (name: string) => Deno.env.get(name) };
  return resolve(stateDirectory ?? defaultStateDirectory(owner));
}

/** What is done after the start: an open database needs no permission, all else that is written does. */
function remainingNeeds(settings: DaemonSettings): RemainingNeeds {
  const keepsState = settings.stateDirectory !== "none";
  return {
    processes: needsProcesses(settings),
    files: keepsState || settings.keyringFile !== undefined,
  };
}

/** The machine, as a node uses it. */
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
  // Clients are told where the token is, and theirs is another working directory.
  const { tokenFile } = settings;
  const named = tokenFile === undefined ? {} : { tokenFile: resolve(tokenFile) };
  const daemon = await Daemon.start({ settings: { ...settings, ...named }, runtime });
  onHangup(() => daemon.reload());
  giveUpPermissions(remainingNeeds(settings));
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
