/**
 * `deno task demo`: starts five daemons on this machine, and sends a check file twice: in the first
 * run one check fails and its action fixes it. Removes all its files and processes, also on
 * Control-C.
 *
 * `GOSSIPCHECKD` and `GCHECK` name executables to use in place of the sources.
 * @module
 */
import { basename, fromFileUrl, join } from "@std/path";
import { print, printError } from "./print.ts";

const NODES = 5;
/** Timeout for all daemons to join; they take about two seconds. */
const JOIN_TIMEOUT_MS = 20_000;
/** Time between SIGTERM and SIGKILL for a daemon. */
const STOP_TIMEOUT_MS = 5_000;

/** How to start a program: an executable and the arguments before those of the program. */
interface Program {
  readonly executable: string;
  readonly prefix: readonly string[];
}

/** The state of the demo. */
interface Demo {
  readonly directory: string;
  readonly daemon: Program;
  readonly client: Program;
  /** Address where the first daemon listens for `gcheck`. */
  readonly server: string;
  /** Address where each daemon listens for the others. */
  readonly binds: readonly string[];
  /** Aborts on Control-C. */
  readonly interrupted: AbortSignal;
  /** Aborts when a daemon ends. */
  readonly ended: AbortSignal;
}

interface Finished {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

function program(options: { variable: string; set: string; main: string }): Program {
  const executable = Deno.env.get(options.variable);
  if (executable !== undefined && executable !== "") {
    return { executable: Deno.realPathSync(executable), prefix: [] };
  }
  const config = fromFileUrl(import.meta.resolve("../deno.json"));
  const main = fromFileUrl(import.meta.resolve(`../${options.main}`));
  return {
    executable: Deno.execPath(),
    prefix: ["run", "--quiet", `--config=${config}`, `--permission-set=${options.set}`, main],
  };
}

/** Finds ports that are free for UDP and TCP. */
function freePorts(count: number): number[] {
  const open: { close(): void }[] = [];
  const ports: number[] = [];
  while (ports.length < count) {
    const stream = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = stream.addr;
    open.push(stream);
    try {
      open.push(Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port }));
      ports.push(port);
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  for (const socket of open) socket.close();
  return ports;
}

/** The environment of both programs. */
const ENVIRONMENT = { NO_COLOR: "1" };

function startDaemon(demo: Demo, index: number): Deno.ChildProcess {
  const [first = "", bind = ""] = [demo.binds[0], demo.binds[index]];
  const place = index === 0 ? ["-cli-bind", demo.server] : ["-no-cli", "-peers", first];
  const role = index === 0 ? "role=db" : "role=web";
  const child = new Deno.Command(demo.daemon.executable, {
    args: [
      ...demo.daemon.prefix,
      ...["-name", `node-${index + 1}`, "-bind", bind, "-tags", role],
      ...["-state-dir", join(demo.directory, "state")],
      ...place,
    ],
    cwd: demo.directory,
    env: ENVIRONMENT,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const log = Deno.openSync(join(demo.directory, `node-${index + 1}.log`), {
    create: true,
    write: true,
  });
  child.stderr.pipeTo(log.writable).catch(() => {});
  return child;
}

async function stopDaemons(daemons: readonly Deno.ChildProcess[]): Promise<void> {
  await Promise.all(daemons.map(async (daemon) => {
    try {
      daemon.kill("SIGTERM");
    } catch (error) {
      // It has ended already, as all daemons do on Control-C in a terminal.
      if (!(error instanceof TypeError)) throw error;
    }
    const timer = setTimeout(() => daemon.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await daemon.status;
    clearTimeout(timer);
  }));
}

async function gcheck(demo: Demo, args: readonly string[]): Promise<Finished> {
  const child = new Deno.Command(demo.client.executable, {
    args: [...demo.client.prefix, "-server", demo.server, ...args],
    cwd: demo.directory,
    env: ENVIRONMENT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: demo.interrupted,
  }).spawn();
  const { code, stdout, stderr } = await child.output();
  demo.interrupted.throwIfAborted();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout), errors: decoder.decode(stderr) };
}

/** Number of alive members that the first daemon knows; 0 while it does not answer. */
async function aliveMembers(demo: Demo): Promise<number> {
  const { code, output } = await gcheck(demo, ["-output", "json", "list-members"]);
  if (code !== 0) return 0;
  return output.match(/"state":\s*"alive"/g)?.length ?? 0;
}

async function untilJoined(demo: Demo): Promise<void> {
  const deadline = performance.now() + JOIN_TIMEOUT_MS;
  while (await aliveMembers(demo) < NODES) {
    if (demo.ended.aborted) throw new Error("a daemon has ended unexpectedly");
    if (performance.now() > deadline) {
      throw new Error(
        `the ${NODES} daemons did not join within ${JOIN_TIMEOUT_MS / 1000} s`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/**
 * Writes a check file with all three check types; at first only the file `app.ready` does not
 * exist.
 */
async function writeCheckFile(demo: Demo): Promise<string> {
  const settings = join(demo.directory, "app.conf");
  const flag = join(demo.directory, "app.ready");
  await Deno.writeTextFile(settings, "port = 8080\n");
  const checks = {
    settings_have_port: { type: "file_contains", path: settings, check: "port = 8080" },
    // The process of the demo itself: a daemon ignores its own arguments.
    demo_runs: {
      type: "process_running",
      path: basename(await Deno.realPath(Deno.execPath())),
      check: "scripts/demo.ts",
    },
    // All nodes share the files of this machine: the sleep lets the check fail on each node.
    app_is_ready: { type: "file_exists", path: flag, action: `sleep 1; echo ready | tee ${flag}` },
  };
  const path = join(demo.directory, "checks.json");
  await Deno.writeTextFile(path, JSON.stringify(checks, null, 2) + "\n");
  return path;
}

/** Runs one command and prints it as a user would type it, with its output. */
async function show(demo: Demo, args: { typed: string; given: string[]; status: number }) {
  print(`$ gcheck ${args.typed}`);
  const { code, output, errors } = await gcheck(demo, args.given);
  print((output + errors).trimEnd());
  print(`(exit status ${code})\n`);
  if (code !== args.status) {
    throw new Error(`exit status ${code}, expected ${args.status}`);
  }
}

async function tour(demo: Demo): Promise<void> {
  await untilJoined(demo);
  await show(demo, { typed: "list-members", given: ["list-members"], status: 0 });
  const file = await writeCheckFile(demo);
  print("$ cat checks.json");
  print(await Deno.readTextFile(file));
  const check = { typed: "-file checks.json check", given: ["-file", file, "check"] };
  print("The first run: a file does not exist, and the action creates it.");
  await show(demo, { ...check, status: 1 });
  print("The second run: all checks pass.");
  await show(demo, { ...check, status: 0 });
}

/** Prints the logs of the daemons after a failure. */
async function showLogs(directory: string): Promise<void> {
  for (let node = 1; node <= NODES; node++) {
    const log = await Deno.readTextFile(join(directory, `node-${node}.log`));
    printError(`--- node-${node}\n${log.trimEnd()}`);
  }
}

async function run(interrupted: AbortSignal): Promise<void> {
  const [clientPort = 0, ...ports] = freePorts(NODES + 1);
  const ended = new AbortController();
  const daemon = program({ variable: "GOSSIPCHECKD", set: "gossipcheckd", main: "main.ts" });
  const client = program({ variable: "GCHECK", set: "gcheck", main: "cli.ts" });
  const demo: Demo = {
    directory: await Deno.makeTempDir({ prefix: "gossipcheck-demo-" }),
    daemon,
    client,
    server: `127.0.0.1:${clientPort}`,
    binds: ports.map((port) => `127.0.0.1:${port}`),
    interrupted,
    ended: ended.signal,
  };
  const daemons: Deno.ChildProcess[] = [];
  try {
    for (let index = 0; index < NODES; index++) daemons.push(startDaemon(demo, index));
    for (const daemon of daemons) daemon.status.then(() => ended.abort());
    await tour(demo);
  } catch (error) {
    if (!interrupted.aborted) await showLogs(demo.directory);
    throw error;
  } finally {
    await stopDaemons(daemons);
    await Deno.remove(demo.directory, { recursive: true });
  }
}

if (import.meta.main) {
  const control = new AbortController();
  const interrupt = () => control.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, interrupt);
  const started = performance.now();
  try {
    await run(control.signal);
    print(
      `All daemons have stopped. It took ${((performance.now() - started) / 1000).toFixed(1)} s.`,
    );
  } catch (error) {
    printError(control.signal.aborted ? "demo: interrupted" : `demo: ${error}`);
    Deno.exitCode = control.signal.aborted ? 130 : 1;
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      Deno.removeSignalListener(signal, interrupt);
    }
  }
}
