import { assertEquals, assertGreater } from "@std/assert";
import type { ClusterNode } from "../support/cluster_node.ts";
import { freePort } from "../support/free_port.ts";
import { GoPeer } from "../support/go_peer.ts";
import { missingForGo } from "../support/go_tools.ts";
import { GossipcheckNode } from "../support/gossipcheck_node.ts";
import { foreignPrograms, INTEROP_KINDS, startersOf } from "../support/interop_kinds.ts";
import { playInterop } from "../support/interop_scenario.ts";
import { eventually } from "../support/process.ts";
import { Wiretap } from "../support/wiretap.ts";

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
  await eventually(async () => assertEquals(await states(node), counts));
}

async function states(node: ClusterNode): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { state } of (await node.members()).values()) {
    counts[state] = (counts[state] ?? 0) + 1;
  }
  return counts;
}

Deno.test({
  name: `packets and full states go to memberlist compressed, and it reads them${because}`,
  ignore,
}, async () => {
  const { peer: program } = await foreignPrograms();
  const [target = "", at = ""] = [freePort(), freePort()].map((port) => `127.0.0.1:${port}`);
  await using tap = new Wiretap({ at, target });
  await using theirs = await GoPeer.start({ program, name: "theirs", bind: target, advertise: at });
  // Long enough that even two members' states become smaller.
  const tags = { rack: "x".repeat(200) };
  await using ours = await GossipcheckNode.start({ name: "ours", join: [at], tags });
  await theirs.waitFor("join", { name: "ours" });
  // The next exchange with the only other member, whom by then we know to be foreign.
  await eventually(() => assertGreater(tap.streams.compressed, 0));

  await using _crowd = await GoPeer.start({
    program,
    name: "crowd",
    join: [ours.address],
    count: 10,
  });
  await untilSees(theirs, { alive: 12 });
  await untilSees(ours, { alive: 12 });
  await eventually(() => assertGreater(tap.packets.compressed, 0));
  const complaints = theirs.events.all.filter(({ event, error }) =>
    event === "failed" || /decompress|not supported|unknown/i.test(error ?? "")
  );
  assertEquals(complaints, []);
});
