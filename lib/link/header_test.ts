import { assertEquals, assertThrows } from "@std/assert";
import { WireError } from "../errors.ts";
import {
  decodeLinkHeader,
  encodeLinkHeader,
  type LinkHeader,
  linkHeaderBytes,
  newSession,
  senderOf,
  SEQUENCE_MAX,
  withLinkHeader,
} from "./header.ts";

const HEADER: LinkHeader = {
  kind: "fragment",
  toSession: "0123456789abcdef",
  from: "knüppel",
  fromSession: "fedcba9876543210",
  sequence: 0x0102_0304_0506,
};
/** Offsets of the sequence number and of the name's length. */
const [SEQUENCE, NAME_LENGTH] = [18, 24];

function refusal(bytes: Uint8Array): [string, string] {
  const error = assertThrows(() => decodeLinkHeader(bytes), WireError);
  return [error.reason, error.message];
}

/** The header's bytes with one of them changed. */
function changed(at: number, value: number): Uint8Array {
  const bytes = encodeLinkHeader(HEADER);
  bytes[at] = value;
  return bytes;
}

Deno.test("headers are decoded as encoded; any other bytes are refused", () => {
  const bytes = encodeLinkHeader(HEADER);
  assertEquals(decodeLinkHeader(bytes), { header: HEADER, body: new Uint8Array(0) });
  for (let length = 0; length < bytes.length; length++) {
    assertThrows(() => decodeLinkHeader(bytes.subarray(0, length)), WireError);
  }
  for (const [at, value] of [[0, 2], [1, 0], [1, 5], [NAME_LENGTH, 0], [25, 0xff]]) {
    assertThrows(() => decodeLinkHeader(changed(at!, value!)), WireError);
  }
});

Deno.test("the encoding of a header is fixed", () => {
  const bytes = withLinkHeader({ ...HEADER, from: "a" }, Uint8Array.of(7, 8));
  const expected = "01" + "03" + "0123456789abcdef" + "fedcba9876543210" + "010203040506" + "01" +
    "61" + "0708";
  assertEquals(bytes.toHex(), expected);
  assertEquals(decodeLinkHeader(bytes).body, Uint8Array.of(7, 8));
  const kinds = (["message", "message_ack", "fragment", "fragment_ack"] as const)
    .map((kind) => encodeLinkHeader({ ...HEADER, kind })[1]);
  assertEquals(kinds, [1, 2, 3, 4]);
});

Deno.test("every length of name and every sequence number survives encoding", () => {
  for (const from of ["a", "x".repeat(255)]) {
    for (const sequence of [0, 1, 2 ** 32 - 1, 2 ** 32, SEQUENCE_MAX]) {
      const header = { ...HEADER, from, sequence };
      const bytes = encodeLinkHeader(header);
      assertEquals(decodeLinkHeader(bytes).header, header);
      assertEquals(bytes.length, linkHeaderBytes(from));
    }
  }
  const highest = encodeLinkHeader({ ...HEADER, sequence: SEQUENCE_MAX });
  assertEquals(highest.subarray(SEQUENCE, NAME_LENGTH).toHex(), "ff".repeat(6));
});

Deno.test("a header in the middle of a buffer is decoded from its own bytes", () => {
  const buffer = new Uint8Array(100);
  const bytes = encodeLinkHeader(HEADER);
  buffer.set(bytes, 10);
  assertEquals(decodeLinkHeader(buffer.subarray(10, 10 + bytes.length)).header, HEADER);
});

Deno.test("a refused header is counted by its fault, and the message has value and expectation", () => {
  const version = "unsupported link protocol version 3 (this node speaks 1)";
  assertEquals(refusal(changed(0, 3)), ["bad_version", version]);
  assertEquals(refusal(changed(0, 3).subarray(0, 1)), ["bad_version", version]);
  assertEquals(refusal(changed(1, 9)), [
    "unknown_type",
    "unknown link message kind 9 (known: 1, 2, 3, 4)",
  ]);
  assertEquals(refusal(new Uint8Array(0)), [
    "truncated",
    "truncated link header of 0 bytes, expected at least 25",
  ]);
  assertEquals(refusal(changed(NAME_LENGTH, 9)), [
    "truncated",
    "truncated link header of 33 bytes, expected at least 34",
  ]);
  assertEquals(refusal(changed(NAME_LENGTH, 0)), [
    "malformed",
    "the sender's name in a link header is empty",
  ]);
  assertEquals(refusal(changed(25, 0xff)), [
    "malformed",
    "the sender's name in a link header is not valid UTF-8",
  ]);
});

Deno.test("a session has eight random bytes; a sender is a name and a session", () => {
  assertEquals(
    newSession({ bytes: (length) => new Uint8Array(length).fill(0xa5) }),
    "a5".repeat(8),
  );
  const senders = [HEADER, { ...HEADER, from: "b" }, { ...HEADER, fromSession: "0".repeat(16) }]
    .map(senderOf);
  assertEquals(new Set(senders).size, 3);
  assertEquals(senderOf({ ...HEADER, sequence: 9, kind: "message" }), senderOf(HEADER));
});
