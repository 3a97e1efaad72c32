import { assert, assertEquals } from "@std/assert";
import {
  batchOf,
  GossipRecorder,
  peerOf,
  pushOf,
  referenceOf,
} from "../../tests/support/gossip_recorder.ts";
import { encodeGossip } from "./codec.ts";
import type { GossipMessage } from "./messages.ts";

const OPEN = { state: "pending" } as const;
const DONE = { state: "done", passed: true, report: Uint8Array.of(7) } as const;

Deno.test("reports: running waits a little, done goes at once and ends it", () => {
  const node = new GossipRecorder({ peers: ["a", "b"] });
  const { id } = batchOf("a");
  node.receive(pushOf(batchOf("a"), "a"));
  node.takeSends();
  node.machine.report(id, { state: "running" });
  assertEquals(node.takeSends(), []);
  assertEquals(node.lastTimer("report_retry").delayMs, 250);
  const early = node.lastTimer("report_retry").timer;
  node.machine.report(id, DONE);
  const [report] = node.takeSends({ type: "report" });
  assert(report?.to === "a" && report.message.type === "report");
  assertEquals(report.message.report, { batchId: id, node: "self", ...DONE });
  node.machine.fire(early);
  node.machine.report(id, DONE);
  node.machine.report(id, { state: "running" });
  assertEquals(node.takeSends(), []);
  const confirm = { type: "confirm", from: referenceOf("a"), batchId: id, node: "self" } as const;
  node.takeEvents();
  node.receive({ ...confirm, state: "done" });
  node.expectEvents("report_confirmed");
});

Deno.test("reports: straight and through others by turns, ever more slowly, until confirmed", () => {
  const node = new GossipRecorder({ peers: ["a", "b", "c"] });
  const { id } = batchOf("a");
  node.receive(pushOf(batchOf("a"), "a"));
  node.machine.report(id, DONE);
  const ways: string[] = [];
  const delays: number[] = [];
  for (let attempt = 0; attempt < 8; attempt++) {
    for (const { to, message } of node.takeSends()) {
      if (message.type === "report") ways.push(to);
      if (message.type === "relay") ways.push(`through ${to === "a" ? "?" : "another"}`);
    }
    delays.push(node.lastTimer("report_retry").delayMs);
    node.fireLast("report_retry");
  }
  assertEquals(ways.slice(0, 4), ["a", "through another", "a", "through another"]);
  delays.forEach((delayMs, attempt) => {
    const middleMs = Math.min(60_000, 2_000 * 2 ** attempt);
    assert(delayMs >= middleMs * 0.75 && delayMs <= middleMs * 1.25, `${attempt}: ${delayMs}`);
  });
  node.takeEvents();
  const confirm = { type: "confirm", from: referenceOf("a"), batchId: id, node: "self" } as const;
  node.receive({ ...confirm, from: referenceOf("b"), state: "done" });
  node.receive({ ...confirm, state: "running" });
  node.receive({ ...confirm, node: "b", state: "done" });
  node.expectEvents();
  node.receive({ ...confirm, state: "done" });
  node.receive({ ...confirm, state: "done" });
  node.expectEvents("report_confirmed");
  node.takeSends();
  node.timers().filter(({ type }) => type === "report_retry").forEach((timer) => {
    node.machine.fire(timer);
  });
  assertEquals(node.takeSends(), []);
});

Deno.test("reports: a send that fails is followed soon, a returning origin is told at once", () => {
  const node = new GossipRecorder({ peers: ["a", "b"] });
  const { id } = batchOf("a");
  node.machine.memberChanged("a");
  node.receive(pushOf(batchOf("a"), "a"));
  node.takeSends();
  node.machine.report(id, DONE);
  node.takeSends({ ok: false });
  assert(node.lastTimer("report_retry").delayMs <= 250);
  for (let attempt = 0; attempt < 10; attempt++) {
    node.fireLast("report_retry");
    node.takeSends();
  }
  assert(node.lastTimer("report_retry").delayMs > 40_000);
  node.peers.set("a", peerOf("a", { state: "dead" }));
  node.machine.memberChanged("a");
  node.peers.set("a", peerOf("a", { address: { host: "10.7.7.7", port: 9 } }));
  node.machine.memberChanged("a");
  assert(node.lastTimer("report_retry").delayMs <= 1_000);
  node.takeSends();
  node.fireLast("report_retry");
  const [report] = node.takeSends({ type: "report" });
  assertEquals(report?.request.to.address.host, "10.7.7.7");
});

Deno.test("reports: an origin that began another life before anybody missed it is told at once", () => {
  const node = new GossipRecorder({ peers: ["a", "b"] });
  const live = (session: string) => {
    node.peers.set("a", peerOf("a", { session }));
    node.machine.memberChanged("a");
  };
  live("first");
  node.receive(pushOf(batchOf("a"), "a"));
  node.takeSends();
  node.machine.report(batchOf("a").id, DONE);
  for (let attempt = 0; attempt < 10; attempt++) {
    node.takeSends();
    node.fireLast("report_retry");
  }
  live("first");
  assert(node.lastTimer("report_retry").delayMs > 40_000);
  live("second");
  assert(node.lastTimer("report_retry").delayMs <= 1_000);
});

Deno.test("reports: an origin that is gone is tried seldom, and at once when it is back", () => {
  const node = new GossipRecorder({ peers: ["a", "b"] });
  const { id } = batchOf("a");
  node.machine.memberChanged("a");
  node.receive(pushOf(batchOf("a"), "a"));
  node.peers.set("a", peerOf("a", { state: "left" }));
  node.machine.memberChanged("a");
  node.takeSends();
  node.machine.report(id, DONE);
  for (const ok of [true, false]) {
    assertEquals(node.takeSends({ ok }).length, 1);
    assert(node.lastTimer("report_retry").delayMs >= 450_000);
    node.fireLast("report_retry");
  }
  node.peers.set("a", peerOf("a"));
  node.machine.memberChanged("a");
  assert(node.lastTimer("report_retry").delayMs <= 1_000);
});

