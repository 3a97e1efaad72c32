/** Nodes that crash at every step of a batch, and at random times. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { join } from "@std/path";
import { UnreachableError } from "../../../lib/errors.ts";
import { print } from "../../../scripts/print.ts";
import { CrashCluster } from "../../support/crash_cluster.ts";
import type { CrashNode } from "../../support/crash_node.ts";
import { CRASH_EVENTS, type CrashPoint } from "../../support/crash_points.ts";
import {
  CrashStorm,
  killAndCompare,
  untilMembersStored,
  untilSettled,
} from "../../support/crash_storm.ts";
import { missingForPreload } from "../../support/fault_preload.ts";
import { eventually } from "../../support/process.ts";

const NAMES = ["a", "b", "c"];
/** Number of kills, over all nodes. */
const KILLS = 200;
/** Time for a result to arrive in the socket buffers of a stopped process. */
const ARRIVAL_MS = 300;
/** Maximum number of passes over all steps until every moment was hit. */
const MAX_ROUNDS = 5;
const CHECKS = { actions: 2, actionMs: 30 };
/** More steps than a batch has on any node. */
const MAX_STEPS = 60;

/** The role of the node that is killed, and the steps that must be among those at which it is. */
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
  "result acknowledged": /UPDATE outcome SET settled/,
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
      await cluster.describing(() => deaths.where, () => deaths.all());
      // Steps that run concurrently come in any order, so that one may be missed.
      for (let round = 1; deaths.missed.length > 0 && round < MAX_ROUNDS; round++) {
        await cluster.describing(() => deaths.where, () => deaths.all());
      }
      assertEquals(deaths.missed, [], `moments ${side} which no node was killed`);
      print(`    ${deaths.seen.length} deaths, each ${side} a step`);
    }
    cluster.assertSound();
  });
}

/** A batch that was sent. Its sender may have crashed before it learned the id. */
interface Sent {
  readonly id: string | undefined;
  readonly known: ReadonlySet<string>;
}

/** Kills the node `b` at each step of a batch, with a new batch for each kill. */
class Deaths {
  readonly #cluster: CrashCluster;
  readonly #role: Role;
  readonly #victim: CrashNode;
  readonly #origin: CrashNode;
  #point: CrashPoint;
  /** The steps at which it was killed: what each of them wrote. */
  readonly seen: string[] = [];

  constructor(options: { cluster: CrashCluster; role: Role; side: CrashPoint["side"] }) {
    this.#cluster = options.cluster;
    this.#role = options.role;
    this.#point = { side: options.side, step: 1 };
    this.#victim = options.cluster.node(1);
    this.#origin = options.cluster.nodes.find(({ name }) => name === options.role.origin) ??
      this.#victim;
  }

  /** The moments at which it was not killed. */
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
    for (; this.#point.step < MAX_STEPS; this.#point = this.#next()) {
      await this.#restart();
      if (last !== undefined) await this.#settle(last);
      last = await this.#send();
      const what = await this.#deathOf(last);
      if (what === undefined) return;
      this.seen.push(what);
    }
    throw new Error(`the batch has more than ${MAX_STEPS} steps: ${this.seen.join("; ")}`);
  }

  get #marker(): string {
    return join(this.#cluster.directory, "marker");
  }

  #next(): CrashPoint {
    return { ...this.#point, step: this.#point.step + 1 };
  }

  async #restart(): Promise<void> {
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

  /** Waits until the node is dead and returns its last step; `undefined` if it survived the batch. */
  async #deathOf(sent: Sent): Promise<string | undefined> {
    const { life } = this.#victim;
    const over = new AbortController();
    void life.status.then(() => over.abort());
    await eventually(async () => {
      if (!over.signal.aborted) await this.#assertSurvived(sent);
    }, { intervalMs: 20 });
    if (!over.signal.aborted) {
      try {
        await this.#settle(sent);
        return undefined;
      } catch (error) {
        // The last step is written after the results are there, so the node may die only now.
        if (!(error instanceof UnreachableError)) throw error;
        await eventually(() => assert(over.signal.aborted, error.message), { timeoutMs: 10_000 });
      }
    }
    await this.#victim.ended();
    const dying = life.events.all.find(({ event }) => event === CRASH_EVENTS.dying);
    assert(dying !== undefined, `${this.where}: it ended without being killed`);
    return String(dying.fields["what"]);
  }

  /** Asserts that the batch has no step left at the node. */
  async #assertSurvived({ id }: Sent): Promise<void> {
    const { targets, moments } = this.#role;
    const { steps } = this.#victim;
    for (const [name, pattern] of Object.entries(moments)) {
      assert(steps.some((what) => pattern.test(what)), `${this.where}: it never reached "${name}"`);
    }
    const progress = await this.#origin.client.results(id ?? "");
    const open = targets.filter((name) => progress?.get(name)?.state !== "done");
    assert(open.length === 0, `${this.where}: ${open.join(", ")} have no results`);
  }

  async #settle(sent: Sent): Promise<void> {
    const issued = await this.#origin.client.batches();
    const id = sent.id ?? issued.find((one) => !sent.known.has(one));
    // The origin crashed before it accepted the batch.
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
  const summary = () => `seed ${seed}, ${storm.kills} kills, ${storm.batches.length} batches`;
  await cluster.describing(summary, async () => {
    await storm.run();
    await untilSettled(storm, cluster);
    cluster.assertSound();
    await killAndCompare(cluster);
    for (const node of cluster.nodes) await node.start();
    await untilSettled(storm, cluster);
    cluster.assertSound();
  });
  const { counts } = cluster.ledger;
  print(`    ${summary()}, ${storm.unsent} requests failed`);
  print(`    actions: ${JSON.stringify(counts)}`);
  for (const end of ["exited", "interrupted", "skipped"]) assertGreater(counts[end] ?? 0, 0, end);
});

for (const dying of [["b"], ["a"], ["a", "b"]]) {
  Deno.test(`a result is on its way to a stopped origin when ${dying.join(" and ")} dies`, async () => {
    await using cluster = new CrashCluster(NAMES);
    await cluster.start();
    await untilMembersStored(cluster);
    await cluster.describing(() => `${dying} dies`, async () => {
      const [origin, runner] = [cluster.node(0), cluster.node(1)];
      const checks = cluster.ledger.checks({ actions: 1, actionMs: 400 });
      const names = [runner.name];
      const id = await origin.client.send({ checks, target: { nodes: names } });
      await eventually(() => assertEquals(cluster.ledger.stamps("b").size, 1), {
        intervalMs: 20,
      });
      origin.life.signal("SIGSTOP");
      await runner.life.events.wait(({ event }) => event === "batch_done", {
        what: "end of the batch",
      });
      await new Promise((resolve) => setTimeout(resolve, ARRIVAL_MS));
      for (const node of cluster.nodes) if (dying.includes(node.name)) await node.kill();
      if (!dying.includes(origin.name)) origin.life.signal("SIGCONT");
      for (const node of cluster.nodes) if (dying.includes(node.name)) await node.start();
      await cluster.settled(id, { origin, names });
      cluster.assertSound();
    });
  });
}
