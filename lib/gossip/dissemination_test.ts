import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  batchOf,
  GossipRecorder,
  peerOf,
  pushOf,
  referenceOf,
} from "../../tests/support/gossip_recorder.ts";
import { encode } from "@std/msgpack";
import { encodeGossip } from "./codec.ts";
import type { GossipMessage } from "./messages.ts";

const TEN = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
const DONE = { state: "done", passed: true, report: Uint8Array.of(7) } as const;

Deno.test("at first sight a batch is accepted once and pushed once, to neither origin nor source", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const node = new GossipRecorder({ peers: TEN, seed, settings: { gossipGroup: 4 } });
    node.peers.set("e", peerOf("e", { state: "suspect" }));
    node.peers.set("f", peerOf("f", { state: "dead" }));
    node.peers.set("g", peerOf("g", { runsGossipcheck: false }));
    node.receive(pushOf(batchOf("a"), "b"));
    const [accepted] = node.expectEvents("batch_accepted");
    assert(accepted?.type === "batch_accepted" && accepted.targeted && !accepted.cancelled);
    const to = node.takeSends({ type: "batch" }).map((send) => send.to);
    assertEquals(new Set(to).size, 4);
    assert(to.every((name) => ["c", "d", "h", "i", "j"].includes(name)), `${to}`);
    node.receive(pushOf(batchOf("a"), "c"));
    node.expectEvents();
    assertEquals(node.takeSends(), []);
  }
});

Deno.test("a push is one encoding for the whole fan-out, and does not wait for anyone", () => {
  const node = new GossipRecorder({ peers: TEN });
  node.receive(pushOf(batchOf("a"), "b"));
  const sends = node.holdSends();
  assertEquals(sends.length, 5);
  assertEquals(new Set(sends.map(({ request }) => request.message)).size, 1);
});

Deno.test("where a push fails another peer takes its place, none twice, and not without end", () => {
  const node = new GossipRecorder({ peers: TEN, settings: { gossipGroup: 3 } });
  node.receive(pushOf(batchOf("a"), "b"));
  const tried = new Set<string>();
  let rounds = 0;
  for (let sends = node.takeSends({ ok: false }); sends.length > 0; rounds++) {
    for (const { to } of sends) {
      assert(!tried.has(to), to);
      tried.add(to);
    }
    sends = node.takeSends({ ok: false });
  }
  assertEquals([tried.size, rounds], [6, 2]);
});

Deno.test("the age goes on with each hop, whatever the clocks on the walls say", () => {
  const node = new GossipRecorder({ peers: TEN });
  const batch = batchOf("a");
  node.receive({ ...pushOf(batch, "b"), copies: [{ batch, ageMs: 1_000_000 }] });
  node.nowMs += 500_000;
  node.receive({ type: "want", from: referenceOf("c"), ids: [batch.id] });
  const [answer] = node.takeSends().filter(({ to }) => to === "c").slice(-1);
  assert(answer?.message.type === "batch");
  assertEquals([answer.message.asked, answer.message.copies[0]?.ageMs], [true, 1_500_000]);
  // It lives for an hour: once that is over it is handed to nobody and taken from nobody.
  node.nowMs += 2_100_000;
  node.receive({ type: "want", from: referenceOf("c"), ids: [batch.id] });
  assertEquals(node.takeSends(), []);
  node.takeEvents();
  const late = batchOf("a", { number: 2 });
  node.receive({ ...pushOf(late, "b"), copies: [{ batch: late, ageMs: 3_600_000 }] });
  node.expectEvents("dropped");
});

Deno.test("digests: nothing to tell is not told, what is lacking is asked for once", () => {
  const node = new GossipRecorder({ peers: TEN, settings: { gossipGroup: 3 } });
  node.fireLast("advertise");
  assertEquals(node.takeSends(), []);
  const ids = [1, 2, 3].map((number) => batchOf("a", { number }).id);
  node.receive(pushOf(batchOf("a", { number: 2 }), "a"));
  node.takeSends();
  const digest: GossipMessage = {
    ...{ type: "digest", from: referenceOf("b") },
    ...{ wantsReply: false, ids, cancelled: [] },
  };
  node.receive(digest);
  node.receive({ ...digest, from: referenceOf("c") });
  const wants = node.takeSends();
  assertEquals(wants.map(({ to }) => to), ["b"]);
  assertEquals(wants[0]?.message, {
    type: "want",
    from: referenceOf("self"),
    ids: [ids[0]!, ids[2]!],
  });
  node.nowMs += 5_000;
  node.receive({ ...digest, from: referenceOf("c") });
  assertEquals(node.takeSends().map(({ to }) => to), ["c"]);
  node.fireLast("advertise");
  const told = node.takeSends({ type: "digest" });
  assertEquals(told.length, 3);
  assert(told.every(({ message }) => message.type === "digest" && message.ids[0] === ids[1]));
});