Deno.test("reports: one that nobody takes for a day is given up", () => {
  const node = new GossipRecorder({ peers: ["a"] });
  node.receive(pushOf(batchOf("a"), "a"));
  node.machine.report(batchOf("a").id, DONE);
  node.takeEvents();
  node.nowMs += 24 * 3_600_000;
  node.fireLast("expire");
  node.expectEvents("batch_expired", "dropped", "report_abandoned");
  assertEquals(node.machine.status().reports, 0);
});

Deno.test("the origin counts once, confirms always, and the way that it came", () => {
  const node = new GossipRecorder({ peers: ["a", "b"] });
  const { id } = node.submit();
  node.takeSends();
  node.takeEvents();
  const report: GossipMessage = {
    type: "report",
    from: referenceOf("a"),
    report: { batchId: id, node: "a", ...DONE },
  };
  node.receive(report);
  assertEquals(node.expectEvents("progress").length, 1);
  assertEquals(node.takeSends().map(({ to, message }) => [to, message.type]), [["a", "confirm"]]);
  const { report: done } = report;
  node.receive({ ...report, report: { ...done, state: "running", passed: false } });
  node.receive({ type: "relayed", from: referenceOf("b"), message: encodeGossip(report) });
  node.expectEvents();
  assertEquals(
    node.takeSends().map(({ to, message }) => [to, message.type]),
    [["a", "confirm"], ["a", "confirm"], ["b", "relay"]],
  );
  assertEquals(node.machine.progress(id)?.get("a"), { ...DONE });
});

Deno.test("a report that cannot be one is dropped and not confirmed", () => {
  const node = new GossipRecorder({ peers: ["a", "b"] });
  const { id } = node.submit();
  const others = batchOf("b");
  node.receive(pushOf(others, "b"));
  node.takeSends();
  node.takeEvents();
  const from = referenceOf("a");
  const report = { batchId: id, node: "a", ...DONE };
  const bad: GossipMessage[] = [
    { type: "report", from: referenceOf("b"), report },
    { type: "report", from, report: { ...report, batchId: others.id } },
    { type: "report", from: referenceOf("x"), report: { ...report, node: "x" } },
  ];
  for (const message of bad) {
    node.receive(message);
    node.expectEvents("dropped");
    assertEquals(node.takeSends(), []);
  }
  // Results that are held no more: confirmed, or it would come for ever.
  node.receive({
    type: "report",
    from,
    report: { ...report, batchId: batchOf("c", { number: 9 }).id },
  });
  node.expectEvents();
  assertEquals(node.takeSends().map(({ message }) => message.type), ["confirm"]);
});

Deno.test("reports: what a node owes to itself after a restart is counted without a send", () => {
  const { id: batchId } = batchOf("self");
  const self = referenceOf("self");
  const node = new GossipRecorder({
    peers: ["a"],
    machine: {
      restored: {
        seen: [batchId],
        batches: [],
        collections: [{ batchId, target: {}, held: false, members: new Map([["self", OPEN]]) }],
        reports: [{ batchId, origin: self, passed: true, report: DONE.report }],
      },
    },
  });
  node.failure = "the disk is full";
  node.fireLast("report_retry");
  node.expectEvents("progress", "batch_settled");
  assertEquals(node.machine.status().reports, 1);
  node.failure = undefined;
  node.fireLast("report_retry");
  node.expectEvents("report_confirmed");
  assertEquals(node.machine.progress(batchId)?.get("self"), DONE);
  assertEquals([node.takeSends(), node.machine.status().reports], [[], 0]);
});

Deno.test("the origin confirms a report once it is durable, and not before", () => {
  const node = new GossipRecorder({ peers: ["a", "b"] });
  const { id } = node.submit();
  node.takeSends();
  node.takeEvents();
  const report: GossipMessage = {
    type: "report",
    from: referenceOf("a"),
    report: { batchId: id, node: "a", ...DONE },
  };
  node.journalHangs = true;
  node.receive(report);
  node.expectEvents("progress");
  assertEquals(node.takeSends(), []);
  // One that comes again meanwhile is neither confirmed nor recorded a second time.
  node.receive(report);
  assertEquals(node.takeSends(), []);
  assertEquals(node.takeRecords().filter(({ type }) => type === "progress").length, 1);
  node.journalHangs = false;
  assertEquals(node.takeSends().map(({ to, message }) => [to, message.type]), [["a", "confirm"]]);
});

Deno.test("a report that the journal could not keep is confirmed when it comes again and is kept", () => {
  const node = new GossipRecorder({ peers: ["a", "b"] });
  const { id } = node.submit();
  node.takeSends();
  node.takeEvents();
  const report: GossipMessage = {
    type: "report",
    from: referenceOf("a"),
    report: { batchId: id, node: "a", ...DONE },
  };
  node.failure = "the disk is full";
  node.receive(report);
  assertEquals(node.takeSends(), []);
  node.receive(report);
  assertEquals(node.takeSends(), []);
  node.expectEvents("progress");
  node.failure = undefined;
  node.receive(report);
  assertEquals(node.takeSends().map(({ to, message }) => [to, message.type]), [["a", "confirm"]]);
  node.expectEvents();
  node.receive(report);
  assertEquals(node.takeSends().map(({ message }) => message.type), ["confirm"]);
});
