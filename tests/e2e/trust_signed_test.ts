/**
 * Batches that must be signed, shown with real daemons, a real `gcheck` and a member that a thief
 * has taken over.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Batch } from "../../lib/batch/batch.ts";
import { encodeBody } from "../../lib/batch/body.ts";
import { type BatchChanges, makeBatch } from "../support/batches.ts";
import { PATIENCE_MS, TestCluster } from "../support/cluster.ts";
import type { GossipcheckNode, LogLine } from "../support/gossipcheck_node.ts";
import { missingForHook, shiftedClock, withCode } from "../support/hooked_node.ts";
import { batchRunning, newSigner, signedBy } from "../support/signers.ts";
import { StolenNode } from "../support/stolen_node.ts";

const NO_HOOK = missingForHook() !== undefined;

/** A cluster whose nodes trust alice alone, with bob beside her. */
class SignedCluster extends TestCluster {
  readonly alice = newSigner("alice", { folder: this.directory });
  readonly bob = newSigner("bob", { folder: this.directory });
  readonly trustedKeys = this.path("trusted-keys");
  readonly trusting = [`-trusted-keys=${this.trustedKeys}`];

  constructor() {
    super();
    Deno.writeTextFileSync(this.trustedKeys, `${this.alice.trustedLine}\n`);
  }

  /** A command that tells of every run. */
  get stamp(): string {
    return `echo "$GOSSIPCHECK_NODE" >> '${this.path("runs")}'`;
  }

  /** Somebody who has all that a node has, next to the first node. */
  thief(name: string): Promise<StolenNode> {
    return StolenNode.start({ name, peer: this.origin.address });
  }
}

/** The next refusal at a node of the batch of that id. */
async function refusalOf(node: GossipcheckNode, batch: Pick<Batch, "id">): Promise<string> {
  const line = await node.events.wait(
    ({ event, fields }) =>
      event === "batch_refused" && String(fields["message"]).includes(batch.id),
    { what: `refusal of ${batch.id} at ${node.name}`, timeoutMs: PATIENCE_MS },
  );
  return String(line.fields["message"]);
}

function taken(node: GossipcheckNode, batch: Pick<Batch, "id">): Promise<LogLine> {
  return node.events.wait(
    ({ event, fields }) =>
      event === "batch_accepted" && String(fields["message"]).includes(batch.id),
    { what: `acceptance of ${batch.id} at ${node.name}`, timeoutMs: PATIENCE_MS },
  );
}

Deno.test("gcheck: what a trusted key signed runs everywhere, and nothing else is even sent", async () => {
  await using cluster = new SignedCluster();
  for (const name of ["n1", "n2", "n3"]) await cluster.add(name, { flags: cluster.trusting });
  await cluster.together();
  const file = cluster.writeStampCheck();

  const unsigned = await cluster.origin.gcheck([`-file=${file}`, "check"]);
  assertEquals([unsigned.code, unsigned.stdout], [4, ""]);
  assertStringIncludes(unsigned.stderr, "this node refuses the batch: it is not signed by a key");
  assertStringIncludes(unsigned.stderr, cluster.trustedKeys);

  const stranger = await cluster.origin.gcheck([
    `-file=${file}`,
    `-sign=${cluster.bob.keyFile}`,
    "check",
  ]);
  assertEquals([stranger.code, stranger.stdout], [4, ""]);
  assertMatch(stranger.stderr, /its signer, SHA256:[\w+/]{43}, is not a key/);
  assertEquals(cluster.stamps(), []);

  const signed = await cluster.check(file, [`-sign=${cluster.alice.keyFile}`]);
  assertEquals(signed.states["done"], cluster.names);
  assertEquals(cluster.stamps(), cluster.names);
  for (const node of cluster.nodes) {
    const refused = node.events.all.filter(({ event }) => event === "batch_refused");
    assertEquals(refused.length, node === cluster.origin ? 2 : 0, node.name);
  }
});

