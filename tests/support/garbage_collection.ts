/**
 * Makes a daemon collect garbage when a test measures its memory: how much garbage a process has
 * depends on how busy the machine is. Half of this module is preloaded into the process.
 * @module
 */
import { join } from "@std/path";
import { preloading, writePreload } from "./fault_preload.ts";
import type { GossipcheckNode } from "./gossipcheck_node.ts";
import { memoryInUseBytes } from "./heap.ts";
import type { CommandLine } from "./process.ts";

/** Event of the log line that the daemon writes after each collection. */
const EVENT = "garbage_collected";

/** Runs in the daemon: collects garbage whenever the process gets SIGUSR2. */
export function collectOnSignal(): void {
  Deno.addSignalListener("SIGUSR2", () => {
    const line = JSON.stringify({ time: new Date(), event: EVENT, inUse: memoryInUseBytes() });
    Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
  });
}

/** Returns a function that makes a daemon preload this module, from a file in `folder`. */
export function withGarbageCollection(folder: string): (line: CommandLine) => CommandLine {
  const path = join(folder, "garbage_collection.ts");
  const module = "garbage_collection.ts";
  writePreload(path, { module, call: "collectOnSignal", argument: null });
  return (line) => line.args.includes("main.ts") ? preloading(line, path) : line;
}

/** Makes a daemon collect garbage; resolves with the bytes that are in use after it. */
export async function collectGarbage(node: GossipcheckNode): Promise<number> {
  const since = node.events.all.length;
  node.signal("SIGUSR2");
  const { fields } = await node.events.wait(({ event }) => event === EVENT, {
    what: `garbage collection of ${node.name}`,
    since,
  });
  return Number(fields["inUse"]);
}
