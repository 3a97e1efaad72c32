/** Times what runs on every message and every period. Run with `deno task bench`. @module */
import { makeBatch } from "../../tests/support/batches.ts";
import { concat } from "@std/bytes";
import { Envelope } from "../wire/envelope.ts";
import { Keyring } from "../wire/keyring.ts";
import { decodeGossip, encodeGossip } from "./codec.ts";
import { History } from "./history.ts";
import { type BatchId, idFromBytes } from "../batch/id.ts";
import type { DigestMessage } from "./messages.ts";
import { encodeLinkHeader, type LinkHeader } from "../link/header.ts";
import { SeenIds } from "./seen_ids.ts";

function idOf(number: number): BatchId {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, Math.imul(number, 0x9e37_79b9));
  view.setUint32(12, number);
  return idFromBytes(bytes);
}

const from = { name: "node-1", address: { host: "10.0.0.1", port: 3505 } };
const batch = makeBatch({
  id: idOf(1),
  origin: from,
  target: { tags: [{ key: "role", equal: true, value: "web" }] },
  body: new Uint8Array(2_000),
});

for (const count of [2_000, 20_000]) {
  const ids = Array.from({ length: count }, (_, index) => idOf(index));
  const digest: DigestMessage = { type: "digest", from, wantsReply: false, ids, cancelled: [] };
  const bytes = encodeGossip(digest);
  Deno.bench(`encode a digest of ${count} ids`, { group: `digest ${count}` }, () => {
    encodeGossip(digest);
  });
  Deno.bench(`decode a digest of ${count} ids`, { group: `digest ${count}` }, () => {
    decodeGossip(bytes);
  });
}

const push = { type: "batch", from, asked: false, copies: [{ batch, ageMs: 5 }] } as const;
const pushed = encodeGossip(push);
Deno.bench("encode a batch of 2 kB", { group: "batch" }, () => {
  encodeGossip(push);
});
Deno.bench("decode a batch of 2 kB", { group: "batch" }, () => {
  decodeGossip(pushed);
});

const keyring = new Keyring({ keys: [new Uint8Array(32)] });
const random = { next: () => 0, bytes: (length: number) => new Uint8Array(length) };
const envelope = new Envelope({ label: "", keyring, random, compress: false });
const header: LinkHeader = {
  kind: "message",
  toSession: "0123456789abcdef",
  from: from.name,
  fromSession: "fedcba9876543210",
  sequence: 1,
};
for (const bytes of [2_000, 2 * 1024 * 1024]) {
  const message = encodeGossip({
    ...push,
    copies: [{ batch: makeBatch({ body: new Uint8Array(bytes) }), ageMs: 5 }],
  });
  const group = `fan-out of ${bytes} bytes`;
  Deno.bench(`seal once what goes to five`, { group }, () => {
    envelope.sealStream({ type: "user", payload: message });
  });
  Deno.bench(`bind and seal for each of five`, { group }, () => {
    for (let sequence = 1; sequence <= 5; sequence++) {
      const payload = concat([encodeLinkHeader({ ...header, sequence }), message]);
      envelope.sealStream({ type: "user", payload });
    }
  });
}

const full = new SeenIds({ maxIds: 1_000_000, seed: 1 });
for (let number = 0; number < 1_000_000; number++) full.add(idOf(number));
const numbers = { next: 1_000_000 };
Deno.bench("look up an id among a million", { group: "history" }, () => {
  full.has(batch.id);
});
Deno.bench("add an id to a full million", { group: "history" }, () => {
  full.add(idOf(numbers.next++));
});

const history = new History({
  ...{ maxIds: 1_000_000, maxBatches: 2_000, maxBytes: 2 ** 30, seed: 1 },
  clock: { nowMs: () => 0, wallMs: () => 0 },
});
const flags = { cancelled: false, released: false };
Deno.bench("keep a batch in a full history", { group: "history" }, () => {
  history.keep({ batch: { ...batch, id: idOf(numbers.next++) }, ageMs: 0 }, flags);
});
Deno.bench("list a full history", { group: "history" }, () => {
  history.newestFirst();
});
