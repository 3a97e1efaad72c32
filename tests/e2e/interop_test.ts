import { assertEquals } from "@std/assert";
import type { ClusterNode } from "../support/cluster_node.ts";
import { missingForGo } from "../support/go_tools.ts";
import { foreignPrograms, INTEROP_KINDS, startersOf } from "../support/interop_kinds.ts";
import { playInterop } from "../support/interop_scenario.ts";
import { eventually } from "../support/process.ts";

const missing = await missingForGo();
const ignore = missing !== undefined;
const because = ignore ? ` (skipped, this machine lacks ${missing})` : "";
/** The clusters live side by side, so their steps cannot be told apart by leak tracing. */
const sideBySide = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };

Deno.test(
  { name: `our node lives among nodes we did not write${because}`, ignore },
  async (test) => {
    const programs = await foreignPrograms();
    const passed = await Promise.all(INTEROP_KINDS.map((kind) =>
      test.step({
        name: kind.name,
        ...sideBySide,
        fn: (cluster) =>
          playInterop({
            ...startersOf(kind, programs),
            step: async (name, fn) => {
              const passed = await cluster.step({ name, fn, ...sideBySide });
              if (!passed) throw new Error(`what follows "${name}" builds on it`);
            },
          }),
      })
    ));
    assertEquals(passed, INTEROP_KINDS.map(() => true));
  },
);

const CROWD = 500;

for (const kind of INTEROP_KINDS) {
  const name = `a push/pull of ${CROWD} members, both ways: ${kind.name}${because}`;
  Deno.test({ name, ignore }, async () => {
    const starters = startersOf(kind, await foreignPrograms());
    await using crowd = await starters.startWitness({ name: "crowd", count: CROWD });
    await using theirs = await starters.startTheirs({ name: "theirs", join: [crowd.address] });
    await using ours = await starters.startOurs({ name: "ours", join: [theirs.address] });
    await untilSees(ours, { alive: CROWD + 2 });

    await using newcomer = await starters.startWitness({ name: "newcomer", join: [ours.address] });
    await untilSees(newcomer, { alive: CROWD + 3 });
    await untilSees(ours, { alive: CROWD + 3 });
    assertEquals(ours.events.all.filter(({ event }) => event === "failed"), []);
  });
}

async function untilSees(node: ClusterNode, counts: Record<string, number>): Promise<void> {
  await eventually(async () => assertEquals(await states(node), counts), { timeoutMs: 30_000 });
}

async function states(node: ClusterNode): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { state } of (await node.members()).values()) {
    counts[state] = (counts[state] ?? 0) + 1;
  }
  return counts;
}
