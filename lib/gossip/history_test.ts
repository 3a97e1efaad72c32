import { assert, assertEquals } from "@std/assert";
import { makeBatch } from "../../tests/support/batches.ts";
import { History } from "./history.ts";
import { type BatchId, idFromBytes } from "../batch/id.ts";
import type { Batch } from "../batch/batch.ts";
import { SeenIds } from "./seen_ids.ts";

/** The id of that number; the last four bytes hold it. */
function idOf(number: number): BatchId {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(12, number);
  return idFromBytes(bytes);
}

function batchOf(number: number, options: { lifeMs?: number; bytes?: number } = {}): Batch {
  return makeBatch({
    id: idOf(number),
    expiresAtMs: options.lifeMs === undefined ? 0 : 1_000 + options.lifeMs,
    body: new Uint8Array(options.bytes ?? 1),
  });
}

function makeHistory(options: { maxIds?: number; maxBatches?: number; maxBytes?: number } = {}) {
  const time = { nowMs: 0 };
  const history = new History({
    ...{ maxIds: 100, maxBatches: 10, maxBytes: 1e6, seed: 1, ...options },
    clock: { nowMs: () => time.nowMs, wallMs: () => 0 },
  });
  const keep = (batch: Batch, ageMs = 0) =>
    history.keep({ batch, ageMs }, { cancelled: false, released: false });
  return { time, history, keep };
}

Deno.test("ids: behaves as a set that forgets the oldest, at every size and seed", () => {
  for (const maxIds of [1, 2, 3, 64, 100, 1_000]) {
    const seen = new SeenIds({ maxIds, seed: maxIds * 7919 });
    const model: number[] = [];
    for (let step = 0; step < 3_000; step++) {
      const number = (step * 7_919) % (maxIds * 3);
      const known = model.includes(number);
      assertEquals(seen.has(idOf(number)), known);
      assertEquals(seen.add(idOf(number)), !known);
      if (!known) model.push(number);
      if (model.length > maxIds) model.shift();
      assertEquals(seen.size, model.length);
    }
    assertEquals([...seen.ids()], model.map(idOf));
  }
});

Deno.test("ids: those that fall together in the table are told apart and forgotten right", () => {
  // Whatever the hash, 100 ids in a table of 256 slots collide; forgetting must close the gaps.
  for (let seed = 0; seed < 50; seed++) {
    const seen = new SeenIds({ maxIds: 100, seed });
    for (let number = 0; number < 1_000; number++) seen.add(idOf(number));
    for (let number = 0; number < 1_000; number++) {
      assertEquals(seen.has(idOf(number)), number >= 900, `seed ${seed} id ${number}`);
    }
  }
});

Deno.test("batches: the newest by count and by bytes are whole, all ids are known", () => {
  const { history, keep } = makeHistory({ maxBatches: 3 });
  for (let number = 0; number < 5; number++) keep(batchOf(number));
  assertEquals(history.newestFirst().map(({ batch }) => batch.id), [4, 3, 2].map(idOf));
  assertEquals([history.batchCount, history.idCount], [3, 5]);
  assert(history.hasSeen(idOf(0)) && history.whole(idOf(0)) === undefined);
  assert(!history.hasSeen(idOf(9)));

  const small = makeHistory({ maxBytes: 5_000 });
  for (let number = 0; number < 5; number++) small.keep(batchOf(number, { bytes: 2_000 }));
  assertEquals(small.history.newestFirst().map(({ batch }) => batch.id), [4].map(idOf));
  small.keep(batchOf(6, { bytes: 9_000 }));
  assertEquals(small.history.newestFirst().map(({ batch }) => batch.id), [6].map(idOf));
  small.history.drop(idOf(6));
  assertEquals([small.history.batchCount, small.history.batchBytes], [0, 0]);
  assert(small.history.hasSeen(idOf(6)));
});

Deno.test("batches: age counts from issue and ends them; the id stays", () => {
  const { time, history, keep } = makeHistory();
  time.nowMs = 50_000;
  keep(batchOf(1, { lifeMs: 10_000 }), 4_000);
  keep(batchOf(2));
  time.nowMs += 5_999;
  assertEquals(history.ageMs(history.whole(idOf(1))!), 9_999);
  assertEquals(history.expire(), []);
  time.nowMs += 1;
  assertEquals(history.whole(idOf(1)), undefined);
  assertEquals(history.newestFirst().map(({ batch }) => batch.id), [idOf(2)]);
  assertEquals(history.expire(), [idOf(1)]);
  assertEquals(history.expire(), []);
  assert(history.hasSeen(idOf(1)));
  time.nowMs += 1e12;
  assertEquals(history.expire(), []);
});

Deno.test("batches: one that is older than the ids that are remembered is still known", () => {
  const { history, keep } = makeHistory({ maxIds: 2 });
  for (let number = 0; number < 5; number++) keep(batchOf(number));
  assert(history.hasSeen(idOf(0)));
});

Deno.test("it is crowded while one more batch would push out a young one", () => {
  const { time, history, keep } = makeHistory({ maxBatches: 2, maxBytes: 2_000 });
  keep(batchOf(1));
  assert(!history.isCrowded(100));
  keep(batchOf(2, { lifeMs: 1_000 }));
  assert(history.isCrowded(100));
  time.nowMs = 100;
  assert(!history.isCrowded(100), "old enough to go");
  keep(batchOf(3, { bytes: 2_000 }), 50);
  assertEquals(history.batchCount, 1);
  assert(history.isCrowded(100), "by its bytes");
  history.drop(idOf(3));
  assert(!history.isCrowded(100));
});
