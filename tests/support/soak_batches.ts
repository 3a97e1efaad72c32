/**
 * Batches that leave a stamp on every node, sent for so long or so fast that memory is what a test
 * looks at.
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Check } from "../../lib/checks/check.ts";
import type { TestCluster } from "./cluster.ts";
import { FaultClient } from "./fault_client.ts";
import { eventually } from "./process.ts";
import type { SoakGauge } from "./soak_gauge.ts";

/** How long the last actions may take before a test gives up; nothing is asserted about it. */
const PATIENCE_MS = 300_000;
const ACTION_TIMEOUT_MS = 60_000;

/** A check whose action leaves a stamp, and one that passes. */
export function stampingChecks(cluster: TestCluster): Check[] {
  const common = { type: "file_exists", actionTimeoutMs: ACTION_TIMEOUT_MS };
  const action = `echo "$GOSSIPCHECK_BATCH $GOSSIPCHECK_NODE" >> '${cluster.path("runs")}'`;
  return [
    { ...common, name: "stamp", fields: { path: cluster.path("never-there") }, action },
    { ...common, name: "passes", fields: { path: "/" } },
  ];
}

/** Asks a node of the cluster. */
export function clientOf(node: TestCluster["origin"]): FaultClient {
  const started = node.events.all.find(({ event }) => event === "daemon_started");
  return new FaultClient(String(started?.fields["clients"]));
}

/** Waits until every node has run every batch, and asserts that none ran one twice. */
export async function untilStamped(cluster: TestCluster, ids: readonly string[]): Promise<void> {
  const expected = new Set(ids.flatMap((id) => cluster.names.map((name) => `${id} ${name}`)));
  await eventually(() => {
    const stamps = cluster.stamps();
    const twice = stamps.filter((stamp, index) => stamp === stamps[index + 1]);
    assertEquals(twice.slice(0, 5), [], "an action that ran twice");
    const seen = new Set(stamps);
    const lacking = [...expected].filter((stamp) => !seen.has(stamp));
    assertEquals(lacking.slice(0, 5), [], `${lacking.length} actions that did not run`);
    assertEquals(stamps.length, expected.size);
  }, { timeoutMs: PATIENCE_MS, intervalMs: 1_000 });
}

/** What the processes take now, in a line for people. */
export function told(gauge: SoakGauge): string {
  gauge.sample();
  const { processes = [] } = gauge.samples.at(-1) ?? {};
  const resident = processes.map(({ residentKib }) => Math.round(residentKib / 1024));
  const files = processes.map((each) => each.files);
  return `${sum(resident)} MiB, ${Math.min(...resident)} to ${Math.max(...resident)} a node; ` +
    `${Math.min(...files)} to ${Math.max(...files)} open files`;
}

/** A growth for people: 1.05 is 5 %. */
export function percent(ratio: number): string {
  return `${((ratio - 1) * 100).toFixed(1)} %`;
}

/** The sum. */
export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Waits, not at all where `ms` is past. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
