import { assert, assertEquals } from "@std/assert";
import { testId } from "../../tests/support/batches.ts";
import { MemoryNetwork } from "../../tests/support/memory_network.ts";
import { settle, VirtualTime } from "../../tests/support/virtual_time.ts";
import { StoreError } from "../errors.ts";
import type { DurableRecord, Peer } from "../gossip/types.ts";
import type { Recorded } from "../journal/batch_store.ts";
import { newSession } from "../link/header.ts";
import { Envelope } from "../wire/envelope.ts";
import { Drops } from "./drops.ts";
import { GossipHost } from "./gossip_host.ts";

const AT = { host: "127.0.0.1", port: 7000 };
const RECORD: DurableRecord = { type: "cancelled", batchId: testId(1) };

const random = { next: () => 0.5, bytes: (length: number) => new Uint8Array(length) };

/** A host whose journal answers when the test says so, with what reaches the machine in its order. */
function bench() {
  const time = new VirtualTime();
  const network = new MemoryNetwork();
  const happened: string[] = [];
  const kept: { readonly record: unknown; readonly done: Recorded | undefined }[] = [];
  const session = newSession(random);
  const peer = (name: string): Peer => ({
    ...{ name, address: AT, state: "alive", runsGossipcheck: true, tags: new Map(), session },
  });
  const host = new GossipHost({
    ...{ network, timers: time, clock: time, random, session },
    envelope: new Envelope({ label: "", keyring: undefined, random, compress: false }),
    drops: new Drops({ log: { write() {} }, timers: time }),
    peers: { self: peer("me"), peers: () => [], peer },
    members: { sendUserPacket: () => true, streamWorked() {}, streamFailed() {} },
    machine: {
      fire: ({ type }) => happened.push(`timer ${type}`),
      sent: (id, ok) => happened.push(`sent ${id} ${ok}`),
      persisted: (token, failure) => happened.push(`persisted ${token} ${failure ?? "durable"}`),
      receive() {},
    },
    store: { keep: (record, done) => void kept.push({ record, done }) },
    onEvent: ({ type }) => happened.push(`event ${type}`),
    onSession() {},
  });
  return { host, time, network, happened, kept };
}

Deno.test("the journal's answer to a record reaches the machine with the record's token", () => {
  const { host, happened, kept } = bench();
  host.persist(RECORD, 7);
  host.persist(RECORD, 8);
  assertEquals(kept.map(({ record }) => record), [RECORD, RECORD]);
  assertEquals(happened, []);
  kept[0]?.done?.(undefined);
  kept[1]?.done?.(new StoreError("the disk is full"));
  assertEquals(happened, ["persisted 7 durable", "persisted 8 the disk is full"]);
});

Deno.test("a record that the machine does not wait for is not waited for", () => {
  const { host, kept } = bench();
  host.persist(RECORD, undefined);
  assertEquals(kept, [{ record: RECORD, done: undefined }]);
});

Deno.test("sends, timers and events do not wait for the journal", async () => {
  const { host, happened, network, time } = bench();
  const listener = network.listenStreams(AT);
  host.persist(RECORD, 1);
  const to = { name: "n1", address: AT };
  host.send({ id: 1, to, message: new Uint8Array(1), timeoutMs: 1_000 });
  host.setTimer(5, { type: "expire", generation: 1 });
  host.emit({ type: "batch_expired", batchId: testId(1) });
  const stream = await listener.accept();
  assert(await stream?.read(new Uint8Array(100)) !== undefined);
  await time.pass(5);
  assertEquals(happened, ["event batch_expired", "timer expire"]);
  host.close();
  listener.close();
  stream?.close();
  await settle();
});

Deno.test("after close no answer of the journal reaches the machine", () => {
  const { host, happened, kept } = bench();
  host.persist(RECORD, 1);
  host.close();
  kept[0]?.done?.(undefined);
  assertEquals(happened, []);
});
