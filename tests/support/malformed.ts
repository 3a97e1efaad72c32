/**
 * Sends malformed input to a cluster of our nodes, and checks that it does no harm.
 * @module
 */
import { assert, assertEquals, assertLess } from "@std/assert";
import { print } from "../../scripts/print.ts";
import { DROP_REASONS, type DropReason } from "../../lib/errors.ts";
import { Envelope } from "../../lib/wire/envelope.ts";
import { Keyring } from "../../lib/wire/keyring.ts";
import { startCluster, type TestCluster } from "./cluster.ts";
import type { GossipcheckNode } from "./gossipcheck_node.ts";
import { eventually } from "./process.ts";
import { residentBytes, sendStorm, type Sent } from "./storm.ts";

const NODES = 3;
/** One of this many inputs is a stream, the others are packets. */
const STREAM_SHARE = 40;
/** Maximum growth of resident memory from after the first fifth of the input to the end. */
const GROWTH_MAX_BYTES = 32 * 1024 * 1024;
/** Maximum log lines of warnings in ten seconds (`lib/deno/log.ts`), with their totals. */
const LINES_PER_TEN_SECONDS = 25;
/** Maximum of all other log lines of a daemon. */
const LINES_OF_A_LIFE = 100;
/** Reasons for which nodes also drop input of each other. */
const ORDINARY: readonly DropReason[] = ["unexpected", "wrong_session"];

const KEY = new Uint8Array(32).fill(0x6b);

/**
 * Sends `count` malformed packets and streams, a third to each of three daemons. Asserts that no
 * member changed, that memory and the log are bounded, and that every input was counted.
 */
export async function assertWithstands(
  { count, keyring, seed }: { count: number; keyring: boolean; seed: string },
): Promise<void> {
  const envelope = new Envelope({
    label: "",
    keyring: keyring ? new Keyring({ keys: [KEY] }) : undefined,
    random: {
      next: Math.random,
      bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    },
    compress: false,
  });
  const flags = keyring ? [`-encrypt=${KEY.toBase64()}`] : [];
  await using cluster = await startCluster({ size: NODES, flags });
  // startCluster does not wait until the other nodes have seen each other.
  const before = await eventually(async () => {
    const seen = await views(cluster);
    for (const [name, members] of seen) assertEquals(members.size, NODES, `members of ${name}`);
    return seen;
  });
  const sinceMs = performance.now();
  const since = cluster.nodes.map(({ events }) => events.all.length);

  const send = async (part: string, pieces: number) => {
    const stream = Math.ceil(pieces / NODES / STREAM_SHARE);
    const counts = { packet: Math.ceil(pieces / NODES) - stream, stream };
    const sent = await Promise.all(
      cluster.nodes.map((node) => sendStorm({ node, envelope, counts, seed: `${seed} ${part}` })),
    );
    return { sent, memory: cluster.nodes.map(({ pid }) => residentBytes(pid)) };
  };
  const warmUp = await send("warm-up", count / 5);
  const storm = await send("storm", count - count / 5);
  const elapsedMs = performance.now() - sinceMs;

  assertEquals(await views(cluster), before);
  for (const [index, node] of cluster.nodes.entries()) {
    const changes = node.events.all.slice(since[index])
      .filter(({ event }) => ["join", "left", "failed", "update"].includes(event));
    assertEquals(changes.map(({ event, name }) => `${event} ${name}`), [], node.name);
    const [least, most] = [warmUp.memory[index] ?? 0, storm.memory[index] ?? 0];
    const mebibytes = [least, most].map((bytes) => Math.round(bytes / 2 ** 20)).join(" -> ");
    print(`    ${node.name}: ${mebibytes} MiB resident`);
    assertLess(most - least, GROWTH_MAX_BYTES, `${node.name} grew: ${mebibytes} MiB`);
  }
  for (const node of cluster.nodes) await node.leave();
  for (const [index, node] of cluster.nodes.entries()) {
    assertCounted(node, [warmUp.sent[index], storm.sent[index]].flatMap((sent) => sent ?? []));
    const lines = new Set(node.events.all.map(({ fields }) => fields)).size;
    const bound = LINES_OF_A_LIFE + LINES_PER_TEN_SECONDS * Math.ceil(elapsedMs / 10_000 + 1);
    assertLess(lines, bound, `${node.name} wrote ${lines} lines in ${Math.round(elapsedMs)} ms`);
  }
  print(`    ${count} inputs in ${Math.round(elapsedMs / 1000)} s`);
}

/** The member list of each node. */
async function views(
  cluster: TestCluster,
): Promise<Map<string, Awaited<ReturnType<GossipcheckNode["members"]>>>> {
  const seen = cluster.nodes.map(async (node) => [node.name, await node.members()] as const);
  return new Map(await Promise.all(seen));
}

/** Asserts that the totals of a node contain all that was sent: packets by reason, streams in all. */
function assertCounted(
  node: GossipcheckNode,
  sent: readonly Readonly<Record<"packet" | "stream", Sent>>[],
): void {
  const logged = node.events.all.filter(({ event }) => event === "input_dropped_totals").at(-1);
  assert(logged !== undefined, `${node.name} logged no totals`);
  const totals = new Map(
    DROP_REASONS.map((reason) => [reason, Number(logged.fields[reason] ?? 0)]),
  );
  const packets = sum(sent.map(({ packet }) => packet));
  const streams = sum(sent.map(({ stream }) => stream));
  for (const [reason, count] of packets) {
    const found = totals.get(reason) ?? 0;
    assert(found >= count, `${node.name} counted ${found} ${reason}, not ${count}`);
  }
  const total = (counts: Sent) =>
    [...counts].reduce((all, [reason, n]) => ORDINARY.includes(reason) ? all : all + n, 0);
  // If a stream has two faults, the first that the node sees depends on how much it has received.
  assertEquals(total(totals), total(packets) + total(streams));
}

function sum(counts: readonly Sent[]): Sent {
  const total: Sent = new Map();
  for (const [reason, count] of counts.flatMap((each) => [...each])) {
    total.set(reason, (total.get(reason) ?? 0) + count);
  }
  return total;
}
