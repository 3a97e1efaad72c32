import { assert, assertEquals, assertLess, assertStrictEquals, assertThrows } from "@std/assert";
import { SAMPLES } from "../../tests/support/wire_samples.ts";
import { type DropReason, UsageError, WireError } from "../errors.ts";
import {
  DATAGRAM_MAX_BYTES,
  PACKET_MAX_BYTES,
  PACKET_MAX_DEPTH,
  PACKET_MAX_MESSAGES,
} from "../limits.ts";
import { encodeCompressed, encodeMessage } from "./codec.ts";
import { Envelope, type EnvelopeOptions } from "./envelope.ts";
import { Keyring } from "./keyring.ts";
import { compressLzw } from "./lzw.ts";
import { MESSAGE_TYPE, type PacketMessage } from "./messages.ts";

const KEYRING = new Keyring({
  keys: [new Uint8Array(16).fill(1), new Uint8Array(24).fill(2)],
});

function envelope(options: Partial<EnvelopeOptions> = {}): Envelope {
  return new Envelope({
    label: "",
    keyring: undefined,
    random: { next: () => 0, bytes: (length) => new Uint8Array(length).fill(4) },
    compress: false,
    ...options,
  });
}

const KINDS: readonly Partial<EnvelopeOptions>[] = [
  {},
  { label: "x" },
  { label: "ä".repeat(127) },
  { keyring: KEYRING },
  { keyring: KEYRING, protocolVersion: 1 },
  { keyring: KEYRING, label: "x", compress: true },
  { keyring: KEYRING, label: "x", compress: true, protocolVersion: 1 },
  { compress: true },
];

function assertRejected(open: () => unknown, reason: DropReason): void {
  const error = assertThrows(open, WireError);
  assertStrictEquals(error.reason, reason, error.message);
}

/** A compound message with the given lengths in its header. */
function compound(parts: readonly Uint8Array[], lengths = parts.map((part) => part.length)) {
  const header = lengths.flatMap((length) => [length >> 8, length & 255]);
  const body = parts.flatMap((part) => [...part]);
  return new Uint8Array([MESSAGE_TYPE.compound, lengths.length, ...header, ...body]);
}

const MESSAGES: readonly PacketMessage[] = [
  SAMPLES.ping[2]!,
  SAMPLES.suspect[0]!,
  SAMPLES.alive[0]!,
  SAMPLES.user[1]!,
];
const PARTS = MESSAGES.map(encodeMessage);
const NACK = encodeMessage(SAMPLES.nack[0]!);

Deno.test("sealed packets open again, with one message or several, with and without CRC", () => {
  for (const options of KINDS) {
    const sealer = envelope(options);
    for (const crc of [false, true]) {
      const packet = sealer.sealPacket(PARTS, { crc });
      assertEquals(envelope(options).openPacket(packet), [...MESSAGES]);
      MESSAGES.forEach((message, index) => {
        const single = sealer.sealPacket([PARTS[index]!], { crc });
        assertEquals(sealer.openPacket(single), [message]);
      });
    }
  }
});

Deno.test("parts that fill packetRoomBytes make a packet of at most 1400 bytes, and hardly less", () => {
  for (const options of KINDS) {
    const sealer = envelope(options);
    const room = sealer.packetRoomBytes();
    const first = new Uint8Array(100).fill(MESSAGE_TYPE.user);
    const second = new Uint8Array(room - 100 - 2 * sealer.partOverheadBytes);
    crypto.getRandomValues(second);
    second[0] = MESSAGE_TYPE.user;
    const packet = sealer.sealPacket([first, second], { crc: true });
    assert(packet.length <= PACKET_MAX_BYTES, `${packet.length} bytes`);
    assertLess(PACKET_MAX_BYTES - 17, packet.length);
  }
});

Deno.test("part counts and lengths that a compound message cannot hold raise RangeError", () => {
  const sealer = envelope();
  assertThrows(() => sealer.sealPacket([]), RangeError, "0 parts");
  assertThrows(() => sealer.sealPacket(Array(256).fill(NACK)), RangeError, "256 parts");
  const long = new Uint8Array(65_536);
  assertThrows(() => sealer.sealPacket([long, NACK]), RangeError, "65535");
  assertStrictEquals(sealer.openPacket(sealer.sealPacket(Array(255).fill(NACK))).length, 255);
  const longest = long.subarray(1).fill(MESSAGE_TYPE.user);
  assertStrictEquals(sealer.openPacket(sealer.sealPacket([longest, NACK])).length, 2);
  assertStrictEquals(sealer.sealPacket([long]).length, 65_536, "a single part has no length field");
});