Deno.test("digests: one that wants a reply gets it only where there is more here", () => {
  const node = new GossipRecorder({ peers: TEN });
  node.receive(pushOf(batchOf("a"), "a"));
  node.takeSends();
  const digest = {
    type: "digest",
    from: referenceOf("b"),
    wantsReply: true,
    cancelled: [],
  } as const;
  node.receive({ ...digest, ids: [batchOf("a").id] });
  assertEquals(node.takeSends(), []);
  node.receive({ ...digest, ids: [] });
  const [reply] = node.takeSends();
  assert(reply?.to === "b" && reply.message.type === "digest" && !reply.message.wantsReply);
});

Deno.test("what was asked for is answered in order of issue, each once, and told of, not pushed", () => {
  const node = new GossipRecorder({ peers: TEN, settings: { gossipGroup: 3 } });
  const batches = [3, 1, 2].map((number) => batchOf("a", { number }));
  const copies = batches.map((batch) => ({ batch, ageMs: 0 }));
  node.receive({ type: "batch", from: referenceOf("b"), asked: true, copies });
  const told = node.takeSends();
  assertEquals(told.map(({ message }) => message.type), ["digest", "digest", "digest"]);
  assert(told.every(({ to }) => to !== "a" && to !== "b"));
  assert(told[0]?.message.type === "digest" && told[0].message.ids.length === 3);
  const [three, one, two] = batches.map(({ id }) => id) as [string, string, string];
  node.receive({ type: "want", from: referenceOf("c"), ids: [two, three, one, two] });
  const [answer] = node.takeSends();
  assert(answer?.message.type === "batch");
  assertEquals(answer.message.copies.map(({ batch }) => batch.id), [one, two, three]);
});

Deno.test("digests: a stranger's question is not answered", () => {
  const node = new GossipRecorder({ peers: TEN });
  node.receive(pushOf(batchOf("a"), "a"));
  node.peers.set("b", peerOf("b", { runsGossipcheck: false }));
  node.takeSends();
  node.takeEvents();
  for (const name of ["b", "stranger"]) {
    node.receive({ type: "want", from: referenceOf(name), ids: [batchOf("a").id] });
    node.expectEvents("dropped");
  }
  assertEquals(node.takeSends(), []);
});

Deno.test("greetings: all of few members, some of many", () => {
  const greeted = (members: number): number => {
    const names = Array.from({ length: members }, (_, index) => `m${index}`);
    const node = new GossipRecorder({ peers: names });
    names.forEach((name) => node.machine.memberChanged(name));
    node.takeSends();
    let count = 0;
    for (const name of names) {
      node.peers.set(name, peerOf(name, { state: "dead" }));
      node.machine.memberChanged(name);
      node.peers.set(name, peerOf(name));
      node.machine.memberChanged(name);
      node.machine.memberChanged(name);
      count += node.takeSends({ type: "digest" }).length;
    }
    return count;
  };
  assertEquals(greeted(5), 5);
  const of500 = greeted(500);
  assert(of500 >= 1 && of500 <= 15, `${of500}`);
});

Deno.test("relays carry once, to members, what is meant to be carried", () => {
  const node = new GossipRecorder({ peers: ["a", "b"] });
  const from = referenceOf("a");
  const report = encodeGossip({
    type: "report",
    from,
    report: { batchId: batchOf("b").id, node: "a", ...DONE },
  });
  const to = { name: "b", address: { host: "192.0.2.1", port: 1 } };
  node.receive({ type: "relay", from, to, message: report });
  const [carried] = node.takeSends();
  assertEquals(carried?.message, { type: "relayed", from: referenceOf("self"), message: report });
  // Where the membership says that it is, not where the sender does.
  assertEquals(carried?.request.to, referenceOf("b"));
  node.receive({ type: "relay", from, to: referenceOf("stranger"), message: report });
  node.receive({ type: "relay", from, to: referenceOf("self"), message: report });
  const relay = encodeGossip({ type: "relay", from, to, message: report });
  node.receive({ type: "relayed", from, message: relay });
  node.receive({ type: "relayed", from, message: Uint8Array.of(1) });
  node.expectEvents("dropped", "dropped", "dropped", "dropped");
  assertEquals(node.takeSends(), []);
});

Deno.test("a held batch waits for its origin's word, which may come before it", () => {
  const node = new GossipRecorder({ peers: ["a", "b"] });
  const [first, second] = [batchOf("a", { held: true }), batchOf("a", { number: 2, held: true })];
  node.receive(pushOf(first, "b"));
  const [accepted] = node.expectEvents("batch_accepted");
  assert(accepted?.type === "batch_accepted" && !accepted.targeted);
  node.receive({ type: "start", from: referenceOf("b"), batchId: first.id });
  node.expectEvents("dropped");
  node.receive({ type: "start", from: referenceOf("a"), batchId: first.id });
  node.receive({ type: "start", from: referenceOf("a"), batchId: first.id });
  node.expectEvents("batch_released");

  node.takeSends();
  node.receive({ type: "start", from: referenceOf("a"), batchId: second.id });
  assertEquals(node.takeSends().map(({ to, message }) => [to, message.type]), [["a", "want"]]);
  node.receive(pushOf(second, "b"));
  node.expectEvents("batch_accepted", "batch_released");
});

