import { assert, assertEquals } from "@std/assert";
import { settle } from "../../tests/support/virtual_time.ts";
import { encodeResults } from "../checks/codec.ts";
import type { CheckResult } from "../checks/check.ts";
import type { Reply, Request } from "../client/protocol.ts";
import type { Batch, MemberProgress, Submission } from "../gossip/types.ts";
import { decodeKeyOperation } from "../batch/key_operation.ts";
import { MemoryBatchStore } from "../journal/batch_store.ts";
import { DaemonService } from "./desk.ts";
import type { MembershipPeers } from "../node/membership_peers.ts";

const KEY = new Uint8Array(16).fill(7);
const DONE: CheckResult = { check: "(keys)", outcome: { status: "pass" }, durationMs: 0 };

/** A daemon alone, whose only batch the test moves along by hand. */
function bench(refusal?: string) {
  const submitted: Submission[] = [];
  const known: Batch[] = [];
  const progress = new Map<string, MemberProgress>([["me", { state: "pending" }]]);
  const service = new DaemonService({
    members: { self: () => ({ name: "me" }), members: () => [] } as never,
    peers: {} as MembershipPeers,
    store: new MemoryBatchStore(),
    keys: { refusal: () => refusal },
    batches: {
      submit: (submission) => {
        submitted.push(submission);
        const origin = { name: "me", address: { host: "192.0.2.1", port: 3505 } };
        const rest = { issuedAtMs: 5, expiresAtMs: 5, held: false, signature: new Uint8Array() };
        known.push({ id: "batch", origin, ...submission, ...rest });
        return known[0] as Batch;
      },
      cancel: () => false,
      isCancelled: () => false,
      collections: () => [],
      collection: () => undefined,
      batches: () => known,
      batch: () => known[0],
      progress: () => progress,
    },
  });
  const finish = () => {
    progress.set("me", { state: "done", passed: true, body: encodeResults([DONE]) });
    service.notice({ type: "progress", batchId: "batch", node: "me", progress: DONE as never });
    service.notice({ type: "batch_settled", batchId: "batch" });
  };
  const ask = async (request: Request) => {
    const replies: Reply[] = [];
    for await (const reply of service.handle(request, new AbortController().signal)) {
      replies.push(reply);
    }
    return replies;
  };
  return { ask, finish, submitted };
}

Deno.test("an operation on keys goes to every member, for a short time, and is followed", async () => {
  const { ask, finish, submitted } = bench();
  const request: Request = { type: "keys", operation: { type: "install", key: KEY } };
  const asked = ask(request);
  await settle();
  const [{ target, expiresInMs, body }] = submitted as [Submission];
  assertEquals([target, expiresInMs], [{}, 600_000]);
  assertEquals(decodeKeyOperation(body), request.operation);
  finish();
  const replies = await asked;
  assertEquals(replies.map(({ type }) => type), ["accepted", "state", "progress", "settled"]);
  const [listed] = await ask({ type: "batches" });
  assertEquals(listed?.type === "batches" && listed.batches[0]?.checks, ["(keys)"]);
  assert(!JSON.stringify([replies, listed]).includes([...KEY].join(",")));
});

Deno.test("without encryption an operation on keys is refused before anything is sent", async () => {
  const { ask, submitted } = bench("there are no keys");
  assertEquals(await ask({ type: "keys", operation: { type: "list" } }), [
    { type: "error", code: "bad_request", message: "there are no keys" },
  ]);
  assertEquals(submitted, []);
});