Deno.test("compression is used only if it makes the packet smaller", () => {
  const sealer = envelope({ compress: true });
  const repetitive = encodeMessage({ type: "user", payload: new Uint8Array(500) });
  assertStrictEquals(sealer.sealPacket([repetitive])[0], MESSAGE_TYPE.compress);
  assertLess(sealer.sealPacket([repetitive]).length, 100);
  assertStrictEquals(sealer.sealPacket([NACK])[0], MESSAGE_TYPE.nack);
  assertStrictEquals(sealer.sealPacket([repetitive], { compress: false }).length, 501);
  assertStrictEquals(envelope().sealPacket([repetitive], { compress: true })[0], 9);
});

Deno.test("a packet that compression leaves at its size is not compressed", () => {
  const sealer = envelope({ compress: true });
  const sizes = Array.from({ length: 300 }, (_, length) => {
    const part = encodeMessage({ type: "user", payload: new Uint8Array(length) });
    const saved = part.length - encodeCompressed(compressLzw(part)).length;
    return [saved, sealer.sealPacket([part])[0]] as const;
  });
  for (const saved of [-1, 0, 1]) {
    const found = sizes.find((size) => size[0] === saved);
    assertStrictEquals(found?.[1], saved > 0 ? MESSAGE_TYPE.compress : MESSAGE_TYPE.user);
  }
});

Deno.test("the longest label has 255 bytes", () => {
  const longest = envelope({ label: "x".repeat(255) });
  assertEquals(longest.openPacket(longest.sealPacket([NACK])), [SAMPLES.nack[0]!]);
});

Deno.test("matchLabel waits for the whole label while more bytes may follow", () => {
  const labelled = envelope({ label: "ab" });
  const header = new Uint8Array([MESSAGE_TYPE.hasLabel, 2, 0x61, 0x62]);
  for (let length = 0; length <= header.length; length++) {
    const expected = length < header.length ? undefined : header.length;
    const matched = labelled.matchLabel(header.subarray(0, length), { more: true });
    assertStrictEquals(matched, expected, `${length} bytes`);
  }
  assertStrictEquals(labelled.matchLabel(header), header.length);
  const plain = envelope();
  assertStrictEquals(plain.matchLabel(new Uint8Array(0), { more: true }), undefined);
  assertStrictEquals(plain.matchLabel(new Uint8Array([MESSAGE_TYPE.ack]), { more: true }), 0);
  const label = header.subarray(0, 1);
  assertRejected(() => plain.matchLabel(label, { more: true }), "bad_label");
});

Deno.test("a label that is too long raises UsageError", () => {
  assertThrows(() => envelope({ label: "ä".repeat(128) }), UsageError, "256 bytes");
});

Deno.test("a packet with another label, a missing label or an unexpected label is rejected", () => {
  const ours = envelope({ label: "ours" });
  const packets = [
    envelope().sealPacket([NACK]),
    envelope({ label: "theirs" }).sealPacket([NACK]),
    envelope({ label: "our" }).sealPacket([NACK]),
    new Uint8Array([MESSAGE_TYPE.hasLabel, 0, ...NACK]),
  ];
  for (const packet of packets) assertRejected(() => ours.openPacket(packet), "bad_label");
  assertRejected(() => envelope().openPacket(ours.sealPacket([NACK])), "bad_label");
  assertRejected(() => ours.openPacket(new Uint8Array([MESSAGE_TYPE.hasLabel])), "truncated");
});

Deno.test("the label is authenticated: a packet cannot be replayed in another cluster", () => {
  const packet = envelope({ label: "one", keyring: KEYRING }).sealPacket([NACK]);
  const moved = new Uint8Array([MESSAGE_TYPE.hasLabel, 3, ...new TextEncoder().encode("two")]);
  const forged = new Uint8Array([...moved, ...packet.subarray(5)]);
  const two = envelope({ label: "two", keyring: KEYRING });
  assertRejected(() => two.openPacket(forged), "not_decryptable");
});

Deno.test("plaintext is accepted with acceptPlaintext and sent with sendPlaintext only", () => {
  const plain = envelope().sealPacket([NACK]);
  const ping = envelope().sealPacket([PARTS[0]!]);
  const strict = envelope({ keyring: KEYRING });
  assertRejected(() => strict.openPacket(plain), "not_encrypted");
  // A ping's type byte is an encryption version as well.
  assertRejected(() => strict.openPacket(ping), "not_decryptable");
  const lenient = envelope({ keyring: KEYRING, acceptPlaintext: true });
  assertEquals(lenient.openPacket(plain), [SAMPLES.nack[0]!]);
  assertEquals(lenient.openPacket(ping), [MESSAGES[0]]);
  assertEquals(lenient.openPacket(strict.sealPacket([NACK])), [SAMPLES.nack[0]!]);
  const open = envelope({ keyring: KEYRING, sendPlaintext: true });
  assertEquals(open.sealPacket([NACK]), plain);
});

