/**
 * The program `gcheck`, the client of an operator: parses the arguments, runs the command, and maps
 * its outcome to the exit status. The first Control-C ends the command, a second one ends the
 * program at once with status 130.
 * @module
 */
import { Client } from "./lib/client/client.ts";
import { formatProblem, parseCheckFile } from "./lib/checks/parse.ts";
import { Runner } from "./lib/checks/runner.ts";
import type { CommandContext, LocalRunner } from "./lib/cli/commands/context.ts";
import { runCommand } from "./lib/cli/commands/run.ts";
import { printable } from "./lib/printable.ts";
import { takesFlag } from "./lib/cli/client_flags.ts";
import { type ClientSettings, parseClientArguments } from "./lib/cli/client_settings.ts";
import { configuredToken, TOKEN_VARIABLE, tokenNamedByDaemon } from "./lib/cli/find_token.ts";
import { DenoHost } from "./lib/deno/host.ts";
import { readCheckFile } from "./lib/deno/check_file.ts";
import { DenoNetwork } from "./lib/deno/network.ts";
import { revokePermissions } from "./lib/deno/permissions.ts";
import { createSecretFile, readSecretFile } from "./lib/deno/secret_file.ts";
import { DenoClock, DenoRandom, DenoTimers } from "./lib/deno/runtime.ts";
import { writeAll } from "./lib/deno/write_all.ts";
import { EXIT_STATUS, GossipcheckError, UsageError } from "./lib/errors.ts";
import { CLIENT_HANDSHAKE_TIMEOUT_MS } from "./lib/limits.ts";

/**
 * Exit status that a shell reports for a program that SIGPIPE ended: the reader closed the pipe.
 */
const BROKEN_PIPE_STATUS = 141;

/** Returns a signal that aborts at the first Control-C; a second one exits at once. */
function interruption(): AbortSignal {
  const first = new AbortController();
  Deno.addSignalListener("SIGINT", () => {
    if (first.signal.aborted) Deno.exit(EXIT_STATUS.interrupted);
    first.abort();
  });
  return first.signal;
}

function localRunner(clock: DenoClock, timers: DenoTimers): LocalRunner {
  return {
    run(checks, options) {
      const runner = new Runner({ host: new DenoHost(), clock, timers, maxParallel: 1 });
      const mode = "sequential";
      return runner.run({ checks, node: "", batchId: "", mode, actions: false, ...options });
    },
  };
}

async function readSecret(path: string): Promise<string> {
  if (path === "-") return new TextDecoder().decode(await readCheckFile(path));
  const text = readSecretFile(path);
  if (text === undefined) throw new UsageError(`${path} does not exist`);
  return text;
}

function contextOf(settings: ClientSettings): CommandContext {
  const clock = new DenoClock();
  const timers = new DenoTimers();
  const isDumb = Deno.env.get("TERM") === "dumb";
  const timeoutMs = Math.min(settings.timeoutMs, CLIENT_HANDSHAKE_TIMEOUT_MS);
  const { command, server, tokenFile } = settings;
  const random = new DenoRandom();
  const paths = { flag: tokenFile, variable: Deno.env.get(TOKEN_VARIABLE) };
  const token = takesFlag(command, "server") ? configuredToken(paths, readTokenFile) : undefined;
  const writesFile = settings.outFile !== undefined;
  revokePermissions({ processes: command === "local-check", files: writesFile });
  return {
    settings,
    print: (text) => writeAll(Deno.stdout, text),
    printError: (text) => writeAll(Deno.stderr, text),
    color: Deno.stdout.isTerminal() && !Deno.noColor && !isDumb,
    live: Deno.stderr.isTerminal() && !isDumb,
    clock,
    timers,
    interrupted: interruption(),
    client: new Client({
      ...{ timers, random, server, timeoutMs },
      network: new DenoNetwork(),
      ...(token === undefined ? {} : { token }),
      findToken: (file) => tokenNamedByDaemon(file, readTokenFile),
    }),
    runner: localRunner(clock, timers),
    readFile: readCheckFile,
    readSecret,
    createSecret: createSecretFile,
    random,
    parseCheckFile,
    formatProblem,
  };
}

/** Reads a token file; root may use the daemon of any user. */
function readTokenFile(path: string): string | undefined {
  return readSecretFile(path, { rootReadsAll: true });
}

/** Prints an error as one line and exits with its status; an unknown error is an internal error. */
function fail(error: unknown): never {
  if (error instanceof Deno.errors.BrokenPipe) Deno.exit(BROKEN_PIPE_STATUS);
  const known = error instanceof GossipcheckError;
  const message = error instanceof Error ? error.message : String(error);
  try {
    writeAll(Deno.stderr, `gcheck: ${known ? "" : "internal error: "}${printable(message)}\n`);
  } catch {
    // The reader of stderr closed the pipe.
  }
  Deno.exit(known ? error.exitStatus : EXIT_STATUS.failed);
}

async function main(args: readonly string[]): Promise<number> {
  const settings = parseClientArguments(args);
  if ("help" in settings) {
    writeAll(Deno.stdout, settings.help);
    return EXIT_STATUS.ok;
  }
  return await runCommand(contextOf(settings));
}

globalThis.addEventListener("unhandledrejection", (event) => fail(event.reason));
globalThis.addEventListener("error", (event) => fail(event.error));
try {
  Deno.exit(await main(Deno.args));
} catch (error) {
  fail(error);
}
