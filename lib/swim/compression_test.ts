import { assert, assertEquals, assertGreater } from "@std/assert";
import {
  addressOf,
  aliveOf,
  nodeOf,
  pushPullOf,
  Recorder,
} from "../../tests/support/world_recorder.ts";
import type { Address } from "../runtime.ts";
import { Envelope } from "../wire/envelope.ts";
import { MESSAGE_TYPE } from "../wire/messages.ts";
import { encodeMeta } from "./meta.ts";

const OURS = encodeMeta(new Map());

/** Compresses where it is told to, and remembers in order what came out compressed. */
class WatchedEnvelope extends Envelope {
  readonly packets: boolean[] = [];
  readonly streams: boolean[] = [];

  constructor() {
    const random = { next: () => 0.5, bytes: (length: number) => new Uint8Array(length) };
    super({ label: "", keyring: undefined, random, compress: true });
  }

  override sealPacket(...call: Parameters<Envelope["sealPacket"]>): Uint8Array<ArrayBuffer> {
    const packet = super.sealPacket(...call);
    // A CRC stands in front of what goes to members of the newest protocol.
    const at = packet[0] === MESSAGE_TYPE.hasCrc ? 5 : 0;
    this.packets.push(packet[at] === MESSAGE_TYPE.compress);
    return packet;
  }

  override sealStream(...call: Parameters<Envelope["sealStream"]>): Uint8Array<ArrayBuffer> {
    const bytes = super.sealStream(...call);
    this.streams.push(bytes[0] === MESSAGE_TYPE.compress);
    return bytes;
  }
}

/** Peers with an even number are ours. */
const isOurs = ({ host }: Address) => Number(host.split(".")[3]) % 2 === 0;

/** A machine that knows ten of ours and ten that are foreign, and has news of all. */
function cluster() {
  const envelope = new WatchedEnvelope();
  const recorder = new Recorder({ envelope });
  recorder.machine.start();
  for (let number = 1; number <= 20; number++) {
    recorder.hear(number, aliveOf(number, isOurs(addressOf(number)) ? { meta: OURS } : {}));
  }
  return { envelope, recorder };
}

Deno.test("packets are compressed for foreign members, and never among ours", () => {
  const { envelope, recorder } = cluster();
  recorder.pass(1_000);
  assertEquals(envelope.packets.length, recorder.packets.length);
  const compressed = (ours: boolean) =>
    envelope.packets.filter((_, index) => isOurs(recorder.packets[index]!.to) === ours);
  assertGreater(compressed(true).length, 0);
  assert(!compressed(true).includes(true));
  assert(compressed(false).includes(true));
});

Deno.test("a full state is compressed for foreign members, and never among ours", () => {
  const { envelope, recorder } = cluster();
  recorder.clear();
  for (let round = 0; round < 40; round++) recorder.passAnswered(30_000);
  const compressedFor = new Map<boolean, Set<boolean>>();
  const opened = recorder.exchanges.map(({ exchange }) => exchange);
  assertEquals(envelope.streams.length, opened.length);
  opened.forEach(({ purpose, to }, index) => {
    if (purpose !== "push_pull") return;
    const seen = compressedFor.get(isOurs(to)) ?? new Set();
    compressedFor.set(isOurs(to), seen.add(envelope.streams[index] === true));
  });
  assertEquals(compressedFor.get(true), new Set([false]));
  assertEquals(compressedFor.get(false), new Set([true]));
});

Deno.test("a full state is answered as it was asked for: compressed or not", () => {
  const { recorder } = cluster();
  for (const compresses of [true, false]) {
    const from = { ...addressOf(1), port: 51_000, compresses };
    const reply = recorder.machine.receiveStream(from, pushPullOf([nodeOf(1)]));
    assertEquals(reply?.[0] === MESSAGE_TYPE.compress, compresses);
  }
});