Deno.test("a stolen node starts nothing on nodes that trust keys", async () => {
  await using cluster = new SignedCluster();
  const trusting = await cluster.add("trusting", { flags: cluster.trusting });
  const trustful = await cluster.add("trustful");
  await cluster.together();
  await using thief = await cluster.thief("thief");
  const { origin } = thief;

  const unsigned = { ...batchRunning(cluster.stamp, { origin }), signature: new Uint8Array() };
  thief.send(unsigned);
  assertMatch(await refusalOf(trusting, unsigned), /it is not signed/);
  await taken(trustful, unsigned);
  const strangers = signedBy(cluster.bob, batchRunning(cluster.stamp, { origin }));
  thief.send(strangers);
  assertMatch(await refusalOf(trusting, strangers), /its signer, SHA256:/);
  await taken(trustful, strangers);

  // The way is open: what alice signed does run, on both.
  const alices = signedBy(
    cluster.alice,
    batchRunning(cluster.stamp, { origin }),
  );
  thief.send(alices);
  await taken(trusting, alices);
  await cluster.origin.events.wait(
    ({ event, fields }) => event === "batch_done" && String(fields["message"]).includes(alices.id),
    { what: "end of alice's batch", timeoutMs: PATIENCE_MS },
  );
  assertEquals(cluster.stamps().filter((name) => name === "trusting"), ["trusting"]);
});

Deno.test("no field of a signed batch can be changed on its way", async () => {
  await using cluster = new SignedCluster();
  const node = await cluster.add("trusting", { flags: cluster.trusting });
  await using thief = await cluster.thief("thief");
  const { origin } = thief;
  const fields = { origin, target: { nodes: ["nobody"] } };
  const signed = () => signedBy(cluster.alice, batchRunning(cluster.stamp, fields));
  const evil = encodeBody({
    type: "checks",
    checks: [{
      ...{ name: "forged", type: "file_exists", fields: { path: "/nowhere/at/all" } },
      ...{ action: `${cluster.stamp}; true`, actionTimeoutMs: 60_000 },
    }],
  });
  type Changes = Readonly<Record<keyof BatchChanges, (batch: Batch) => BatchChanges>>;
  const changes: Changes = {
    id: () => ({ id: signed().id }),
    origin: () => ({ origin: { ...origin, name: "another" } }),
    issuedAtMs: ({ issuedAtMs }) => ({ issuedAtMs: issuedAtMs + 1 }),
    expiresAtMs: ({ expiresAtMs }) => ({ expiresAtMs: expiresAtMs + 3_600_000 }),
    target: () => ({ target: {} }),
    held: () => ({ held: true }),
    body: () => ({ body: evil }),
    signature: ({ signature }) => ({ signature: signature.map((byte) => byte ^ 1) }),
  };
  for (const [field, change] of Object.entries(changes)) {
    const batch = signed();
    const changed = makeBatch({ ...batch, ...change(batch) });
    thief.send(changed);
    assertMatch(await refusalOf(node, changed), /not what was signed|its signer/, field);
  }
  const untouched = signed();
  thief.send(untouched);
  await taken(node, untouched);
  assertEquals(cluster.stamps(), []);
});

Deno.test("a signed batch that is sent again runs no second time", async () => {
  await using cluster = new SignedCluster();
  const stateDirectory = cluster.path("state");
  const node = await cluster.add("trusting", { flags: cluster.trusting, stateDirectory });
  await using first = await cluster.thief("thief-1");
  const batch = signedBy(
    cluster.alice,
    batchRunning(cluster.stamp, { origin: first.origin }),
  );
  first.send(batch);
  await taken(node, batch);
  const sendAgain = async (victim: GossipcheckNode, thief: StolenNode) => {
    if (thief.batch(batch.id) === undefined) thief.send(batch);
    for (let round = 0; round < 3; round++) {
      thief.sendAgain(batch.id, victim);
      // What comes behind it on the same way tells that the copy was there.
      const next = signedBy(cluster.alice, batchRunning(":", { origin: thief.origin }));
      thief.send(next);
      await taken(victim, next);
    }
  };
  await sendAgain(node, first);
  await using second = await cluster.thief("thief-2");
  await sendAgain(node, second);
  assertEquals(cluster.stamps(), ["trusting"]);
  await node.leave();
  cluster.nodes.pop();
  const restarted = await node.again();
  cluster.nodes.push(restarted);
  await using third = await cluster.thief("thief-3");
  await sendAgain(restarted, third);
  assertEquals(cluster.stamps(), ["trusting"]);
  const again = restarted.events.all.filter(({ event, fields }) =>
    event === "batch_accepted" && String(fields["message"]).includes(batch.id)
  );
  assertEquals(again, []);
});

