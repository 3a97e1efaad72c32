/**
 * A real memberlist node reads what we write: what it does, tells its application and answers shows
 * what it understood. That a nack is understood cannot be seen from outside; `vectors_test.ts`
 * shows that ours are Go's byte for byte.
 */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { encodeMessage } from "../../lib/wire/codec.ts";
import type { Alive, PacketMessage, PushPull, Source } from "../../lib/wire/messages.ts";
import { buildGoTool, missingForGo } from "../support/go_tools.ts";
import { type Happening, PipeNode } from "../support/pipe_node.ts";
import { readVectors, VECTOR_FILES } from "../support/vectors.ts";

/** Where the pipe's other end is, which the node knows as the sender of all packets. */
const SOURCE: Source = { address: { host: "10.0.0.99", port: 7946 }, name: "ours" };
const META = new TextEncoder().encode("role=web");
const VERSIONS = [1, 5, 2, 0, 0, 0] as const;

function alive(name: string, options: { incarnation: number; meta?: Uint8Array }): Alive {
  return {
    type: "alive",
    name,
    address: SOURCE.address,
    meta: META,
    versions: VERSIONS,
    ...options,
  };
}

function send(node: PipeNode, messages: readonly PacketMessage[]): Promise<void> {
  // memberlist takes a CRC from anyone, so where there are several messages there is one as well.
  const crc = messages.length > 1;
  const packet = node.envelope.sealPacket(messages.map(encodeMessage), { crc });
  return node.order({ do: "packet", hex: packet.toHex() });
}

const happened = (event: string, name: string) => (seen: Happening) =>
  seen.event === event && seen.name === name;

async function packetsAreUnderstood(node: PipeNode): Promise<void> {
  let since = node.now();
  await send(node, [{ type: "ping", sequence: 77, targetName: "go", source: SOURCE }]);
  const ack = await node.sends("ack", { since });
  assertStrictEquals(ack.sequence, 77);
  assertStrictEquals(new TextDecoder().decode(ack.payload), "payload of the Go node");

  since = node.now();
  const payload = new Uint8Array(300).fill(7);
  await send(node, [alive("ours", { incarnation: 1 }), alive("other", { incarnation: 70_000 }), {
    type: "user",
    payload,
  }]);
  const joined = await node.happens(happened("member_joined", "ours"), { what: "join", since });
  assertEquals(joined.hex, META.toHex());
  assertStrictEquals(joined.address, "10.0.0.99:7946");
  await node.happens(happened("member_joined", "other"), { what: "second join", since });
  const user = await node.happens(({ event }) => event === "user", { what: "payload", since });
  assertStrictEquals(user.hex, payload.toHex());

  since = node.now();
  const longMeta = new Uint8Array(512).fill(0xee);
  await send(node, [alive("ours", { incarnation: 2, meta: longMeta })]);
  const updated = await node.happens(happened("member_updated", "ours"), { what: "update", since });
  assertStrictEquals(updated.hex, longMeta.toHex());
}

async function probesAreUnderstood(node: PipeNode): Promise<void> {
  let since = node.now();
  await node.order({ do: "ping", name: "ours" });
  const ping = await node.sends("ping", { since });
  assertStrictEquals(ping.targetName, "ours");
  await send(node, [{ type: "ack", sequence: ping.sequence, payload: META }]);
  await node.happens(happened("answered", "ours"), { what: "ping that was answered", since });

  since = node.now();
  await send(node, [{
    type: "indirectPing",
    sequence: 4_000_000_000,
    target: { host: "10.0.0.42", port: 7946 },
    targetName: "other",
    wantsNack: true,
    source: SOURCE,
  }]);
  await node.happens(({ event, address }) => event === "packet" && address === "10.0.0.42:7946", {
    what: "packet to the target",
    since,
  });
  const relayed = await node.sends("ping", { since });
  assertStrictEquals(relayed.targetName, "other");
  since = node.now();
  await send(node, [{ type: "ack", sequence: relayed.sequence, payload: META }]);
  assertStrictEquals((await node.sends("ack", { since })).sequence, 4_000_000_000);
}

