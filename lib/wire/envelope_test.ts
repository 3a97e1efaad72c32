import { assert, assertEquals, assertLess, assertStrictEquals, assertThrows } from "@std/assert";
import { SAMPLES } from "../../tests/support/wire_samples.ts";
import { type DropReason, UsageError, WireError } from "../errors.ts";
import { DATAGRAM_MAX_BYTES, PACKET_MAX_BYTES, PACKET_MAX_DEPTH } from "../limits.ts";
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

function assertRefused(open: () => unknown, reason: DropReason): void {
  const error = assertThrows(open, WireError);
  assertStrictEquals(error.reason, reason, error.message);
}

/** A compound with whatever lengths are claimed. */
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

Deno.test("what is sealed opens again, one message or several, with and without CRC", () => {
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

Deno.test("parts that fill the room make a packet of at most 1400 bytes, and hardly less", () => {
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

Deno.test("a packet that nobody could take apart is not made", () => {
  const sealer = envelope();
  assertThrows(() => sealer.sealPacket([]), RangeError, "0 parts");
  assertThrows(() => sealer.sealPacket(Array(256).fill(NACK)), RangeError, "256 parts");
  const long = new Uint8Array(65_536);
  assertThrows(() => sealer.sealPacket([long, NACK]), RangeError, "65535");
  assertStrictEquals(sealer.openPacket(sealer.sealPacket(Array(255).fill(NACK))).length, 255);
});

Deno.test("compression is used only where it makes the packet smaller", () => {
  const sealer = envelope({ compress: true });
  const repetitive = encodeMessage({ type: "user", payload: new Uint8Array(500) });
  assertStrictEquals(sealer.sealPacket([repetitive])[0], MESSAGE_TYPE.compress);
  assertLess(sealer.sealPacket([repetitive]).length, 100);
  assertStrictEquals(sealer.sealPacket([NACK])[0], MESSAGE_TYPE.nack);
  assertStrictEquals(sealer.sealPacket([repetitive], { compress: false }).length, 501);
  assertStrictEquals(envelope().sealPacket([repetitive], { compress: true })[0], 9);
});

Deno.test("a label that is too long is refused at once", () => {
  assertThrows(() => envelope({ label: "ä".repeat(128) }), UsageError, "256 bytes");
});

Deno.test("a packet with another label, or none, or an unexpected one, is refused", () => {
  const ours = envelope({ label: "ours" });
  const packets = [
    envelope().sealPacket([NACK]),
    envelope({ label: "theirs" }).sealPacket([NACK]),
    envelope({ label: "our" }).sealPacket([NACK]),
    new Uint8Array([MESSAGE_TYPE.hasLabel, 0, ...NACK]),
  ];
  for (const packet of packets) assertRefused(() => ours.openPacket(packet), "bad_label");
  assertRefused(() => envelope().openPacket(ours.sealPacket([NACK])), "bad_label");
  assertRefused(() => ours.openPacket(new Uint8Array([MESSAGE_TYPE.hasLabel])), "truncated");
});

Deno.test("a label is authenticated: a packet cannot be carried into another cluster", () => {
  const packet = envelope({ label: "one", keyring: KEYRING }).sealPacket([NACK]);
  const moved = new Uint8Array([MESSAGE_TYPE.hasLabel, 3, ...new TextEncoder().encode("two")]);
  const forged = new Uint8Array([...moved, ...packet.subarray(5)]);
  const two = envelope({ label: "two", keyring: KEYRING });
  assertRefused(() => two.openPacket(forged), "not_decryptable");
});

Deno.test("plaintext comes in and goes out only where it may", () => {
  const plain = envelope().sealPacket([NACK]);
  const ping = envelope().sealPacket([PARTS[0]!]);
  const strict = envelope({ keyring: KEYRING });
  assertRefused(() => strict.openPacket(plain), "not_encrypted");
  // A ping's type byte is an encryption version as well.
  assertRefused(() => strict.openPacket(ping), "not_decryptable");
  const lenient = envelope({ keyring: KEYRING, acceptPlaintext: true });
  assertEquals(lenient.openPacket(plain), [SAMPLES.nack[0]!]);
  assertEquals(lenient.openPacket(ping), [MESSAGES[0]]);
  assertEquals(lenient.openPacket(strict.sealPacket([NACK])), [SAMPLES.nack[0]!]);
  const open = envelope({ keyring: KEYRING, sendPlaintext: true });
  assertEquals(open.sealPacket([NACK]), plain);
});

Deno.test("a key that was rotated in opens at once, one that was removed no more", () => {
  const [old, next] = [new Uint8Array(16).fill(7), new Uint8Array(32).fill(8)];
  const keyring = new Keyring({ keys: [old] });
  const mine = envelope({ keyring });
  const before = mine.sealPacket([NACK]);
  keyring.add(next);
  keyring.use(next);
  const after = mine.sealPacket([NACK]);
  assertEquals(mine.openPacket(before), [SAMPLES.nack[0]!]);
  keyring.remove(old);
  assertRefused(() => mine.openPacket(before), "not_decryptable");
  assertEquals(mine.openPacket(after), [SAMPLES.nack[0]!]);
});

Deno.test("a checksum that does not match is refused", () => {
  const packet = envelope().sealPacket([NACK], { crc: true });
  for (let index = 1; index < packet.length; index++) {
    const changed = packet.slice();
    changed[index]! ^= 1;
    assertRefused(() => envelope().openPacket(changed), "bad_checksum");
  }
});

Deno.test("every truncation of a packet is refused whole", () => {
  for (const options of KINDS) {
    const sealer = envelope(options);
    // User messages have no end of their own, so the last part is another.
    const packet = sealer.sealPacket([PARTS[3]!, PARTS[0]!, PARTS[2]!], { crc: true });
    for (let length = 0; length < packet.length; length++) {
      assertThrows(() => sealer.openPacket(packet.subarray(0, length)), WireError);
    }
  }
});

Deno.test("a compound whose lengths lie is refused whole", () => {
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
    assertRefused(() => envelope().openPacket(packet), reason);
  }
});

Deno.test("nested compounds are taken apart in order, to a bounded depth", () => {
  let packet = compound([NACK]);
  for (let depth = 1; depth < PACKET_MAX_DEPTH; depth++) packet = compound([PARTS[1]!, packet]);
  const opened = envelope().openPacket(packet).map(({ type }) => type);
  assertEquals(opened, [...Array(PACKET_MAX_DEPTH - 1).fill("suspect"), "nack"]);
  assertRefused(() => envelope().openPacket(compound([packet])), "too_deep");
});

Deno.test("a packet of too many messages is refused", () => {
  const many = compound(Array(16).fill(compound(Array(255).fill(NACK))));
  assertStrictEquals(envelope().openPacket(many).length, 16 * 255);
  const more = compound(Array(17).fill(compound(Array(255).fill(NACK))));
  assertRefused(() => envelope().openPacket(more), "too_many");
});

Deno.test("compression bombs are refused, alone, nested and side by side", () => {
  const packed = (bytes: Uint8Array) => encodeCompressed(compressLzw(bytes));
  const user = (length: number) =>
    encodeMessage({ type: "user", payload: new Uint8Array(length - 1) });
  const open = (packet: Uint8Array) => envelope().openPacket(packet);
  assertStrictEquals(open(packed(user(DATAGRAM_MAX_BYTES))).length, 1);
  assertRefused(() => open(packed(user(DATAGRAM_MAX_BYTES + 1))), "too_large");
  assertRefused(() => open(packed(packed(user(10_000_000)))), "too_large");
  assertRefused(() => open(compound([packed(user(40_000)), packed(user(40_000))])), "too_large");
  let deep: Uint8Array = NACK;
  for (let depth = 0; depth <= PACKET_MAX_DEPTH; depth++) deep = packed(deep);
  assertRefused(() => open(deep), "too_deep");
});

Deno.test("an unknown algorithm is refused", () => {
  const packet = encodeCompressed(compressLzw(NACK));
  const at = packet.indexOf(0, 1);
  packet[at] = 1;
  assertRefused(() => envelope().openPacket(packet), "bad_compression");
});
