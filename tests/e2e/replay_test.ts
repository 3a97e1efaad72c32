/** What was captured on its way to a node, sent again byte for byte; and strangers without the key. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { splitHostPort } from "../../lib/address.ts";
import { DenoRandom } from "../../lib/deno/runtime.ts";
import { Envelope } from "../../lib/wire/envelope.ts";
import { Keyring } from "../../lib/wire/keyring.ts";
import type { StreamMessage } from "../../lib/wire/messages.ts";
import { PATIENCE_MS, TestCluster } from "../support/cluster.ts";
import { freePort } from "../support/free_port.ts";
import type { GossipcheckNode } from "../support/gossipcheck_node.ts";
import { eventually } from "../support/process.ts";
import { RecordingTap } from "../support/recording_tap.ts";

const KEY = new Uint8Array(32).fill(7);
/** How long the batch lives: after it, only a captured copy could still start it. */
const EXPIRES_MS = 5_000;

/** Writes `bytes` to a node and reads until it closes; what it answered. */
async function say(to: string, bytes: Uint8Array): Promise<Uint8Array> {
  const stream = await Deno.connect(splitHostPort(to));
  try {
    const answer: number[] = [];
    const buffer = new Uint8Array(4096);
    try {
      for (let at = 0; at < bytes.length;) at += await stream.write(bytes.subarray(at));
      for (let count; (count = await stream.read(buffer)) !== null;) {
        answer.push(...buffer.subarray(0, count));
      }
    } catch (error) {
      // Closed before all was read.
      if (!(error instanceof Deno.errors.ConnectionReset)) {
        if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      }
    }
    return Uint8Array.from(answer);
  } finally {
    stream.close();
  }
}

/** How much a node says it has dropped for a reason. */
function dropped(node: GossipcheckNode, reason: string): number {
  const totals = node.events.all.findLast(({ event }) => event === "input_dropped_totals");
  return Number(totals?.fields[reason] ?? 0);
}

/** Waits until a node says that it dropped at least so much for a reason. */
async function droppedAtLeast(node: GossipcheckNode, want: { [reason: string]: number }) {
  for (const [reason, count] of Object.entries(want)) {
    await eventually(() => assertGreater(dropped(node, reason), count - 1), {
      timeoutMs: PATIENCE_MS,
    });
  }
}

/** What says something to a node, the others' questions for its state left out. */
async function withoutAnswer(to: string, streams: readonly Uint8Array[]): Promise<number> {
  let count = 0;
  for (const stream of streams) {
    if ((await say(to, stream)).length === 0) count++;
  }
  return count;
}

Deno.test("a stream that was captured starts nothing when it comes again, not even after a restart", async () => {
  await using stack = new AsyncDisposableStack();
  const cluster = stack.use(new TestCluster());
  const keyring = cluster.path("keyring.json");
  Deno.writeTextFileSync(keyring, JSON.stringify([KEY.toBase64()]), { mode: 0o600 });
  const flags = [`-keyring-file=${keyring}`, "-state-dir=none", "-log-level=debug"];
  const sender = await cluster.add("sender", { flags });
  const [at, target] = [freePort(), freePort()].map((port) => `127.0.0.1:${port}`);
  const tap = stack.use(new RecordingTap({ at: at!, target: target! }));
  const place = { bind: target!, join: [sender.address] };
  const victim = await cluster.add("victim", { ...place, flags: [...flags, `-advertise=${at}`] });
  await cluster.together();

  const answer = await cluster.check(cluster.writeStampCheck(), [`-expires=${EXPIRES_MS}ms`]);
  assertEquals(answer.states, { done: ["sender", "victim"] });
  const expired = new Promise((resolve) => setTimeout(resolve, EXPIRES_MS + 1_000));
  const [streams, packets] = [[...tap.streams], [...tap.packets]];

  // At once: nothing is taken, nothing is answered, and it is counted.
  const captured = await withoutAnswer(target!, streams);
  assertGreater(captured, 0);
  await droppedAtLeast(victim, { replayed: captured });
  // Thrown back at who sent it.
  assertEquals(await withoutAnswer(sender.address, streams), captured);
  await droppedAtLeast(sender, { wrong_session: captured });
  assertEquals(cluster.stamps(), ["sender", "victim"]);

  // After a restart that forgot all, when the batch itself is long gone.
  await expired;
  await victim.kill();
  const again = await cluster.restart(1, { ...place });
  await cluster.origin.waitFor("update", { name: "victim", timeoutMs: PATIENCE_MS }).catch(() => {
    throw new Error("the victim did not come back");
  });
  assertEquals(await withoutAnswer(target!, streams), captured);
  await droppedAtLeast(again, { wrong_session: captured });
  const socket = Deno.listenDatagram({ hostname: "127.0.0.1", port: 0, transport: "udp" });
  stack.defer(() => socket.close());
  for (const packet of packets) {
    await socket.send(packet, { ...splitHostPort(target!), transport: "udp" });
  }
  // A new batch takes the same way: by its end, the old one would have shown.
  const last = await cluster.check(cluster.writeStampCheck());
  assertEquals(last.states, { done: ["sender", "victim"] });
  assertEquals(cluster.stamps(), ["sender", "sender", "victim", "victim"]);
});

Deno.test("a stranger with no key, with a wrong one, or with noise is told the same: nothing", async () => {
  await using cluster = new TestCluster();
  const keyring = cluster.path("keyring.json");
  Deno.writeTextFileSync(keyring, JSON.stringify([KEY.toBase64()]), { mode: 0o600 });
  const node = await cluster.add("node", { flags: [`-keyring-file=${keyring}`] });
  const random = new DenoRandom();
  const sealed = (key: Uint8Array | undefined, message: StreamMessage) =>
    new Envelope({
      label: "",
      keyring: key && new Keyring({ keys: [key] }),
      random,
      compress: false,
    }).sealStream(message);
  const messages: StreamMessage[] = [
    { type: "pushPull", join: true, nodes: [], userState: new Uint8Array() },
    { type: "ping", sequence: 1, targetName: "node" },
    { type: "user", payload: new Uint8Array(100) },
  ];
  const whole = messages.map((message) => sealed(undefined, message));
  const strangers = [
    ...whole,
    ...messages.map((message) => sealed(new Uint8Array(32).fill(8), message)),
    ...messages.map((message) => sealed(new Uint8Array(16).fill(8), message)),
    ...whole.map(({ length }) => random.bytes(length).fill(200, 0, 1)),
    // Noise in the form of something encrypted.
    ...whole.map(({ length }) => Uint8Array.of(10, 0, 0, 0, length, ...random.bytes(length))),
  ];
  for (const [index, bytes] of strangers.entries()) {
    assertEquals((await say(node.address, bytes)).length, 0, `stranger ${index}`);
  }
  const answer = await say(node.address, sealed(KEY, messages[1]!));
  assert(answer.length > 0, "who has the key is answered");
});
