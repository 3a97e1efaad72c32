import { assertEquals } from "@std/assert";
import { VirtualTime } from "../../tests/support/virtual_time.ts";
import { StoreError } from "../errors.ts";
import type { SendRequest } from "../gossip/types.ts";
import { DurableSends } from "./durable_sends.ts";

function request(id: number): SendRequest {
  const to = { name: "n1", address: { host: "192.0.2.1", port: 3505 } };
  return { id, to, message: new Uint8Array(1), timeoutMs: 1_000 };
}

/** What happens, in its order, on a disk that the test fills. */
function bench() {
  const time = new VirtualTime();
  const happened: string[] = [];
  const disk = { unsynced: false, full: false };
  const sends = new DurableSends({
    host: {
      send: ({ id }) => void happened.push(`sent ${id}`),
      setTimer: (delayMs, { type }) => void happened.push(`timer ${type} ${delayMs}`),
      emit: ({ type }) => void happened.push(`event ${type}`),
    },
    store: {
      get unsynced() {
        return disk.unsynced;
      },
      sync: () => {
        if (disk.full) throw new StoreError("the disk is full");
        disk.unsynced = false;
        happened.push("synced");
      },
    },
    timers: time,
    log: { write: (_level, event) => void happened.push(event) },
    failed: (id) => void happened.push(`failed ${id}`),
  });
  return { sends, time, happened, disk };
}

Deno.test("where nothing waits for the disk a message goes at once", () => {
  const { sends, happened, time } = bench();
  sends.send(request(1));
  sends.setTimer(5, { type: "expire", generation: 1 });
  sends.emit({ type: "batch_expired", batchId: "x" });
  assertEquals(happened, ["sent 1", "timer expire 5", "event batch_expired"]);
  assertEquals(time.pending, 0);
});

Deno.test("what relies on unwritten state waits, and one wait is for all of it, in order", async () => {
  const { sends, happened, disk, time } = bench();
  disk.unsynced = true;
  for (const id of [1, 2, 3]) sends.send(request(id));
  assertEquals(happened, []);
  await time.pass(0);
  assertEquals(happened, ["synced", "sent 1", "sent 2", "sent 3"]);
  sends.send(request(4));
  assertEquals(happened.at(-1), "sent 4");
});

Deno.test("where the disk fails nothing of it is sent, and the sends are told as failed", async () => {
  const { sends, happened, disk, time } = bench();
  Object.assign(disk, { unsynced: true, full: true });
  sends.send(request(1));
  sends.send(request(2));
  await time.pass(0);
  assertEquals(happened, ["store_failed", "failed 1", "failed 2"]);
  disk.full = false;
  sends.send(request(3));
  await time.pass(0);
  assertEquals(happened.slice(3), ["synced", "sent 3"]);
});

Deno.test("after its end nothing goes out", async () => {
  const { sends, happened, disk, time } = bench();
  disk.unsynced = true;
  sends.send(request(1));
  sends.close();
  await time.pass(1_000);
  assertEquals([happened, time.pending], [[], 0]);
});