Deno.test({
  name: "a batch is refused after its expiry, by a node that never saw it too",
  ignore: NO_HOOK,
  fn: async () => {
    await using cluster = new SignedCluster();
    const late = await cluster.add("late", {
      flags: cluster.trusting,
      wrap: withCode(shiftedClock(2 * 3_600_000), { folder: cluster.directory }),
    });
    await using thief = await cluster.thief("thief");
    const batch = signedBy(
      cluster.alice,
      batchRunning(cluster.stamp, { origin: thief.origin }),
    );
    thief.send(batch);
    assertMatch(
      await refusalOf(late, batch),
      /by this node's clock its signature expired 1h\S* ago: it was signed 2h\S* ago to hold for 1h/,
    );
    assertEquals(cluster.stamps(), []);
  },
});

Deno.test({
  name: "a node whose clock is ten minutes off says so, to its own gcheck too",
  ignore: NO_HOOK,
  fn: async () => {
    await using cluster = new SignedCluster();
    const slow = await cluster.add("slow", {
      flags: cluster.trusting,
      wrap: (line) =>
        line.args.includes("main.ts")
          ? withCode(shiftedClock(-600_000), { folder: cluster.directory })(line)
          : line,
    });
    const right = await cluster.add("right", { flags: cluster.trusting });
    await cluster.together();
    const file = cluster.writeStampCheck();
    const sign = [`-file=${file}`, `-sign=${cluster.alice.keyFile}`, "-timeout=3s"];
    const own = await slow.gcheck([...sign, "check"]);
    assertEquals(own.code, 4);
    const differ = /it was signed (10m|9m\S+|10m1s) from now: this clock and the signer's differ/;
    assertMatch(own.stderr, differ);

    const sent = await right.gcheck([...sign, "-output=json", "check"]);
    assertEquals(sent.code, 3, "the node that refuses does not answer");
    const { batch } = JSON.parse(sent.stdout);
    assertMatch(await refusalOf(slow, { id: batch }), differ);
    assertEquals(cluster.stamps(), ["right"]);
  },
});

Deno.test("SIGHUP reads the trusted keys again, and a bad file changes nothing", async () => {
  await using cluster = new SignedCluster();
  const node = await cluster.add("trusting", { flags: cluster.trusting });
  const file = cluster.writeStampCheck();
  const send = (key: string) => node.gcheck([`-file=${file}`, `-sign=${key}`, "check"]);
  const reloaded = async (event: string) => {
    const since = node.events.all.length;
    node.signal("SIGHUP");
    await node.events.wait((line) => line.event === event, {
      what: event,
      timeoutMs: PATIENCE_MS,
      since,
    });
  };
  const { alice, bob } = cluster;
  assertEquals((await send(bob.keyFile)).code, 4);
  Deno.writeTextFileSync(cluster.trustedKeys, `${bob.trustedLine}\n`);
  await reloaded("trusted_keys");
  assertEquals((await send(bob.keyFile)).code, 1, "bob's batch runs, and its check fails");
  assertEquals((await send(alice.keyFile)).code, 4);
  Deno.writeTextFileSync(cluster.trustedKeys, "nonsense\n");
  await reloaded("trusted_keys_failed");
  assertEquals((await send(bob.keyFile)).code, 1);
  assertEquals((await send(alice.keyFile)).code, 4);
  assertEquals(cluster.stamps(), ["trusting", "trusting"]);
  assert(node.events.all.every(({ event }) => event !== "daemon_stopping"));
});

Deno.test("a change of the cluster's keys needs a signature as any batch does", async () => {
  await using cluster = new SignedCluster();
  const keyring = cluster.path("keyring.json");
  const key = crypto.getRandomValues(new Uint8Array(32)).toBase64();
  Deno.writeTextFileSync(keyring, JSON.stringify([key]), { mode: 0o600 });
  const node = await cluster.add("trusting", {
    flags: [...cluster.trusting, `-keyring-file=${keyring}`],
  });
  const install = (...flags: string[]) => {
    const file = cluster.path("new.key");
    const added = crypto.getRandomValues(new Uint8Array(32)).toBase64();
    Deno.writeTextFileSync(file, added, { mode: 0o600 });
    return node.gcheck(["keys", "install", `-key-file=${file}`, ...flags]);
  };
  for (const flags of [[], [`-sign=${cluster.bob.keyFile}`]]) {
    const { code, stderr } = await install(...flags);
    assertEquals(code, 4);
    assertStringIncludes(stderr, "this node refuses the batch");
  }
  assertEquals(JSON.parse(Deno.readTextFileSync(keyring)).length, 1);
  assertEquals((await install(`-sign=${cluster.alice.keyFile}`)).code, 0);
  assertEquals(JSON.parse(Deno.readTextFileSync(keyring)).length, 2);
});