Deno.test("a start that comes again brings the report again", () => {
  const node = new GossipRecorder({ peers: ["a"] });
  const held = batchOf("a", { held: true });
  const start: GossipMessage = { type: "start", from: referenceOf("a"), batchId: held.id };
  node.receive(pushOf(held, "a"));
  node.receive(start);
  node.machine.report(held.id, { state: "running" });
  node.fireLast("report_retry");
  const confirm = { type: "confirm", from: referenceOf("a"), batchId: held.id } as const;
  node.receive({ ...confirm, node: "self", state: "running" });
  node.takeSends();
  node.receive(start);
  assertEquals(node.takeSends({ type: "report" }).length, 1);
});

Deno.test("timers: each kind fired late, twice or for another machine does nothing", () => {
  const node = new GossipRecorder({ peers: TEN });
  node.receive(pushOf(batchOf("a"), "a"));
  node.takeSends();
  node.takeEvents();
  for (const type of ["advertise", "expire"] as const) {
    node.machine.fire({ type, generation: 0 });
    node.machine.fire({ type, generation: 2 });
  }
  for (const type of ["report_retry", "start_retry"] as const) {
    node.machine.fire({ type, batchId: batchOf("a").id, token: 1 });
    node.machine.fire({ type, batchId: batchOf("b", { number: 7 }).id, token: 0 });
  }
  assertEquals(node.takeSends(), []);
  node.expectEvents();
});

Deno.test("bytes that are no message are dropped with their reason", () => {
  const node = new GossipRecorder({ peers: TEN });
  const from = ["a", [Uint8Array.of(10, 0, 0, 1), 1]];
  node.machine.receive(encode([2, from, ["unheard of"]]));
  const [dropped] = node.expectEvents("dropped");
  assert(dropped?.type === "dropped");
  assertEquals(dropped.reason, "unknown_type");
});

Deno.test("a report over its bound is the runner's mistake", () => {
  const node = new GossipRecorder({ peers: ["a"] });
  node.receive(pushOf(batchOf("a"), "a"));
  const report = new Uint8Array(8 * 1024 * 1024);
  assertThrows(() => node.machine.report(batchOf("a").id, { ...DONE, report }), RangeError);
});

Deno.test("another's batch is pushed on at once and told once the journal has answered", () => {
  const node = new GossipRecorder({ peers: TEN });
  node.journalHangs = true;
  node.receive(pushOf(batchOf("a"), "b"));
  assertEquals(node.takeSends({ type: "batch" }).length, 5);
  node.expectEvents();
  node.receive(pushOf(batchOf("a"), "c"));
  assertEquals(node.takeSends(), []);
  node.journalHangs = false;
  node.expectEvents("batch_accepted");
  assertEquals(node.takeRecords().map(({ type }) => type), ["accepted"]);
});

Deno.test("a batch that the journal could not keep is told so, and is not accepted again", () => {
  const node = new GossipRecorder({ peers: ["a", "b"] });
  node.failure = "the disk is full";
  const held = batchOf("a", { number: 2, held: true });
  node.receive(pushOf(batchOf("a"), "b"));
  node.receive(pushOf(held, "b"));
  node.receive({ type: "start", from: referenceOf("a"), batchId: held.id });
  const events = node.expectEvents("batch_accepted", "batch_accepted", "batch_released");
  assert(events.every((event) => "failure" in event && event.failure === "the disk is full"));
  node.failure = undefined;
  node.receive(pushOf(batchOf("a"), "b"));
  node.receive({ type: "start", from: referenceOf("a"), batchId: held.id });
  node.expectEvents();
});

Deno.test("a batch of this node's own is sent to nobody before it is durable", () => {
  const node = new GossipRecorder({ peers: TEN });
  node.journalHangs = true;
  const { id } = node.submit();
  assertEquals([node.takeSends(), node.machine.progress(id)], [[], undefined]);
  node.expectEvents();
  node.journalHangs = false;
  node.expectEvents("batch_accepted");
  assertEquals(node.takeSends({ type: "batch" }).length, 5);
  assertEquals(node.machine.progress(id)?.size, 11);
});

Deno.test("a batch of this node's own that the journal could not keep was never issued", () => {
  const node = new GossipRecorder({ peers: TEN });
  node.failure = "the disk is full";
  const { id } = node.submit();
  assertEquals(node.takeEvents(), [
    { type: "batch_not_stored", batchId: id, reason: "the disk is full" },
  ]);
  assertEquals(node.takeSends(), []);
  assertEquals([node.machine.progress(id), node.machine.batches()], [undefined, []]);
  assertEquals(node.machine.status().collections, 0);
});

Deno.test("a batch that is cancelled while the journal works on it is told as cancelled", () => {
  const node = new GossipRecorder({ peers: ["a", "b"] });
  node.journalHangs = true;
  node.receive(pushOf(batchOf("a"), "b"));
  node.receive({ type: "cancel", from: referenceOf("b"), batchId: batchOf("a").id });
  node.journalHangs = false;
  const [, accepted] = node.expectEvents("batch_cancelled", "batch_accepted");
  assert(accepted?.type === "batch_accepted" && accepted.cancelled);
});
