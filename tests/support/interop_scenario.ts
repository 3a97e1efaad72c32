/**
 * Joins, tags, updates, leaves, failures and returns in a small cluster of our nodes and foreign ones,
 * each checked on both sides.
 * @module
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import type {
  ClusterNode,
  ForeignNode,
  MemberEventName,
  NodeStarter,
  NodeView,
} from "./cluster_node.ts";
import { eventually } from "./process.ts";

/** Maximum delay between two nodes' reports of a failure: a few rounds of gossip. */
const GOSSIP_SLACK_MS = 3000;

/** The nodes that take part. */
export interface InteropOptions {
  /** Starts one of our nodes. */
  readonly startOurs: NodeStarter<ClusterNode>;
  /** Starts a foreign node. */
  readonly startTheirs: NodeStarter<ForeignNode>;
  /** Starts a bare memberlist node that their cluster accepts and that reports incarnations. */
  readonly startWitness: NodeStarter<ForeignNode>;
  /** Runs `body` as a step of the test. */
  readonly step: (name: string, body: () => Promise<void>) => Promise<unknown>;
}

/** Runs the scenario. Rejects with the first failure. */
export async function playInterop(options: InteropOptions): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const elder = stack.use(await options.startTheirs({ name: "elder", tags: { role: "db" } }));
  const join = [elder.address];
  const witness = stack.use(await options.startWitness({ name: "witness", join }));
  const tags = { role: "web", zone: "b" };
  const ours = stack.use(await options.startOurs({ name: "ours", join, tags }));
  const cast = { ...options, elder, witness, ours, stack };
  await playJoins(cast);
  await playTheirs(cast);
  await playOurs(cast);
}

interface Cast extends InteropOptions {
  readonly elder: ForeignNode;
  readonly witness: ForeignNode;
  readonly ours: ClusterNode;
  readonly stack: AsyncDisposableStack;
}

/** Returns the tags of one of our nodes without its session id. */
function lastingTags({ tags }: NodeView): Record<string, string> {
  const mark = tags?.["gossipcheck"]?.replace(/ [0-9a-f]{16}$/, "");
  return { ...tags, ...(mark === undefined ? {} : { gossipcheck: mark }) };
}

async function playJoins({ step, elder, witness, ours }: Cast): Promise<void> {
  await step("ours joins theirs, and each sees the other's tags", async () => {
    await new Watch([elder, witness], { fromStart: true }).all("join", { name: "ours" });
    for (const node of [elder, witness]) {
      const expected = { role: "web", zone: "b", gossipcheck: "1" };
      assertEquals(lastingTags(await view(node, "ours")), expected);
    }
    const own = new Watch([ours], { fromStart: true });
    await own.all("join", { name: "elder" });
    await own.all("join", { name: "witness" });
    const seen = await view(ours, "elder");
    assertEquals([seen.state, seen.address], ["alive", elder.address]);
    assertEquals(seen.tags, { role: "db" });
    assert(seen.runsGossipcheck !== true, "the elder passes for one that runs gossipcheck");
  });
}

