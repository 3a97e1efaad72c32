/** More batches than a cluster can take, as fast as a client can send them. */
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { BusyError } from "../../../lib/errors.ts";
import { DEFAULT_GOSSIP_SETTINGS, type GossipSettings } from "../../../lib/gossip/settings.ts";
import type { GossipEvent } from "../../../lib/gossip/types.ts";
import { GossipWorld } from "../../support/gossip_world.ts";
import { memoryInUseBytes } from "../../support/heap.ts";

const NODES = 20;

/** A cluster whose first node is sent more than it can take. */
class Flood implements Disposable {
  readonly world: GossipWorld;
  /** Of each accepted batch: how many nodes ran it. */
  readonly ran = new Map<string, number>();
  /** Batches that some node other than the origin refused. */
  refusals = 0;
  /** Batches of which the origin has every result. */
  settled = 0;
  /** Submissions that were refused on the spot. */
  busy = 0;
  /** The most that any node held. */
  readonly most = { batches: 0, ids: 0, collections: 0, reports: 0, sends: 0 };

  constructor(settings: Partial<GossipSettings>) {
    const onEvent = (_: unknown, event: GossipEvent): void => {
      if (event.type === "batch_refused") this.refusals++;
      if (event.type === "batch_settled") this.settled++;
      if (event.type !== "batch_accepted") return;
      this.ran.set(event.batch.id, (this.ran.get(event.batch.id) ?? 0) + 1);
    };
    this.world = new GossipWorld({ seed: 1, nodes: NODES, runMs: () => 1, onEvent, settings });
  }

  /** Sends one batch; false where it is refused for the client to see. */
  async send(): Promise<boolean> {
    try {
      await this.world.node(0).submit();
      return true;
    } catch (error) {
      assert(error instanceof BusyError, String(error));
      this.busy++;
      return false;
    }
  }

  /** Lets time pass, and looks at what every node holds. */
  async pass(ms: number): Promise<void> {
    await this.world.pass(ms);
    for (const { machine } of this.world.nodes.values()) {
      const status = machine!.status();
      for (const what of Object.keys(this.most) as (keyof typeof this.most)[]) {
        this.most[what] = Math.max(this.most[what], status[what]);
      }
    }
  }

  [Symbol.dispose](): void {
    this.world[Symbol.dispose]();
  }

  /** Each accepted batch ran once on each node, and the origin has all results. */
  async check(taken: number): Promise<void> {
    const nodes = [...this.world.nodes.values()];
    // A round of anti-entropy may be under way.
    await this.world.passUntil(
      () => nodes.every(({ machine }) => machine!.status().sends === 0),
      10_000,
    );
    assertEquals([this.ran.size, this.refusals, this.settled], [taken, 0, taken]);
    for (const [id, count] of this.ran) assertEquals(count, NODES, id);
    for (const { name, machine, runs } of nodes) {
      assertEquals(runs.size, taken, name);
      for (const [id, count] of runs) assertEquals(count, 1, `${id} on ${name}`);
      assertEquals(machine!.status().reports, 0, name);
    }
  }
}

Deno.test("of 10,000 batches at once each runs once on all 20 nodes, or its sender is told", async () => {
  using flood = new Flood({});
  let taken = 0;
  for (let index = 0; index < 10_000; index++) {
    if (await flood.send()) taken++;
    if (index % 10 === 9) await flood.world.pass(1);
  }
  await flood.pass(0);
  assertEquals(taken + flood.busy, 10_000);
  assertGreater(taken, 500);
  assertLess(taken, DEFAULT_GOSSIP_SETTINGS.maxBatches);
  assertLess(flood.most.sends, DEFAULT_GOSSIP_SETTINGS.maxQueuedSends);
  await flood.pass(120_000);
  await flood.check(taken);
});

Deno.test("a client that goes on sending as fast as it may loses nothing, and memory stays flat", async () => {
  const bounds = { maxIds: 400, maxBatches: 200, maxCollections: 200, originBurst: 100 };
  using flood = new Flood(bounds);
  const batches = 1_200;
  let fullBytes = 0;
  for (let taken = 0; taken < batches;) {
    if (!await flood.send()) await flood.pass(100);
    else if (++taken === batches / 2) fullBytes = memoryInUseBytes();
  }
  const endBytes = memoryInUseBytes();
  await flood.pass(120_000);
  await flood.check(batches);
  assertGreater(flood.busy, 0);
  const { most } = flood;
  assertEquals([most.ids, most.batches, most.collections], [400, 200, 200]);
  assertLess(most.reports, 200);
  assertLess(most.sends, 1_000);
  // The counts of this test itself grow by 1 MiB.
  assertLess(endBytes - fullBytes, 4 * 1024 ** 2);
});
