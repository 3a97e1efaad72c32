/**
 * The cluster's key is changed while real nodes, ours and one of memberlist's own, go on working:
 * nothing of what they say to each other is lost.
 */
import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { fingerprintOf } from "../../lib/encryption_key.ts";
import type { KeyListing } from "../../lib/batch/key_operation.ts";
import { type Answer, nodeName, PATIENCE_MS, TestCluster } from "../support/cluster.ts";
import { GoPeer } from "../support/go_peer.ts";
import { buildGoTool, missingForGo } from "../support/go_tools.ts";
import type { GossipcheckNode, LogLine } from "../support/gossipcheck_node.ts";
import { type CommandResult, eventually } from "../support/process.ts";

const SIZE = 5;
const LABEL = "blue";
const OLD = new Uint8Array(16).fill(11);
const NEW = new Uint8Array(32).fill(22);
const THIRD = new Uint8Array(24).fill(33);
/** Batches that must come and go between two steps. */
const BETWEEN = 8;

const missing = await missingForGo();

/** Nodes that each have a keyring file, and everything that gcheck has printed about keys. */
class KeyedCluster extends TestCluster {
  readonly printed: string[] = [];

  constructor() {
    super({ flags: ["-log-level=debug", `-label=${LABEL}`] });
  }

  /** Starts a node whose keyring file holds these keys; without any, one that is there already. */
  async start(name: string, keys?: readonly Uint8Array[]): Promise<GossipcheckNode> {
    const file = this.path(`${name}.keys`);
    if (keys !== undefined) {
      this.writeSecret(
        file,
        JSON.stringify(keys.map((key) => key.toBase64())),
      );
    }
    return await this.add(name, { flags: [`-keyring-file=${file}`] });
  }

  writeSecret(path: string, text: string): string {
    Deno.writeTextFileSync(path, text, { mode: 0o600 });
    return path;
  }

  /** The keys in a node's file. */
  kept(name: string): string[] {
    return JSON.parse(Deno.readTextFileSync(this.path(`${name}.keys`)));
  }

  async keys(...args: readonly string[]): Promise<CommandResult> {
    const result = await this.origin.gcheck(["keys", ...args, "-output=json", "-timeout=60s"]);
    this.printed.push(result.stdout, result.stderr);
    return result;
  }

  /** Takes a step that every node must take; fails with what they said. */
  async mustStep(...args: readonly string[]): Promise<void> {
    const { code, stdout, stderr } = await this.keys(...args);
    assertEquals(code, 0, `keys ${args.join(" ")}: ${stderr}${stdout}`);
  }

  /** What every node encrypts with and holds, by fingerprint. */
  async listing(): Promise<Record<string, { primary: string; held: readonly string[] }>> {
    const { stdout } = await this.keys("list");
    return Object.fromEntries(
      reportedNodes(stdout).map(({ node, results = [] }) => {
        const passed = results.filter(({ status }) => status === "pass");
        const listing = listingOf(passed.map(({ check = "" }) => check));
        assert(listing !== undefined, `${node} told nothing of its keys`);
        return [node, listing];
      }),
    );
  }

  /** What every daemon has logged. */
  log(): { node: string; line: LogLine }[] {
    return this.nodes.flatMap(({ name, events }) =>
      events.all.map((line) => ({ node: name, line }))
    );
  }
}

/** Sends one batch after the other until it is stopped; each marks every node that runs it. */
class BatchStream {
  readonly answers: Answer[] = [];
  readonly #cluster: KeyedCluster;
  readonly #ended: Promise<void>;
  #stopping = false;

  constructor(cluster: KeyedCluster) {
    this.#cluster = cluster;
    const runs = cluster.path("runs");
    const file = cluster.writeChecks("mark.json", {
      mark: {
        type: "file_exists",
        path: cluster.path("never-there"),
        action: `echo "$GOSSIPCHECK_BATCH $GOSSIPCHECK_NODE" >> '${runs}'`,
      },
    });
    this.#ended = this.#send(file);
    // Who stops the stream hears of it.
    this.#ended.catch(() => {});
  }

  /** Waits for some more batches to be answered. */
  async more(): Promise<void> {
    const enough = this.answers.length + BETWEEN;
    await Promise.race([
      this.#ended,
      eventually(() => assertGreater(this.answers.length + 1, enough), { timeoutMs: PATIENCE_MS }),
    ]);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#ended;
  }

