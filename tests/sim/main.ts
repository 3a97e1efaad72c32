/**
 * The simulator on the command line: one seed again with all that was done to it, thousands of
 * seeds, or the figures of `docs/simulation.md`.
 */
import { parseArgs } from "@std/cli/parse-args";
import { runChaos } from "./chaos.ts";
import { dayCommand, type DayOptions, runDay } from "./day.ts";
import {
  type LossFigures,
  measureFlatness,
  measureLoss,
  measureScale,
  measureSlow,
  type ScaleFigures,
} from "./figures.ts";

const USAGE = `deno task sim --seed N       one run again, with what was done to the cluster
deno task sim --seeds N      N runs, from seed 1 or --from; exit status 1 where one is bad
deno task sim --figures      the tables of docs/simulation.md (minutes)
deno task sim --nodes N      joins, news and ten failures in a cluster of N
deno task sim --day          batches through a day of churn; also --seed, --nodes, --minutes, --expires`;

const encoder = new TextEncoder();

function write(line: string): void {
  Deno.stdout.writeSync(encoder.encode(`${line}\n`));
}

async function replay(seed: number): Promise<boolean> {
  const result = await runChaos(seed);
  for (const line of result.log) write(line);
  for (const violation of result.violations) write(`violated: ${violation}`);
  write(`seed ${seed}: trace ${result.trace.toString(16)}, right after ${result.healedAfterMs} ms`);
  return result.violations.length === 0;
}

async function runMany(first: number, count: number): Promise<boolean> {
  const healed: number[] = [];
  let bad = 0;
  for (let seed = first; seed < first + count; seed++) {
    const { violations, healedAfterMs } = await runChaos(seed);
    if (healedAfterMs !== undefined) healed.push(healedAfterMs);
    if (violations.length === 0) continue;
    bad++;
    write(`seed ${seed}: ${violations[0]}; again with: deno task sim --seed ${seed}`);
  }
  healed.sort((a, b) => a - b);
  const [median, longest] = [healed[healed.length >> 1], healed.at(-1)];
  write(
    `${count} runs, ${bad} bad; right again after ${median} ms (median), ${longest} ms at most`,
  );
  return bad === 0;
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? "never" : (ms / 1_000).toFixed(1);
}

async function scaleRow(nodes: number): Promise<string> {
  const startMs = performance.now();
  const figures: ScaleFigures = await measureScale({
    nodes,
    killed: Math.min(10, nodes >> 2),
    seed: 1,
  });
  const wall = seconds(performance.now() - startMs);
  const cells = [
    nodes,
    seconds(figures.joinedMs),
    figures.restPackets.toFixed(2),
    figures.restBytes.toFixed(0),
    figures.newsRounds.toFixed(1),
    figures.killed,
    seconds(figures.firstSuspectedMs),
    seconds(figures.detectedMs),
    figures.detectPackets.toFixed(1),
    figures.falsePositives,
    wall,
  ];
  return `| ${cells.join(" | ")} |`;
}

async function scaleTable(sizes: readonly number[]): Promise<void> {
  write(
    "| nodes | joined s | packets/node/s | bytes/node/s | rounds for news | killed | " +
      "first suspected s | all know s | packets/node/s then | false positives | wall s |",
  );
  write(`|${" --- |".repeat(11)}`);
  for (const nodes of sizes) write(await scaleRow(nodes));
}

async function lossTable(): Promise<void> {
  write("| loss | suspicions | declared failed | believed failed | packets/node/s |");
  write(`|${" --- |".repeat(5)}`);
  for (const loss of [0.05, 0.2, 0.35, 0.5]) {
    const runs: LossFigures[] = [];
    for (const seed of [1, 2, 3, 4, 5]) {
      runs.push(await measureLoss({ nodes: 20, loss, durationMs: 90_000, seed }));
    }
    const mean = (pick: (run: LossFigures) => number) =>
      (runs.reduce((sum, run) => sum + pick(run), 0) / runs.length).toFixed(1);
    const cells = [
      `${loss * 100} %`,
      mean(({ suspicions }) => suspicions),
      mean(({ declared }) => declared),
      mean(({ believed }) => believed),
      mean(({ packets }) => packets),
    ];
    write(`| ${cells.join(" | ")} |`);
  }
}

async function slowTable(): Promise<void> {
  write("| Lifeguard | healthy members declared failed | members declared failed |");
  write(`|${" --- |".repeat(3)}`);
  for (const lifeguard of [false, true]) {
    const figures = await measureSlow({ nodes: 128, slow: 8, lifeguard, seed: 1 });
    write(`| ${lifeguard ? "on" : "off"} | ${figures.falsePositives} | ${figures.failures} |`);
  }
}

async function flatnessTable(): Promise<void> {
  write("| members | processor µs for a second of one node's life | bytes sent in it |");
  write(`|${" --- |".repeat(3)}`);
  // Once for nothing: the first figure would otherwise hold the compiling of what runs hot.
  await measureFlatness(100);
  for (const members of [100, 500, 2_000]) {
    const { microsPerSecond, bytesPerSecond } = await measureFlatness(members);
    write(`| ${members} | ${microsPerSecond.toFixed(0)} | ${bytesPerSecond.toFixed(0)} |`);
  }
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(0);
}

async function day(options: DayOptions): Promise<boolean> {
  const startMs = performance.now();
  const figures = await runDay({
    ...options,
    hourEnded: ({ hour, batches, runs, memoryBytes }) =>
      write(`hour ${hour}: ${batches} batches, ${runs} runs, ${mebibytes(memoryBytes)} MiB in use`),
  });
  for (const violation of figures.violations) write(`violated: ${violation}`);
  const { batches, runs, stayed, late, restarts, leaves, joins, most } = figures;
  write(`${batches} batches, ${runs} runs; ${restarts} restarts, ${leaves} left, ${joins} joined`);
  write(`the origins have ${stayed} results of nodes that stayed up, and ${late} of others`);
  write(
    `messages/node/s ${figures.messagesPerNodeSecond.toFixed(2)}, ` +
      `bytes/node/s ${figures.bytesPerNodeSecond.toFixed(0)}, ` +
      `peak ${mebibytes(figures.peakBytes)} MiB, wall ${seconds(performance.now() - startMs)} s`,
  );
  write(`most that a node held: ${JSON.stringify(most)}`);
  if (figures.violations.length > 0) write(`again with: ${dayCommand(options)}`);
  return figures.violations.length === 0;
}

async function main(): Promise<boolean> {
  const options = parseArgs(Deno.args, {
    string: ["seed", "seeds", "from", "nodes", "minutes", "expires"],
    boolean: ["figures", "day"],
  });
  if (options.day) {
    return await day({
      seed: Number(options.seed ?? 1),
      nodes: Number(options.nodes ?? 500),
      minutes: Number(options.minutes ?? 1_440),
      expiresMinutes: Number(options.expires ?? 60),
    });
  }
  if (options.seed !== undefined) return await replay(Number(options.seed));
  if (options.seeds !== undefined) {
    return await runMany(Number(options.from ?? 1), Number(options.seeds));
  }
  if (options.nodes !== undefined) {
    await scaleTable([Number(options.nodes)]);
    return true;
  }
  if (!options.figures) {
    write(USAGE);
    return false;
  }
  await scaleTable([10, 100, 300, 1_000]);
  write("");
  await lossTable();
  write("");
  await slowTable();
  write("");
  await flatnessTable();
  return true;
}

if (import.meta.main && !(await main())) Deno.exit(1);
