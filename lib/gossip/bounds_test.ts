import { assert, assertEquals } from "@std/assert";
import {
  batchOf,
  GossipRecorder,
  pushOf,
  referenceOf,
} from "../../tests/support/gossip_recorder.ts";
import { BusyError } from "../errors.ts";
import type { BatchId, GossipMessage } from "./types.ts";

const SUBMISSION = { target: { nodes: ["a"] }, expiresInMs: 0, body: Uint8Array.of(1) };

function reportOf(batchId: BatchId, bytes: number): GossipMessage {
  const body = new Uint8Array(bytes);
  return {
    type: "report",
    from: referenceOf("a"),
    report: { batchId, node: "a", state: "done", passed: true, body },
  };
}

Deno.test("results: the oldest make room, settled ones first", () => {
  const node = new GossipRecorder({ peers: ["a"], settings: { maxCollections: 3 } });
  const ids = [0, 1, 2].map(() => node.machine.submit(SUBMISSION).id);
  node.receive(reportOf(ids[1]!, 1));
  node.takeEvents();
  const fourth = node.machine.submit(SUBMISSION).id;
  const held = () => [...ids, fourth].map((id) => node.machine.progress(id) !== undefined);
  assertEquals(held(), [true, false, true, true]);
  const forgotten = node.takeEvents().filter(({ type }) => type === "results_forgotten");
  assertEquals(forgotten, [{ type: "results_forgotten", batchId: ids[1]! }]);
  node.machine.submit(SUBMISSION);
  assertEquals(held(), [false, false, true, true]);
});

Deno.test("results: their bytes are bounded", () => {
  const node = new GossipRecorder({ peers: ["a"], settings: { maxCollectedBytes: 1_000 } });
  const ids = [0, 1, 2, 3, 4].map(() => node.machine.submit(SUBMISSION).id);
  for (const id of ids) node.receive(reportOf(id, 400));
  assertEquals(node.machine.status().collections, 2);
  // One that is larger than all room is kept while nothing newer comes.
  node.receive(reportOf(node.machine.submit(SUBMISSION).id, 5_000));
  assertEquals(node.machine.status().collections, 1);
});

Deno.test("reports: the oldest are given up when too many wait, by count and by bytes", () => {
  for (const settings of [{ maxReports: 3 }, { maxReportBytes: 3_000 }]) {
    const node = new GossipRecorder({ peers: ["a"], settings });
    for (let number = 0; number < 5; number++) {
      const batch = batchOf("a", number);
      node.receive(pushOf(batch, "a"));
      const body = new Uint8Array(1_000);
      node.machine.report(batch.id, { state: "done", passed: true, body });
    }
    assertEquals(node.machine.status().reports, 3);
    const abandoned = node.takeEvents().flatMap((event) =>
      event.type === "report_abandoned" ? [event.batchId] : []
    );
    assertEquals(abandoned, [batchOf("a", 0).id, batchOf("a", 1).id]);
  }
});

Deno.test("submit: refused while too many young batches are unsettled, old ones do not count", () => {
  const node = new GossipRecorder({ peers: ["a"], settings: { maxUnsettled: 3 } });
  const busy = (): boolean => {
    try {
      node.machine.submit(SUBMISSION);
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
    for (; went < 100; went++) node.machine.submit(SUBMISSION);
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
