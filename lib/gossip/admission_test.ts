import { assertEquals, assertThrows } from "@std/assert";
import {
  batchOf,
  GossipRecorder,
  pushOf,
  referenceOf,
} from "../../tests/support/gossip_recorder.ts";
import { RefusedError, UsageError } from "../errors.ts";

const SUBMISSION = { expiresInMs: 60_000 };

Deno.test("a batch that is not let in is neither run nor forwarded, and may come again", () => {
  let reason: string | undefined = "why";
  const node = new GossipRecorder({ peers: ["a", "b"], machine: { admit: () => reason } });
  const batch = batchOf("a");
  node.receive(pushOf(batch, "b"));
  assertEquals(node.takeEvents(), [
    { type: "batch_refused", batchId: batch.id, origin: "a", from: "b", reason: "why" },
  ]);
  assertEquals(node.takeSends(), []);
  assertEquals(node.machine.batches(), []);
  reason = undefined;
  node.receive(pushOf(batch, "b"));
  node.expectEvents("batch_accepted");
});

Deno.test("a refused submission is told to who sent it and to the application, and nothing goes out", () => {
  const node = new GossipRecorder({ peers: ["a"], machine: { admit: () => "why" } });
  assertThrows(() => node.submit(SUBMISSION), RefusedError, "refuses the batch: why");
  const [refused] = node.expectEvents("batch_refused");
  assertEquals(
    refused?.type === "batch_refused" && [refused.origin, refused.from, refused.reason],
    [
      "self",
      "self",
      "why",
    ],
  );
  assertEquals(node.takeSends(), []);
  assertEquals(node.machine.status().collections, 0);
});

Deno.test("a signed batch is taken once, also from the operator's own hands", () => {
  const node = new GossipRecorder({ peers: ["a"] });
  const { content, signature } = batchOf("self", { number: 1, signature: Uint8Array.of(1) });
  const order = { type: "signed", content, signature } as const;
  node.machine.submit({ order });
  // Also while the journal has not answered yet.
  assertThrows(() => node.machine.submit({ order }), RefusedError, "was sent before");
  node.expectEvents("batch_refused", "batch_accepted");
  assertEquals(node.machine.batches()[0]?.content, content);
  node.takeSends();
  assertThrows(() => node.machine.submit({ order }), RefusedError, "was sent before");
  node.expectEvents("batch_refused");
  assertEquals(node.takeSends(), []);
  assertEquals(node.machine.status().collections, 1);
});

Deno.test("nobody starts a held batch in this node's own name", () => {
  for (const startFirst of [false, true]) {
    const node = new GossipRecorder({ peers: ["a"] });
    const forged = batchOf("self", { held: true });
    const start = { type: "start", from: referenceOf("self"), batchId: forged.id } as const;
    if (startFirst) node.receive(start);
    node.receive(pushOf(forged, "a"));
    if (!startFirst) node.receive(start);
    assertEquals(node.takeEvents().map(({ type }) => type).sort(), ["batch_accepted", "dropped"]);
  }
});

Deno.test("a refused batch is not asked of the same member again at once, but of others", () => {
  let reason: string | undefined = "why";
  const node = new GossipRecorder({ peers: ["a", "b"], machine: { admit: () => reason } });
  const batch = batchOf("a");
  const digest = (from: string) => {
    const message = { type: "digest", from: referenceOf(from), wantsReply: false } as const;
    node.receive({ ...message, ids: [batch.id], cancelled: [] });
    return node.takeSends({ type: "want" }).map(({ to }) => to);
  };
  const bring = (from: string) => node.receive({ ...pushOf(batch, from), asked: true });
  assertEquals(digest("b"), ["b"]);
  bring("b");
  assertEquals(digest("b"), []);
  assertEquals(digest("a"), ["a"]);
  bring("a");
  assertEquals([...digest("a"), ...digest("b")], []);
  node.expectEvents("batch_refused", "batch_refused");
  node.nowMs += 5 * 60_000;
  reason = undefined;
  assertEquals(digest("b"), ["b"]);
  bring("b");
  node.expectEvents("batch_accepted");
});

Deno.test("a signed batch that is not for this node, or not as it was signed, is refused", () => {
  const node = new GossipRecorder({ peers: ["a"] });
  const orderOf = (batch: ReturnType<typeof batchOf>) => {
    const { content, signature } = batch;
    return { type: "signed", content, signature } as const;
  };
  const foreign = orderOf(batchOf("a"));
  assertThrows(() => node.machine.submit({ order: foreign }), UsageError, 'signed for node "a"');
  const plain = orderOf(batchOf("self"));
  const limit = { type: "count", count: 1 } as const;
  assertThrows(
    () => node.machine.submit({ order: plain, limit }),
    UsageError,
    "as they were signed",
  );
  const held = orderOf(batchOf("self", { held: true }));
  assertThrows(() => node.machine.submit({ order: held }), UsageError, "as they were signed");
  node.expectEvents();
});
