import { SAMPLES } from "../../tests/support/wire_samples.ts";
import { decodePacketMessage, encodeMessage } from "./codec.ts";
import { Envelope, type EnvelopeOptions } from "./envelope.ts";
import { StreamReader } from "./stream_reader.ts";
import { Keyring } from "./keyring.ts";

function envelope(options: Partial<EnvelopeOptions> = {}): Envelope {
  return new Envelope({
    label: "",
    keyring: undefined,
    random: { next: () => 0, bytes: (length) => new Uint8Array(length) },
    compress: false,
    ...options,
  });
}

const PING = SAMPLES.ping[2]!;
const ALIVE = SAMPLES.alive[0]!;
const PING_BYTES = encodeMessage(PING);
const ALIVE_BYTES = encodeMessage(ALIVE);

Deno.bench("encode a ping", { group: "codec" }, () => void encodeMessage(PING));
Deno.bench("encode an alive", { group: "codec" }, () => void encodeMessage(ALIVE));
Deno.bench("decode a ping", { group: "codec" }, () => void decodePacketMessage(PING_BYTES));
Deno.bench("decode an alive", { group: "codec" }, () => void decodePacketMessage(ALIVE_BYTES));

/** A full gossip packet. */
const PARTS = [PING_BYTES, ...Array<Uint8Array>(12).fill(ALIVE_BYTES)];
const key = (size: number) => new Keyring({ keys: [new Uint8Array(size).fill(1)] });
const ENVELOPES: Readonly<Record<string, Envelope>> = {
  plain: envelope(),
  labelled: envelope({ label: "cluster" }),
  compressed: envelope({ compress: true }),
  "AES-128": envelope({ keyring: key(16) }),
  "AES-192": envelope({ keyring: key(24) }),
  "AES-256": envelope({ keyring: key(32) }),
};

for (const [name, sealer] of Object.entries(ENVELOPES)) {
  const packet = sealer.sealPacket(PARTS, { crc: true });
  Deno.bench(`seal 13 messages, ${name}`, { group: "seal" }, () => {
    sealer.sealPacket(PARTS, { crc: true });
  });
  Deno.bench(`open 13 messages, ${name}`, { group: "open" }, () => void sealer.openPacket(packet));
}

const STATE = {
  type: "pushPull",
  join: false,
  nodes: Array.from({ length: 1000 }, (_, index) => ({
    ...SAMPLES.pushPull[1]!.nodes[0]!,
    name: `node-${index}`,
  })),
  userState: new Uint8Array(0),
} as const;
const STATE_BYTES = ENVELOPES["plain"]!.sealStream(STATE);

Deno.bench("seal a push/pull of 1000 nodes", { group: "stream" }, () => {
  ENVELOPES["plain"]!.sealStream(STATE);
});
Deno.bench("read a push/pull of 1000 nodes", { group: "stream" }, () => {
  const reader = new StreamReader({ envelope: ENVELOPES["plain"]! });
  reader.push(STATE_BYTES);
  reader.take();
});
