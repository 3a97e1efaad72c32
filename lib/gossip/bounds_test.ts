import type { BatchId } from "../batch/id.ts";
import { assert, assertEquals } from "@std/assert";
import {
  batchOf,
  GossipRecorder,
  pushOf,
  referenceOf,
} from "../../tests/support/gossip_recorder.ts";
import { BusyError } from "../errors.ts";
import type { GossipMessage } from "./messages.ts";

const SUBMISSION = { target: { nodes: ["a"] }, expiresInMs: 0 };

function reportOf(batchId: BatchId, bytes: number): GossipMessage {
  const report = new Uint8Array(bytes);
  return {
    type: "report",
    from: referenceOf("a"),
    report: { batchId, node: "a", state: "done", passed: true, report },
  };
}

Deno.test("results: the oldest make room, settled ones first", () => {
  const node = new GossipRecorder({ peers: ["a"], settings: { maxCollections: 3 } });
  const ids = [0, 1, 2].map(() => node.submit(SUBMISSION).id);
  node.receive(reportOf(ids[1]!, 1));
  node.takeEvents();
  const fourth = node.submit(SUBMISSION).id;
  const held = () => [...ids, fourth].map((id) => node.machine.progress(id) !== undefined);
  assertEquals(held(), [true, false, true, true]);
  const forgotten = node.takeEvents().filter(({ type }) => type === "results_forgotten");
  assertEquals(forgotten, [{ type: "results_forgotten", batchId: ids[1]! }]);
  node.submit(SUBMISSION);
  assertEquals(held(), [false, false, true, true]);
  assertEquals(node.machine.status().forgottenCollections, 2);
});

Deno.test("results: their bytes are bounded", () => {
  const node = new GossipRecorder({ peers: ["a"], settings: { maxCollectedBytes: 1_000 } });
  const ids = [0, 1, 2, 3, 4].map(() => node.submit(SUBMISSION).id);
  for (const id of ids) node.receive(reportOf(id, 400));
  assertEquals(node.machine.status().collections, 2);
  // One that is larger than all room is kept while nothing newer comes.
  node.receive(reportOf(node.submit(SUBMISSION).id, 5_000));
  assertEquals(node.machine.status().collections, 1);
});

Deno.test("reports: the oldest are given up when too many wait, by count and by bytes", () => {
  for (const settings of [{ maxReports: 3 }, { maxReportBytes: 3_000 }]) {
    const node = new GossipRecorder({ peers: ["a"], settings });
    for (let number = 0; number < 5; number++) {
      const batch = batchOf("a", { number });
      node.receive(pushOf(batch, "a"));
      const report = new Uint8Array(1_000);
      node.machine.report(batch.id, { state: "done", passed: true, report });
    }
    assertEquals(node.machine.status().reports, 3);
    const abandoned = node.takeEvents().flatMap((event) =>
      event.type === "report_abandoned" ? [event.batchId] : []
    );
    assertEquals(abandoned, [batchOf("a", { number: 0 }).id, batchOf("a", { number: 1 }).id]);
  }
});

Deno.test("submit: refused while too many young batches are unsettled, old ones do not count", () => {
  const node = new GossipRecorder({ peers: ["a"], settings: { maxUnsettled: 3 } });
  const busy = (): boolean => {
    try {
      node.submit(SUBMISSION);
      return false;
    } catch (error) {
      assert(error instanceof BusyError);
      return true;
    }
  };
  assertEquals([busy(), busy(), busy(), busy()], [false, false, false, true]);
  const id = node.machine.batches()[0]!.id;
  node.receive(reportOf(id, 1));
  assertEquals([busy(), busy()], [false, true]);
  node.nowMs += 60_001;
  assertEquals(busy(), false);
});

Deno.test("submit: refused while the sends pile up", () => {
  const node = new GossipRecorder({
    peers: ["a"],
    settings: { maxSendsPerPeer: 1, maxQueuedSends: 10 },
  });
  let went = 0;
  try {
    for (; went < 100; went++) node.submit(SUBMISSION);
  } catch (error) {
    assert(error instanceof BusyError);
  }
  assertEquals(went, 7);
});

Deno.test("asking: a member that tells of batches that there are not costs little", () => {
  const node = new GossipRecorder({ peers: ["a", "b"] });
  const encode = (number: number) => `01ARZ3NDEKTSV4RRFFQ6${`${number}`.padStart(6, "0")}`;
  const from = (name: string, first: number): GossipMessage => ({
    ...{ type: "digest", from: referenceOf(name), wantsReply: false, cancelled: [] },
    ids: Array.from({ length: 20_000 }, (_, index) => encode(first + index)),
  });
  node.receive(from("a", 0));
  node.receive(from("a", 20_000));
  assertEquals(node.takeSends().length, 1);
  // And once it has not answered in time, others are heard again.
  node.nowMs += 5_000;
  node.receive(from("b", 40_000));
  assertEquals(node.takeSends().map(({ to }) => to), ["b"]);
});

Deno.test("an origin issues so many batches a second, and says so when it must wait", () => {
  const settings = { originBurst: 5, originBatchesPerSecond: 10 };
  const node = new GossipRecorder({ peers: ["a"], settings });
  const submit = () => {
    try {
      node.submit(SUBMISSION);
      return true;
    } catch (error) {
      assert(error instanceof BusyError, String(error));
      return false;
    }
  };
  const went = (tries: number) => Array.from({ length: tries }, submit).filter(Boolean).length;
  assertEquals(went(20), 5);
  node.nowMs += 300;
  assertEquals(went(20), 3);
  node.nowMs += 60_000;
  assertEquals(went(20), 5);
});

Deno.test("more batches a second than an origin may send are refused, said and counted", () => {
  const settings = { originBurst: 5, originBatchesPerSecond: 10, maxBatches: 7 };
  const node = new GossipRecorder({ peers: ["a", "b"], settings });
  let number = 0;
  const push = (origin: string, count: number) => {
    for (let each = 0; each < count; each++) {
      node.receive(pushOf(batchOf(origin, { number: number++ }), "b"));
    }
    const types = node.takeEvents().map(({ type }) => type);
    return ["batch_accepted", "batch_refused", "dropped"].map((type) =>
      types.filter((each) => each === type).length
    );
  };
  // Twice what an origin lets go, and no less than all that is remembered.
  assertEquals(push("a", 12), [10, 2, 2]);
  assertEquals(push("b", 1), [1, 0, 0], "others have their own share");
  node.nowMs += 250;
  assertEquals(push("a", 12), [5, 7, 7]);
  // Names that nobody knows share one.
  assertEquals(push("made-up", 8), [8, 0, 0]);
  assertEquals(push("another", 8), [2, 6, 6]);
  node.nowMs += 10_000;
  node.takeSends();
  const refused = batchOf("a", { number: 11 });
  node.receive(pushOf(refused, "b"));
  node.expectEvents("batch_accepted");
});

Deno.test("forged batches use up nobody's share", () => {
  let reason: string | undefined = "not signed";
  const node = new GossipRecorder({
    peers: ["a", "b"],
    settings: { originBurst: 1, maxBatches: 1 },
    machine: { admit: () => reason },
  });
  for (let number = 0; number < 20; number++) node.receive(pushOf(batchOf("a", { number }), "b"));
  node.takeEvents();
  reason = undefined;
  node.receive(pushOf(batchOf("a", { number: 99 }), "b"));
  node.expectEvents("batch_accepted");
});
