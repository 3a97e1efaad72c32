import { assert, assertEquals, assertRejects } from "@std/assert";
import { MemoryNetwork } from "../../tests/support/memory_network.ts";
import { WireError } from "../errors.ts";
import type { ByteStream } from "../runtime.ts";
import { Channel } from "./channel.ts";
import { encodeFrame, readFrame } from "./frames.ts";
import type { SessionSecrets } from "./proof.ts";

const ADDRESS = { host: "127.0.0.1", port: 1 };
const MAX = { maxBytes: 100 };
const SECRETS: SessionSecrets = {
  token: new Uint8Array(32).fill(1),
  clientNonce: new Uint8Array(32).fill(2),
  daemonNonce: new Uint8Array(32).fill(3),
};

/** Both ends of a stream. */
async function pair(): Promise<[ByteStream, ByteStream]> {
  const network = new MemoryNetwork();
  const listener = network.listenStreams(ADDRESS);
  const near = await network.connect(ADDRESS, { timeoutMs: 1_000 });
  const far = await listener.accept();
  assert(far !== undefined);
  return [near, far];
}

/** The frames that `gcheck` sends for these payloads, as they are on the wire. */
async function framesOf(payloads: Uint8Array[], secrets = SECRETS): Promise<Uint8Array[]> {
  const [near, far] = await pair();
  const channel = new Channel(near, { self: "gcheck", secrets });
  const frames: Uint8Array[] = [];
  for (const payload of payloads) {
    await channel.send(payload);
    const frame = await readFrame(far, { maxBytes: 1_000 });
    assert(frame !== undefined);
    frames.push(frame);
  }
  near.close();
  far.close();
  return frames;
}

/** What a daemon makes of these frames, one after another. */
async function receive(frames: Uint8Array[], secrets = SECRETS): Promise<Uint8Array[]> {
  const [near, far] = await pair();
  const channel = new Channel(far, { self: "daemon", secrets });
  try {
    const payloads: Uint8Array[] = [];
    for (const frame of frames) {
      await near.write(encodeFrame(frame));
      const payload = await channel.receive(MAX);
      assert(payload !== undefined);
      payloads.push(payload);
    }
    return payloads;
  } finally {
    near.close();
    far.close();
  }
}

const ONE = new Uint8Array([1, 2, 3]);
const TWO = new Uint8Array([4]);

Deno.test("payloads pass as they were sent, sealed and bare, in both directions", async () => {
  assertEquals(await receive(await framesOf([ONE, TWO, new Uint8Array(0)])), [
    ONE,
    TWO,
    new Uint8Array(0),
  ]);
  for (const sealed of [{}, { secrets: SECRETS }]) {
    const [near, far] = await pair();
    const gcheck = new Channel(near, { self: "gcheck", ...sealed });
    const daemon = new Channel(far, { self: "daemon", ...sealed });
    await gcheck.send(ONE);
    assertEquals(await daemon.receive(MAX), ONE);
    for (const payload of [TWO, ONE]) {
      await daemon.send(payload);
      assertEquals(await gcheck.receive(MAX), payload);
    }
    far.close();
    assertEquals(await gcheck.receive(MAX), undefined);
    near.close();
  }
});

Deno.test("a sealed frame with any byte changed, cut, added, repeated or moved is refused", async () => {
  const [first, second] = await framesOf([ONE, TWO]);
  assert(first !== undefined && second !== undefined);
  const wrong: [string, Uint8Array[]][] = [
    ["repeated", [first, first]],
    ["left out", [second]],
    ["swapped", [second, first]],
    ["cut", [first.subarray(0, -1)]],
    ["longer", [new Uint8Array([...first, 0])]],
    ["no code at all", [ONE]],
    ["empty", [new Uint8Array(0)]],
  ];
  for (let at = 0; at < first.length; at++) {
    const changed = first.slice();
    changed[at] = (changed[at] ?? 0) ^ 0x80;
    wrong.push([`byte ${at} changed`, [changed]]);
  }
  for (const [what, frames] of wrong) {
    const error = await assertRejects(() => receive(frames), WireError);
    assertEquals(error.reason, "bad_checksum", what);
  }
});

Deno.test("a frame of another connection, of another token or of the other end is refused", async () => {
  const others: Partial<SessionSecrets>[] = [
    { token: new Uint8Array(32) },
    { clientNonce: SECRETS.daemonNonce },
    { daemonNonce: SECRETS.clientNonce },
  ];
  for (const other of others) {
    const frames = await framesOf([ONE], { ...SECRETS, ...other });
    await assertRejects(() => receive(frames), WireError, "changed on its way");
  }
  const [near, far] = await pair();
  await new Channel(near, { self: "gcheck", secrets: SECRETS }).send(ONE);
  const reflected = new Channel(far, { self: "gcheck", secrets: SECRETS });
  await assertRejects(() => reflected.receive(MAX), WireError, "changed on its way");
  near.close();
  far.close();
});

Deno.test("the bound is on the payload: its code comes on top", async () => {
  const largest = new Uint8Array(MAX.maxBytes);
  assertEquals(await receive(await framesOf([largest])), [largest]);
  const error = await assertRejects(
    async () => await receive(await framesOf([new Uint8Array(MAX.maxBytes + 1)])),
    WireError,
  );
  assertEquals(error.reason, "too_large");
});