  /** Fails unless every node ran every batch once and answered. */
  assertNothingLost(): void {
    const expected = this.answers.flatMap(({ report }) =>
      this.#cluster.names.map((node) => `${report.batch} ${node}`)
    );
    assertEquals(this.#cluster.stamps(), expected.sort());
    for (const { states } of this.answers) assertEquals(states, { done: this.#cluster.names });
  }

  async #send(file: string): Promise<void> {
    while (!this.#stopping) this.answers.push(await this.#cluster.check(file));
  }
}

function reportedNodes(stdout: string): Answer["report"]["nodes"] {
  return (JSON.parse(stdout) as Answer["report"]).nodes;
}

async function startPeer(cluster: KeyedCluster): Promise<GoPeer | undefined> {
  if (missing !== undefined) return undefined;
  const peer = await GoPeer.start({
    program: await buildGoTool("peer"),
    name: "foreign",
    join: [cluster.origin.address],
    keys: [OLD, NEW].map((key) => key.toBase64()),
    label: LABEL,
  });
  for (const { name } of cluster.nodes) {
    await peer.waitFor("join", { name, timeoutMs: PATIENCE_MS });
  }
  return peer;
}

/** Fails where a node refused anything that came in, or took another for dead. */
function assertAllWasUnderstood(cluster: KeyedCluster, peer: GoPeer | undefined): void {
  const bad = cluster.log().filter(({ line: { event, fields } }) =>
    event === "failed" || (event.startsWith("input_dropped") && fields["level"] !== "debug")
  );
  assertEquals(bad, []);
  const complaints = peer?.events.all.filter(({ event, error = "" }) =>
    event === "failed" || event === "declared" || /decrypt|failed|suspect/i.test(error)
  );
  assertEquals(complaints ?? [], []);
}

function assertNoSecretIsTold(cluster: KeyedCluster): void {
  const told = JSON.stringify([cluster.log(), cluster.printed]);
  assertStringIncludes(told, fingerprintOf(NEW));
  for (const key of [OLD, NEW, THIRD]) {
    for (const secret of [key.toBase64(), key.toHex(), [...key].join(",")]) {
      assert(!told.includes(secret), "a key stands in a log or an output");
    }
  }
}

async function rotate(cluster: KeyedCluster, peer: GoPeer | undefined): Promise<void> {
  const stream = new BatchStream(cluster);
  const newFile = cluster.writeSecret(cluster.path("new"), NEW.toBase64());
  const [oldName, newName] = [fingerprintOf(OLD), fingerprintOf(NEW)];
  await stream.more();
  const steps: (() => Promise<void> | undefined)[] = [
    () => cluster.mustStep("install", `-key-file=${newFile}`),
    () => cluster.mustStep("use", newName),
    () => peer?.useKey(NEW.toBase64()),
    () => cluster.mustStep("remove", oldName),
  ];
  for (const step of steps) {
    await step();
    await stream.more();
  }
  await stream.stop();
  stream.assertNothingLost();
  const rings = Object.values(await cluster.listing());
  assertEquals(rings, Array(SIZE).fill({ primary: newName, held: [newName] }));
  for (const { name } of cluster.nodes) assertEquals(cluster.kept(name), [NEW.toBase64()]);
}

async function oldKeyIsShutOut(cluster: KeyedCluster): Promise<void> {
  const { origin } = cluster;
  const since = origin.events.all.length;
  const stale = await cluster.start("stale", [OLD]);
  const refused = ({ event, fields }: LogLine) =>
    event === "input_dropped" && fields["reason"] === "not_decryptable";
  await origin.events.wait(refused, { what: "refusal", timeoutMs: PATIENCE_MS, since });
  assertEquals([...(await stale.members()).keys()], ["stale"]);
  assertEquals((await origin.members()).has("stale"), false);
  await stale.kill();
  cluster.nodes.pop();
}

async function newKeyComesIn(cluster: KeyedCluster): Promise<void> {
  const third = cluster.writeSecret(cluster.path("third"), THIRD.toBase64());
  await cluster.mustStep("install", `-key-file=${third}`);
  // Not there when the third key was installed, and still told of it.
  await cluster.start("late", [NEW]);
  const expected = { primary: fingerprintOf(NEW), held: [NEW, THIRD].map(fingerprintOf) };
  await eventually(async () => assertEquals((await cluster.listing())["late"], expected), {
    timeoutMs: PATIENCE_MS,
  });
  await cluster.mustStep("remove", `-key-file=${third}`);
  assertEquals(cluster.kept("late"), [NEW.toBase64()]);
}

async function fileOutlivesTheNode(cluster: KeyedCluster): Promise<void> {
  const index = SIZE - 1;
  const { name, address } = cluster.node(index);
  await cluster.node(index).kill();
  const [returned] = await Promise.all([
    cluster.add(name, { bind: address, flags: [`-keyring-file=${cluster.path(`${name}.keys`)}`] }),
    cluster.nodes.splice(index, 1),
  ]);
  await returned.waitFor("join", { name: cluster.origin.name, timeoutMs: PATIENCE_MS });
  await eventually(async () => {
    const { primary } = (await cluster.listing())[name] ?? {};
    assertEquals(primary, fingerprintOf(NEW));
  }, { timeoutMs: PATIENCE_MS });
}

Deno.test("a key is rotated in and the old one out, and nothing that nodes say is lost", async (test) => {
  await using cluster = new KeyedCluster();
  for (let index = 0; index < SIZE; index++) await cluster.start(nodeName(index), [OLD]);
  await cluster.together();
  await using peers = new AsyncDisposableStack();
  const peer = await startPeer(cluster);
  if (peer !== undefined) peers.use(peer);
  const without = peer === undefined ? ` (without memberlist: this machine lacks ${missing})` : "";
  const steps: [string, () => Promise<void> | void][] = [
    ["rotation under load", () => rotate(cluster, peer)],
    [`everything was understood${without}`, () => assertAllWasUnderstood(cluster, peer)],
    ["a node with the old key alone stays out", () => oldKeyIsShutOut(cluster)],
    [
      "one with the new key comes in, and hears of what came before it",
      () => newKeyComesIn(cluster),
    ],
    ["a node starts again with what its file holds", () => fileOutlivesTheNode(cluster)],
    ["no key was told", () => assertNoSecretIsTold(cluster)],
  ];
  for (const [name, fn] of steps) {
    const passed = await test.step({ name, fn, sanitizeOps: false, sanitizeResources: false });
    if (!passed) return;
  }
});

Deno.test("a step that a node cannot take is refused where it is seen", async () => {
  await using cluster = new KeyedCluster();
  await cluster.start(nodeName(0), [OLD]);
  await cluster.add(nodeName(1), { flags: [`-encrypt=${OLD.toBase64()}`] });
  await cluster.together();
  const file = cluster.writeSecret(cluster.path("new"), NEW.toBase64());
  const reasons = ({ stdout }: CommandResult) =>
    Object.fromEntries(
      reportedNodes(stdout).map(({ node, results }) => [node, results?.[0]?.reason ?? "none"]),
    );

  const unknown = await cluster.keys("use", fingerprintOf(NEW));
  assertEquals(unknown.code, 1);
  for (const name of cluster.names) {
    assertStringIncludes(reasons(unknown)[name] ?? "", "install it");
  }

  const primary = await cluster.keys("remove", fingerprintOf(OLD));
  assertEquals(primary.code, 1);
  for (const name of cluster.names) {
    assertStringIncludes(reasons(primary)[name] ?? "", "encrypts with");
  }

  const installed = await cluster.keys("install", `-key-file=${file}`);
  assertEquals(installed.code, 1);
  assertEquals(reasons(installed)[nodeName(0)], "none");
  assertStringIncludes(reasons(installed)[nodeName(1)] ?? "", "-keyring-file");

  // The other node has it now, and still it is not used: this one could not follow.
  const used = await cluster.keys("use", fingerprintOf(NEW));
  assertEquals(used.code, 1);
  assertStringIncludes(reasons(used)[nodeName(1)] ?? "", "install it");
  const listing = await cluster.listing();
  assertEquals(
    cluster.names.map((name) => listing[name]?.primary),
    Array(2).fill(fingerprintOf(OLD)),
  );

  Deno.chmodSync(file, 0o644);
  const loose = await cluster.keys("install", `-key-file=${file}`);
  assertEquals(loose.code, 2);
  assertStringIncludes(loose.stderr, "chmod 600");
});

Deno.test("without encryption there are no keys to change, and nothing is sent", async () => {
  await using cluster = new TestCluster();
  const node = await cluster.add(nodeName(0));
  const { code, stderr } = await node.gcheck(["keys", "list"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "does not encrypt");
  assertEquals(JSON.parse((await node.gcheck(["results", "-output=json"])).stdout), {
    batches: [],
  });
});

/** The keys that a node's rows show; undefined if they show none. */
function listingOf(rows: readonly string[]): KeyListing | undefined {
  const after = (prefix: string) =>
    rows.filter((row) => row.startsWith(prefix)).map((row) => row.slice(prefix.length));
  const [primary] = after("encrypts with ");
  return primary === undefined ? undefined : { primary, held: after("holds ") };
}