Deno.test("an added key decrypts at once, a removed key no longer", () => {
  const [old, next] = [new Uint8Array(16).fill(7), new Uint8Array(32).fill(8)];
  const keyring = new Keyring({ keys: [old] });
  const mine = envelope({ keyring });
  const before = mine.sealPacket([NACK]);
  keyring.add(next);
  keyring.use(next);
  const after = mine.sealPacket([NACK]);
  assertEquals(mine.openPacket(before), [SAMPLES.nack[0]!]);
  keyring.remove(old);
  assertRejected(() => mine.openPacket(before), "not_decryptable");
  assertEquals(mine.openPacket(after), [SAMPLES.nack[0]!]);
});

Deno.test("a checksum that does not match is rejected", () => {
  const packet = envelope().sealPacket([NACK], { crc: true });
  for (let index = 1; index < packet.length; index++) {
    const changed = packet.slice();
    changed[index]! ^= 1;
    assertRejected(() => envelope().openPacket(changed), "bad_checksum");
  }
});

Deno.test("a checksum is checked even if nothing follows it", () => {
  const packet = new Uint8Array([MESSAGE_TYPE.hasCrc, 0, 0, 0, 1]);
  assertRejected(() => envelope().openPacket(packet), "bad_checksum");
  assertRejected(() => envelope().openPacket(packet.subarray(0, 4)), "unknown_type");
});

Deno.test("every truncation of a packet is rejected as a whole", () => {
  for (const options of KINDS) {
    const sealer = envelope(options);
    // A truncated user message is still one, so the last part is another message.
    const packet = sealer.sealPacket([PARTS[3]!, PARTS[0]!, PARTS[2]!], { crc: true });
    for (let length = 0; length < packet.length; length++) {
      assertThrows(() => sealer.openPacket(packet.subarray(0, length)), WireError);
    }
  }
});

Deno.test("a compound message with wrong lengths is rejected as a whole", () => {
  const cases: readonly (readonly [Uint8Array, DropReason])[] = [
    [compound([NACK, NACK], [NACK.length, NACK.length + 1]), "truncated"],
    [compound([NACK, NACK], [0xffff, NACK.length]), "truncated"],
    [compound([NACK, NACK], [NACK.length - 1, NACK.length]), "truncated"],
    [compound([NACK, NACK], [0, NACK.length]), "truncated"],
    [compound([NACK, new Uint8Array([200])]), "unknown_type"],
    [new Uint8Array([MESSAGE_TYPE.compound]), "truncated"],
    [new Uint8Array([MESSAGE_TYPE.compound, 255]), "truncated"],
    [new Uint8Array([MESSAGE_TYPE.compound, 2, 0, 1, 0]), "truncated"],
  ];
  for (const [packet, reason] of cases) {
    assertRejected(() => envelope().openPacket(packet), reason);
  }
});

Deno.test("nested compound messages are unpacked in order, to a maximum depth", () => {
  let packet = compound([NACK]);
  for (let depth = 1; depth < PACKET_MAX_DEPTH; depth++) packet = compound([PARTS[1]!, packet]);
  const opened = envelope().openPacket(packet).map(({ type }) => type);
  assertEquals(opened, [...Array(PACKET_MAX_DEPTH - 1).fill("suspect"), "nack"]);
  assertRejected(() => envelope().openPacket(compound([packet])), "too_deep");
});

Deno.test("a packet with too many messages is rejected", () => {
  const many = Array<Uint8Array>(16).fill(compound(Array(255).fill(NACK)));
  const rest = PACKET_MAX_MESSAGES - 16 * 255;
  const most = compound([...many, compound(Array(rest).fill(NACK))]);
  assertStrictEquals(envelope().openPacket(most).length, PACKET_MAX_MESSAGES);
  const more = compound([...many, compound(Array(rest + 1).fill(NACK))]);
  assertRejected(() => envelope().openPacket(more), "too_many");
});

Deno.test("compression bombs are rejected, alone, nested and side by side", () => {
  const packed = (bytes: Uint8Array) => encodeCompressed(compressLzw(bytes));
  const user = (length: number) =>
    encodeMessage({ type: "user", payload: new Uint8Array(length - 1) });
  const open = (packet: Uint8Array) => envelope().openPacket(packet);
  assertStrictEquals(open(packed(user(DATAGRAM_MAX_BYTES))).length, 1);
  assertRejected(() => open(packed(user(DATAGRAM_MAX_BYTES + 1))), "too_large");
  assertRejected(() => open(packed(packed(user(10_000_000)))), "too_large");
  assertRejected(() => open(compound([packed(user(40_000)), packed(user(40_000))])), "too_large");
  let deep: Uint8Array = NACK;
  for (let depth = 0; depth <= PACKET_MAX_DEPTH; depth++) deep = packed(deep);
  assertRejected(() => open(deep), "too_deep");
});

Deno.test("an unknown compression algorithm is rejected", () => {
  const packet = encodeCompressed(compressLzw(NACK));
  const at = packet.indexOf(0, 1);
  packet[at] = 1;
  assertRejected(() => envelope().openPacket(packet), "bad_compression");
});