async function accusationsAreUnderstood(node: PipeNode): Promise<void> {
  // What it has accepted as news it gossips on.
  let since = node.now();
  await send(node, [{ type: "suspect", incarnation: 2, name: "ours", from: "other" }]);
  const suspect = await node.sends("suspect", { since, about: ({ name }) => name === "ours" });
  assertEquals(suspect, { type: "suspect", incarnation: 2, name: "ours", from: "other" });
  since = node.now();
  await send(node, [alive("ours", { incarnation: 3 })]);
  await node.sends("alive", {
    since,
    about: ({ name, incarnation }) => name === "ours" && incarnation === 3,
  });
  const deaths = [
    { type: "dead", incarnation: 3, name: "ours", from: "ours" },
    { type: "dead", incarnation: 70_000, name: "other", from: "ours" },
  ] as const;
  for (const death of deaths) {
    since = node.now();
    await send(node, [death]);
    await node.happens(happened("member_gone", death.name), { what: "end of a member", since });
    if (death.name === "other") continue;
    // By the time that the other is dead too there is nobody left to gossip to.
    assertEquals(await node.sends("dead", { since, about: ({ name }) => name === "ours" }), death);
  }
}

function state(name: string): PushPull {
  const { type: _type, ...node } = alive(name, { incarnation: 300 });
  return {
    type: "pushPull",
    join: true,
    nodes: [{ ...node, state: "alive" }],
    userState: new TextEncoder().encode(`state of ${name}`),
  };
}

async function streamsAreUnderstood(node: PipeNode): Promise<void> {
  const { envelope } = node;
  const ack = await node.exchange(envelope.sealStream({
    type: "ping",
    sequence: 78,
    targetName: "go",
    source: SOURCE,
  }));
  assert(ack?.type === "ack");
  assertStrictEquals(ack.sequence, 78);

  let since = node.now();
  const payload = new Uint8Array(70_000).fill(9);
  await node.exchange(envelope.sealStream({ type: "user", payload }));
  const user = await node.happens(({ event }) => event === "user", { what: "payload", since });
  assertStrictEquals(user.hex, payload.toHex());

  since = node.now();
  const reply = await node.exchange(envelope.sealStream(state("pushed")));
  assert(reply?.type === "pushPull");
  assert(reply.nodes.some(({ name }) => name === "go"));
  await node.happens(happened("member_joined", "pushed"), { what: "join by push/pull", since });
  const merged = await node.happens(({ event }) => event === "merged", { what: "merge", since });
  assertStrictEquals(merged.hex, state("pushed").userState.toHex());
}

async function repliesAreUnderstood(node: PipeNode): Promise<void> {
  let since = node.now();
  await node.order({ do: "join" });
  assertStrictEquals((await node.requests({ since })).type, "pushPull");
  const answer = node.envelope.sealStream(state("pulled"), { reply: true });
  await node.order({ do: "answer", hex: answer.toHex() });
  await node.happens(({ event }) => event === "joined", { what: "join", since });
  await node.happens(happened("member_joined", "pulled"), { what: "join by reply", since });

  since = node.now();
  await node.order({ do: "join" });
  await node.requests({ since });
  const refusal = { type: "error", message: "not today" } as const;
  const sealed = node.envelope.sealStream(refusal, { reply: true });
  await node.order({ do: "answer", hex: sealed.toHex() });
  const unjoined = await node.happens(({ event }) => event === "unjoined", {
    what: "join that was refused",
    since,
  });
  assert(unjoined.error?.includes("remote error: not today"), unjoined.error);
}

const missing = await missingForGo();

for (const file of VECTOR_FILES) {
  Deno.test({
    name: `memberlist understands all that we write: ${file}` +
      (missing === undefined ? "" : ` (skipped: needs ${missing})`),
    ignore: missing !== undefined,
    async fn() {
      const program = await buildGoTool("vectors");
      const { layers } = readVectors(file);
      await using node = await PipeNode.start({ program, name: "go", layers });
      await packetsAreUnderstood(node);
      await probesAreUnderstood(node);
      await accusationsAreUnderstood(node);
      await streamsAreUnderstood(node);
      await repliesAreUnderstood(node);
    },
  });
}
