import { assert, assertEquals, assertGreater } from "@std/assert";
import { join } from "@std/path";
import { print } from "../../scripts/print.ts";
import { CrashCluster } from "../support/crash_cluster.ts";
import type { CrashNode } from "../support/crash_node.ts";
import { CRASH_EVENTS, type CrashPoint } from "../support/crash_points.ts";
import { bury, calmDown, CrashStorm, untilRememberOthers } from "../support/crash_storm.ts";
import { missingForPreload } from "../support/fault_preload.ts";
import { eventually } from "../support/process.ts";

const NAMES = ["a", "b", "c"];
/** Over all nodes. */
const KILLS = 200;
/** A stopped process takes what comes as long as its sockets have room. */
const ON_ITS_WAY_MS = 300;
/** How often the steps are gone through at most until every moment was hit. */
const MOST_ROUNDS = 5;
const CHECKS = { actions: 2, actionMs: 30 };
/** More steps than a batch has on any node; a bound on the search for the last one. */
const MOST_STEPS = 60;

/** Who dies, and which moments of a batch's life must be among those at which it does. */
interface Role {
  readonly name: string;
  readonly origin: string;
  readonly targets: readonly string[];
  readonly moments: Readonly<Record<string, RegExp>>;
}

const RUNNER_MOMENTS = {
  "journalled as received": /INTO batch.*INTO run/,
  "action's start journalled": /INTO started_action/,
  "action started": /spawn of the action/,
  "action's end journalled": /INTO ended_check/,
  "result in the outbox": /INTO outcome/,
  "result confirmed": /UPDATE outcome SET settled/,
};
const ORIGIN_MOMENTS = {
  "issued": /INTO batch.*INTO collection/,
  "a result collected": /INTO collected SELECT/,
};

const ROLES: readonly Role[] = [
  { name: "the runner", origin: "a", targets: ["b"], moments: RUNNER_MOMENTS },
  { name: "the origin", origin: "b", targets: ["a", "c"], moments: ORIGIN_MOMENTS },
  {
    name: "a node that is both",
    origin: "b",
    targets: NAMES,
    moments: { ...RUNNER_MOMENTS, ...ORIGIN_MOMENTS },
  },
];

const missing = missingForPreload();
const ignore = missing !== undefined;
const because = ignore ? ` (skipped, this test needs ${missing})` : "";

for (const role of ROLES) {
  const name = `${role.name} dies before and after each durable step of a batch's life${because}`;
  Deno.test({ name, ignore }, async () => {
    await using cluster = new CrashCluster(NAMES);
    await cluster.start();
    for (const side of ["before", "after"] as const) {
      const deaths = new Deaths({ cluster, role, side });
      await cluster.telling(() => deaths.where, () => deaths.all());
      // What happens at once comes in any order, so that a moment may be missed.
      for (let round = 1; deaths.missed.length > 0 && round < MOST_ROUNDS; round++) {
        await cluster.telling(() => deaths.where, () => deaths.all());
      }
      assertEquals(deaths.missed, [], `moments ${side} which nobody died`);
      print(`    ${deaths.seen.length} deaths, each ${side} a step`);
    }
    cluster.assertSound();
  });
}

/** A batch and how it was found: its sender may have died before it heard the id. */
interface Sent {
  readonly id: string | undefined;
  readonly known: ReadonlySet<string>;
}

/** The node `b` dies at each step of a batch's life, a batch a death. */
class Deaths {
  readonly #cluster: CrashCluster;
  readonly #role: Role;
  readonly #victim: CrashNode;
  readonly #origin: CrashNode;
  #point: CrashPoint;
  /** What the steps were at which it died. */
  readonly seen: string[] = [];

  constructor(options: { cluster: CrashCluster; role: Role; side: CrashPoint["side"] }) {
    this.#cluster = options.cluster;
    this.#role = options.role;
    this.#point = { side: options.side, step: 1 };
    this.#victim = options.cluster.node(1);
    this.#origin = options.cluster.nodes.find(({ name }) => name === options.role.origin) ??
      this.#victim;
  }