async function playTheirs({ step, startTheirs, elder, witness, ours, stack }: Cast): Promise<void> {
  const everyone = [elder, witness, ours];
  const start = async (bind?: string) =>
    stack.use(
      await startTheirs({
        name: "newcomer",
        join: [ours.address],
        tags: { role: "cache" },
        ...(bind === undefined ? {} : { bind }),
      }),
    );
  let watch = new Watch(everyone);
  let newcomer = await start();
  await step("theirs joins ours", async () => {
    await watch.all("join", { name: "newcomer" });
    assertEquals((await view(ours, "newcomer")).tags, { role: "cache" });
  });
  await step("theirs publishes other tags", async () => {
    watch = new Watch(everyone);
    await newcomer.update({ role: "cache", rack: "7" });
    await watch.all("update", { name: "newcomer" });
    assertEquals((await view(ours, "newcomer")).tags, { role: "cache", rack: "7" });
  });
  await step("theirs leaves and is held left", async () => {
    watch = new Watch(everyone);
    await newcomer.leave();
    await new Watch([ours, elder], watch).all("left", { name: "newcomer" });
    await settles(ours, { name: "newcomer", state: "left" });
    await newcomer.kill();
  });
  await step("theirs comes back", async () => {
    watch = new Watch(everyone);
    newcomer = await start(newcomer.address);
    await watch.all("join", { name: "newcomer" });
  });
  await step("theirs is killed and held failed as soon as by their own nodes", async () => {
    watch = new Watch(everyone);
    await newcomer.kill();
    const times = await watch.all("failed", { name: "newcomer" });
    const [byElder = 0, byWitness = 0, byOurs = 0] = times;
    const lateMs = byOurs - Math.max(byElder, byWitness);
    assert(lateMs <= GOSSIP_SLACK_MS, `ours held it failed ${lateMs} ms after the last of theirs`);
    await settles(ours, { name: "newcomer", state: "failed" });
  });
  await step("theirs comes back from the dead", async () => {
    watch = new Watch(everyone);
    newcomer = await start(newcomer.address);
    await watch.all("join", { name: "newcomer" });
    await settles(ours, { name: "newcomer", state: "alive" });
  });
}

async function playOurs(cast: Cast): Promise<void> {
  const { step, startOurs, elder, witness, ours, stack } = cast;
  const theirs = [elder, witness];
  await step("ours is killed and held failed", async () => {
    const watch = new Watch(theirs);
    await ours.kill();
    await watch.all("failed", { name: "ours" });
  });
  const before = await view(witness, "ours");
  let returned = ours;
  await step("ours comes back with other tags and a higher incarnation", async () => {
    const watch = new Watch(theirs);
    returned = stack.use(
      await startOurs({
        name: "ours",
        bind: ours.address,
        join: [elder.address],
        tags: { role: "db" },
      }),
    );
    await watch.all("join", { name: "ours" });
    await eventually(async () => {
      for (const node of theirs) {
        const after = await view(node, "ours");
        assertEquals(lastingTags(after), { role: "db", gossipcheck: "1" });
        assertEquals(after.state, "alive");
      }
      const { incarnation } = await view(witness, "ours");
      assertGreater(incarnation ?? 0, before.incarnation ?? 0);
    });
  });
  await step("ours leaves and is held left", async () => {
    const watch = new Watch(theirs);
    await returned.leave();
    await watch.all("left", { name: "ours" });
  });
}

/** Waits for events at several nodes, after a starting point. */
class Watch {
  readonly #nodes: readonly ClusterNode[];
  readonly #since: ReadonlyMap<ClusterNode, number>;

  /** Looks at events from now on, from the start of each node, or from when another watch was made. */
  constructor(nodes: readonly ClusterNode[], from: Watch | { readonly fromStart?: boolean } = {}) {
    this.#nodes = nodes;
    this.#since = from instanceof Watch ? from.#since : new Map(
      nodes.map((node) => [node, from.fromStart ? 0 : node.events.all.length]),
    );
  }

  /** Waits until every node has reported the event. Returns when each did, in Unix milliseconds. */
  async all(
    event: MemberEventName,
    options: { readonly name: string },
  ): Promise<number[]> {
    const { name } = options;
    const seen = await Promise.all(this.#nodes.map((node) => {
      const since = this.#since.get(node) ?? 0;
      return node.waitFor(event, { name, since });
    }));
    return seen.map(({ atMs }) => atMs);
  }
}

/** Waits until a node lists a member in a state. Old suspect messages may still spread until the member has refuted them. */
async function settles(
  node: ClusterNode,
  expected: { readonly name: string; readonly state: NodeView["state"] },
): Promise<void> {
  await eventually(async () => {
    assertEquals((await view(node, expected.name)).state, expected.state);
  });
}

async function view(node: ClusterNode, name: string) {
  const found = (await node.members()).get(name);
  if (found === undefined) throw new Error(`${node.name} does not know the member ${name}`);
  return found;
}
