/**
 * Checks, clients and printed figures for tests that send many batches and measure memory.
 * @module
 */
import { assertEquals, assertLess } from "@std/assert";
import type { Check } from "../../lib/batch/check.ts";
import type { TestCluster } from "./cluster.ts";
import { FaultClient } from "./fault_client.ts";
import { PATIENCE_MS } from "./process_events.ts";
import type { SoakGauge } from "./soak_gauge.ts";

const ACTION_TIMEOUT_MS = 60_000;

/** Returns a check whose action writes a stamp, and one that passes. */
export function stampingChecks(cluster: TestCluster): Check[] {
  const common = { type: "file_exists", actionTimeoutMs: ACTION_TIMEOUT_MS };
  const action = `echo "$GOSSIPCHECK_BATCH $GOSSIPCHECK_NODE" >> '${cluster.path("runs")}'`;
  return [
    { ...common, name: "stamp", fields: { path: cluster.path("never-there") }, action },
    { ...common, name: "passes", fields: { path: "/" } },
  ];
}

/** Returns a client of a node. */
export function clientOf(node: TestCluster["origin"]): FaultClient {
  const started = node.events.all.find(({ event }) => event === "daemon_started");
  return new FaultClient(String(started?.fields["clients"]));
}

/**
 * Waits until every node has run every batch, and asserts that none ran one twice. Gives up once no
 * node has run any for {@linkcode PATIENCE_MS}.
 */
export async function untilStamped(cluster: TestCluster, ids: readonly string[]): Promise<void> {
  const expected = new Set(ids.flatMap((id) => cluster.names.map((name) => `${id} ${name}`)));
  let [count, progressMs] = [-1, 0];
  while (true) {
    const stamps = cluster.stamps();
    const twice = stamps.filter((stamp, index) => stamp === stamps[index + 1]);
    assertEquals(twice.slice(0, 5), [], "actions that ran twice");
    const missing = expected.difference(new Set(stamps));
    if (missing.size === 0) return assertEquals(stamps.length, expected.size);
    if (stamps.length > count) [count, progressMs] = [stamps.length, performance.now()];
    const waitedMs = performance.now() - progressMs;
    assertLess(
      waitedMs,
      PATIENCE_MS,
      `${missing.size} actions do not run: ${[...missing].slice(0, 5)}`,
    );
    await pause(1_000);
  }
}

/** Samples memory and open files of all processes and returns them as a line of text. */
export function told(gauge: SoakGauge): string {
  gauge.sample();
  const { processes = [] } = gauge.samples.at(-1) ?? {};
  const resident = processes.map(({ residentKib }) => Math.round(residentKib / 1024));
  const files = processes.map((each) => each.files);
  return `${sum(resident)} MiB, ${Math.min(...resident)} to ${Math.max(...resident)} a node; ` +
    `${Math.min(...files)} to ${Math.max(...files)} open files`;
}

/** Formats a growth: 1.05 as `5.0 %`. */
export function percent(ratio: number): string {
  return `${((ratio - 1) * 100).toFixed(1)} %`;
}

/** Returns the sum of the numbers. */
export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Resolves after `ms` milliseconds, at once if that is negative. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
