/**
 * One or more of every message between nodes, for round trips, truncation and mutation.
 * @module
 */
import type { Batch } from "../../lib/batch/batch.ts";
import type { GossipMessage } from "../../lib/gossip/messages.ts";
import { makeBatch } from "./batches.ts";

const FROM = { name: "node-ü", address: { host: "10.0.0.7", port: 3505 } };
const IDS = ["01ARZ3NDEKTSV4RRFFQ69G5FAV", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"];
const [ID, OTHER_ID] = IDS as [string, string];
/** A batch with everything that one may have. */
export const BATCH: Batch = makeBatch({
  id: ID,
  origin: { name: "origin", address: { host: "fe80::1", port: 65_535 } },
  issuedAtMs: 1_735_689_600_123,
  expiresAtMs: 1_735_693_200_123,
  target: { tags: [{ key: "zone", equal: false, value: "" }], nodes: ["web-*", "b"] },
  held: true,
  body: Uint8Array.of(1, 2, 3),
  signature: Uint8Array.of(9),
});
/** A batch with nothing that one may leave out. */
export const PLAIN: Batch = makeBatch({ id: OTHER_ID, origin: BATCH.origin, expiresAtMs: 0 });

/** One or more of each; a type without a sample does not compile. */
export const GOSSIP_SAMPLES: {
  [T in GossipMessage["type"]]: Extract<GossipMessage, { type: T }>[];
} = {
  batch: [
    { type: "batch", from: FROM, asked: false, copies: [{ batch: BATCH, ageMs: 0 }] },
    {
      ...{ type: "batch", from: FROM, asked: true },
      copies: [{ batch: BATCH, ageMs: 2 ** 40 }, { batch: PLAIN, ageMs: 7 }],
    },
  ],
  digest: [
    { type: "digest", from: FROM, wantsReply: true, ids: [], cancelled: [] },
    { type: "digest", from: FROM, wantsReply: false, ids: IDS, cancelled: [OTHER_ID] },
  ],
  want: [{ type: "want", from: FROM, ids: IDS }],
  report: [
    {
      ...{ type: "report", from: FROM },
      report: {
        batchId: ID,
        node: "x",
        state: "done",
        passed: true,
        report: Uint8Array.of(0, 255),
      },
    },
    {
      ...{ type: "report", from: FROM },
      report: {
        batchId: ID,
        node: "x",
        state: "running",
        passed: false,
        report: new Uint8Array(0),
      },
    },
  ],
  confirm: [{ type: "confirm", from: FROM, batchId: ID, node: "x", state: "done" }],
  start: [{ type: "start", from: FROM, batchId: ID }],
  relay: [{ type: "relay", from: FROM, to: BATCH.origin, message: Uint8Array.of(1) }],
  relayed: [{ type: "relayed", from: FROM, message: Uint8Array.of(1) }],
  cancel: [{ type: "cancel", from: FROM, batchId: ID }],
};
