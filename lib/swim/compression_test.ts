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

const GOSSIPCHECK = encodeMeta(new Map());

/** Records, in order, which packets and stream messages are compressed. */
class WatchedEnvelope extends Envelope {
  readonly packets: boolean[] = [];
  readonly streams: boolean[] = [];

  constructor() {
    const random = { next: () => 0.5, bytes: (length: number) => new Uint8Array(length) };
    super({ label: "", keyring: undefined, random, compress: true });
  }

  override sealPacket(...call: Parameters<Envelope["sealPacket"]>): Uint8Array<ArrayBuffer> {
    const packet = super.sealPacket(...call);
    // Packets to members with protocol version 5 begin with a CRC.
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

/** Peers with an even number run gossipcheck. */
const runsGossipcheck = ({ host }: Address) => Number(host.split(".")[3]) % 2 === 0;

/** A machine with broadcasts about ten peers that run gossipcheck and ten that do not. */
function cluster() {
  const envelope = new WatchedEnvelope();
  const recorder = new Recorder({ envelope });
  recorder.machine.start();
  for (let number = 1; number <= 20; number++) {
    recorder.hear(
      number,
      aliveOf(number, runsGossipcheck(addressOf(number)) ? { meta: GOSSIPCHECK } : {}),
    );
  }
  return { envelope, recorder };
}

Deno.test("packets are compressed to members that do not run gossipcheck, and to no others", () => {
  const { envelope, recorder } = cluster();
  recorder.pass(1_000);
  assertEquals(envelope.packets.length, recorder.packets.length);
  const compressed = (gossipcheck: boolean) =>
    envelope.packets.filter((_, index) =>
      runsGossipcheck(recorder.packets[index]!.to) === gossipcheck
    );
  assertGreater(compressed(true).length, 0);
  assert(!compressed(true).includes(true));
  assert(compressed(false).includes(true));
});

Deno.test("push/pulls are compressed to members that do not run gossipcheck, and to no others", () => {
  const { envelope, recorder } = cluster();
  recorder.clear();
  for (let round = 0; round < 40; round++) recorder.passAnswered(30_000);
  const compressedFor = new Map<boolean, Set<boolean>>();
  const opened = recorder.exchanges.map(({ exchange }) => exchange);
  assertEquals(envelope.streams.length, opened.length);
  opened.forEach(({ purpose, to }, index) => {
    if (purpose !== "push_pull") return;
    const seen = compressedFor.get(runsGossipcheck(to)) ?? new Set();
    compressedFor.set(runsGossipcheck(to), seen.add(envelope.streams[index] === true));
  });
  assertEquals(compressedFor.get(true), new Set([false]));
  assertEquals(compressedFor.get(false), new Set([true]));
});

Deno.test("the reply to a push/pull is compressed if the request was", () => {
  const { recorder } = cluster();
  for (const compresses of [true, false]) {
    const from = { ...addressOf(1), port: 51_000, compresses };
    const reply = recorder.machine.receiveStream(from, pushPullOf([nodeOf(1)]));
    assertEquals(reply?.[0] === MESSAGE_TYPE.compress, compresses);
  }
});