  /** The moments at which it never died. */
  get missed(): string[] {
    return Object.entries(this.#role.moments)
      .filter(([, pattern]) => !this.seen.some((what) => pattern.test(what)))
      .map(([name]) => name);
  }

  get where(): string {
    return `${this.#role.name} dies ${this.#point.side} step ${this.#point.step}`;
  }

  async all(): Promise<void> {
    let last: Sent | undefined;
    await this.#victim.kill();
    this.#point = { ...this.#point, step: 1 };
    for (; this.#point.step < MOST_STEPS; this.#point = this.#next()) {
      await this.#rise();
      if (last !== undefined) await this.#settle(last);
      last = await this.#send();
      const what = await this.#deathOf(last);
      if (what === undefined) return;
      this.seen.push(what);
    }
    throw new Error(`a batch's life has no end: ${this.seen.join("; ")}`);
  }

  get #marker(): string {
    return join(this.#cluster.directory, "marker");
  }

  #next(): CrashPoint {
    return { ...this.#point, step: this.#point.step + 1 };
  }

  async #rise(): Promise<void> {
    await Deno.remove(this.#marker).catch(() => {});
    const peers = this.#cluster.nodes.filter((node) => node !== this.#victim);
    await this.#victim.start({ peers, plan: { marker: this.#marker, point: this.#point } });
    await this.#cluster.together();
  }

  async #send(): Promise<Sent> {
    const known = new Set(await this.#origin.client.batches());
    Deno.writeTextFileSync(this.#marker, "");
    const checks = this.#cluster.ledger.checks(CHECKS);
    const target = { nodes: this.#role.targets };
    try {
      return { known, id: await this.#origin.client.send({ checks, target }) };
    } catch (error) {
      if (this.#origin !== this.#victim) throw error;
      return { known, id: undefined };
    }
  }

  /** What the node was at when it died; `undefined` where it outlived the batch. */
  async #deathOf(sent: Sent): Promise<string | undefined> {
    const { life } = this.#victim;
    const over = new AbortController();
    void life.status.then(() => over.abort());
    await eventually(async () => {
      if (!over.signal.aborted) await this.#assertOutlived(sent);
    }, { timeoutMs: 60_000, intervalMs: 20 });
    if (!over.signal.aborted) {
      await this.#settle(sent);
      return undefined;
    }
    await this.#victim.buried();
    const dying = life.events.all.find(({ event }) => event === CRASH_EVENTS.dying);
    assert(dying !== undefined, `${this.where}: it ended by itself`);
    return String(dying.fields["what"]);
  }

  /** The batch has nothing left to do at the node. */
  async #assertOutlived({ id }: Sent): Promise<void> {
    const { targets, moments } = this.#role;
    const { steps } = this.#victim;
    for (const [name, pattern] of Object.entries(moments)) {
      assert(steps.some((what) => pattern.test(what)), `${this.where}: it never came to "${name}"`);
    }
    const progress = await this.#origin.client.results(id ?? "");
    const open = targets.filter((name) => progress?.get(name)?.state !== "done");
    assert(open.length === 0, `${this.where}: ${open.join(", ")} did not answer`);
  }

  async #settle(sent: Sent): Promise<void> {
    const issued = await this.#origin.client.batches();
    const id = sent.id ?? issued.find((one) => !sent.known.has(one));
    // A batch that its origin took to the grave was never accepted: nobody may have run it.
    if (id === undefined) return;
    await this.#cluster.settled(id, { origin: this.#origin, names: this.#role.targets });
  }
}

Deno.test(`nodes die ${KILLS} times at random moments`, async () => {
  const seed = Deno.env.get("CRASH_SEED") ?? crypto.randomUUID().slice(0, 8);
  print(`    CRASH_SEED=${seed}`);
  await using cluster = new CrashCluster(NAMES);
  await cluster.start();
  const storm = new CrashStorm({ cluster, seed, kills: KILLS });
  const told = () => `seed ${seed}, ${storm.kills} kills, ${storm.batches.length} batches`;
  await cluster.telling(told, async () => {
    await storm.rage();
    await calmDown(storm, cluster);
    cluster.assertSound();
    await bury(cluster);
    for (const node of cluster.nodes) await node.start();
    await calmDown(storm, cluster);
    cluster.assertSound();
  });
  const { counts } = cluster.ledger;
  print(`    ${told()}, ${storm.unsent} requests cut off`);
  print(`    actions: ${JSON.stringify(counts)}`);
  for (const end of ["exited", "interrupted", "skipped"]) assertGreater(counts[end] ?? 0, 0, end);
});

for (const dying of [["b"], ["a"], ["a", "b"]]) {
  Deno.test(`a result is on its way to a stopped origin when ${dying.join(" and ")} dies`, async () => {
    await using cluster = new CrashCluster(NAMES);
    await cluster.start();
    await untilRememberOthers(cluster);
    await cluster.telling(() => `${dying} dies`, async () => {
      const [origin, runner] = [cluster.node(0), cluster.node(1)];
      const checks = cluster.ledger.checks({ actions: 1, actionMs: 400 });
      const names = [runner.name];
      const id = await origin.client.send({ checks, target: { nodes: names } });
      await eventually(() => assertEquals(cluster.ledger.stamps("b").size, 1), {
        timeoutMs: 30_000,
        intervalMs: 20,
      });
      origin.life.signal("SIGSTOP");
      await runner.life.events.wait(({ event }) => event === "batch_done", {
        what: "end of the batch",
        timeoutMs: 30_000,
      });
      await new Promise((resolve) => setTimeout(resolve, ON_ITS_WAY_MS));
      for (const node of cluster.nodes) if (dying.includes(node.name)) await node.kill();
      if (!dying.includes(origin.name)) origin.life.signal("SIGCONT");
      for (const node of cluster.nodes) if (dying.includes(node.name)) await node.start();
      await cluster.settled(id, { origin, names });
      cluster.assertSound();
    });
  });
}
