/**
 * What strangers cost one daemon who hold its connections, and whether its friends still get
 * through meanwhile. All come from one address, the loopback.
 */
import { assert, assertEquals, assertLess } from "@std/assert";
import { print } from "../../scripts/print.ts";
import { Attack, type Behaviour, dribbling, pouring, silent } from "../support/attack.ts";
import { startCluster, type TestCluster } from "../support/cluster.ts";
import { residentBytes } from "../support/storm.ts";

const ignore = Deno.build.os !== "linux";
const because = ignore ? " (skipped, this machine lacks /proc)" : "";

/** More memory than this no stranger may cost who sends less than a message. */
const COST_MAX_BYTES = 50 * 1024 * 1024;
/** Several rounds of probes, and longer than any deadline of a connection to that port. */
const ATTACK_MS = { node: 11_000, client: 8_000 };
/** Where timers of this very process come so late, a probe that was missed says nothing. */
const STARVED_MS = 300;
const ATTEMPTS = 6;

/** The beginnings of user messages of 4 GiB and of 8 MiB (memberlist), and of a hello of 1,000 bytes. */
const HUGE_MESSAGE = Uint8Array.fromHex("0881aa557365724d73674c656eceffffffff");
const LARGE_MESSAGE = Uint8Array.fromHex("0881aa557365724d73674c656ece00800000");
const HELLO = Uint8Array.fromHex("000003e884a474797065a568656c6c6f".padEnd(80, "0"));

interface Stranger {
  readonly what: string;
  readonly port: "node" | "client";
  readonly behaviour: Behaviour;
  readonly connections?: number;
}

const STRANGERS: readonly Stranger[] = [
  { what: "hold connections", port: "node", behaviour: silent },
  { what: "hold connections", port: "client", behaviour: silent },
  // More than there is room for.
  { what: "hold connections", port: "client", behaviour: silent, connections: 1200 },
  { what: "send a byte a second", port: "node", behaviour: dribbling(LARGE_MESSAGE) },
  { what: "send a byte a second", port: "client", behaviour: dribbling(HELLO) },
  { what: "declare 4 GiB", port: "node", behaviour: pouring(HUGE_MESSAGE) },
  { what: "declare 4 GiB", port: "client", behaviour: pouring(Uint8Array.fromHex("ffffffff")) },
];

Deno.test({ name: `strangers who hold a daemon's connections${because}`, ignore }, async (test) => {
  // Suspicions are told at that level alone.
  await using cluster = await startCluster({ size: 3, flags: ["-log-level=debug"] });
  const file = cluster.writeChecks("checks.json", { root: { type: "file_exists", path: "/" } });
  await cluster.check(file);
  for (const stranger of STRANGERS) {
    const { connections = 1000, what, port } = stranger;
    await test.step(`${connections} that ${what} on the ${port} port`, () =>
      withstand({ cluster, file, ...stranger }));
  }
});

interface Siege extends Stranger {
  readonly cluster: TestCluster;
  readonly file: string;
}

/** Tries again if this machine, not the daemon, was too slow. */
async function withstand(siege: Siege): Promise<void> {
  for (let attempt = 1;; attempt++) {
    using lateness = new Lateness();
    try {
      return await besiege(siege);
    } catch (error) {
      if (lateness.latestMs < STARVED_MS || attempt === ATTEMPTS) throw error;
    }
  }
}

async function besiege({ cluster, file, port, behaviour, connections = 1000 }: Siege) {
  const victim = cluster.origin;
  const since = cluster.nodes.map(({ events }) => events.all.length);
  const before = residentBytes(victim.pid);
  const to = port === "node" ? victim.address : clientAddress(cluster);
  let [most, honest] = [0, 0];
  {
    await using attack = new Attack({ to, connections, behaviour });
    using _watch = every(100, () => most = Math.max(most, residentBytes(victim.pid)));
    const end = performance.now() + ATTACK_MS[port];
    while (performance.now() < end) {
      await assertBatchRuns(cluster, file);
      honest++;
    }
    assert(attack.opened >= connections, `only ${attack.opened} connections were opened`);
    print(
      `    ${attack.opened} connections: ${Math.round((most - before) / 2 ** 20)} MiB more; ` +
        `${honest} batches meanwhile`,
    );
  }
  assertLess(most - before, COST_MAX_BYTES, `it cost ${most - before} bytes`);
  const suspicions = cluster.nodes.flatMap((node, index) =>
    node.events.all.slice(since[index])
      .filter(({ event }) => event === "member_suspected" || event === "failed")
      .map(({ event, name }) => `${node.name}: ${event} ${name}`)
  );
  assertEquals(suspicions, []);
}

/** The answers of the others come to the first one's node port. */
async function assertBatchRuns(cluster: TestCluster, file: string): Promise<void> {
  const { code, states, stderr } = await cluster.check(file);
  assertEquals({ code, states, stderr }, { code: 0, states: { done: cluster.names }, stderr: "" });
}

function clientAddress({ origin }: TestCluster): string {
  const started = origin.events.all.find(({ event }) => event === "daemon_started");
  return String(started?.fields["clients"]);
}

function every(ms: number, call: () => void): Disposable {
  const timer = setInterval(call, ms);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** How late timers of this process fire: a machine that is too busy makes them late. */
class Lateness implements Disposable {
  latestMs = 0;
  #dueMs = performance.now();
  readonly #watch = every(100, () => {
    const nowMs = performance.now();
    this.latestMs = Math.max(this.latestMs, nowMs - this.#dueMs - 100);
    this.#dueMs = nowMs;
  });

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }
}
