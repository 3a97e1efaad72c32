import { assert, assertEquals, assertThrows } from "@std/assert";
import { SeededRandom } from "../../tests/support/world_time.ts";
import { WireError } from "../errors.ts";
import { FRAGMENT_MIN_BYTES, GOSSIP_MESSAGE_MAX_BYTES } from "../limits.ts";
import {
  acknowledges,
  decodeFragment,
  decodeFragmentAck,
  encodeFragment,
  encodeFragmentAck,
  type Fragment,
  fragmentBytesFor,
  fragmentCount,
} from "./fragments.ts";

const FRAGMENT: Fragment = {
  totalBytes: 3_000,
  fragmentBytes: 1_000,
  index: 1,
  ackNow: false,
  bytes: new Uint8Array(1_000).fill(9),
};

/** Why a fragment that differs from `FRAGMENT` is refused. */
function refusal(change: Partial<Fragment>): [string, string] {
  const body = encodeFragment({ ...FRAGMENT, ...change });
  const error = assertThrows(() => decodeFragment(body), WireError);
  return [error.reason, error.message];
}

Deno.test("fragments are decoded as encoded; any other bytes are refused", () => {
  const bytes = encodeFragment(FRAGMENT);
  assertEquals(decodeFragment(bytes), FRAGMENT);
  const last = { ...FRAGMENT, totalBytes: 2_500, index: 2, bytes: new Uint8Array(500) };
  assertEquals(decodeFragment(encodeFragment(last)), last);
  for (let length = 0; length < bytes.length; length++) {
    assertThrows(() => decodeFragment(bytes.subarray(0, length)), WireError);
  }
  const bad: Partial<Fragment>[] = [
    { index: 2, totalBytes: 2_500 },
    { index: 3 },
    { index: 65_535 },
    { totalBytes: 0 },
    { totalBytes: GOSSIP_MESSAGE_MAX_BYTES + 1 },
    { totalBytes: 2 ** 32 - 1 },
    { fragmentBytes: FRAGMENT_MIN_BYTES - 1, bytes: new Uint8Array(FRAGMENT_MIN_BYTES - 1) },
    { fragmentBytes: 0, bytes: new Uint8Array(0) },
    { bytes: new Uint8Array(1_001) },
  ];
  for (const change of bad) {
    const encoded = encodeFragment({ ...FRAGMENT, ...change });
    assertThrows(() => decodeFragment(encoded), WireError);
  }
});

Deno.test("the largest message, the smallest fragments and the last index are valid", () => {
  const largest = { totalBytes: GOSSIP_MESSAGE_MAX_BYTES, fragmentBytes: FRAGMENT_MIN_BYTES };
  const bytes = new Uint8Array(FRAGMENT_MIN_BYTES);
  const index = fragmentCount(GOSSIP_MESSAGE_MAX_BYTES, FRAGMENT_MIN_BYTES) - 1;
  const fragment = { ...largest, index, ackNow: true, bytes };
  assertEquals(decodeFragment(encodeFragment(fragment)), fragment);
});

Deno.test("an empty fragment after the last one is refused", () => {
  const empty = new Uint8Array(0);
  assertEquals(refusal({ index: 3, bytes: empty }), [
    "malformed",
    "fragment 3 of a message that has 3",
  ]);
});

Deno.test("a refused fragment is counted by its fault, and the message has value and expectation", () => {
  const short = assertThrows(() => decodeFragment(new Uint8Array(8)), WireError);
  assertEquals([short.reason, short.message], [
    "truncated",
    "truncated fragment of 8 bytes, expected at least 9",
  ]);
  assertEquals(refusal({ totalBytes: GOSSIP_MESSAGE_MAX_BYTES + 1 }), [
    "too_large",
    "a fragmented message is 8388609 bytes long; maximum 8388608",
  ]);
  assertEquals(refusal({ fragmentBytes: 511 }), [
    "malformed",
    "a message has fragments of 511 bytes; minimum 512",
  ]);
  assertEquals(refusal({ totalBytes: 2_500, index: 2 }), [
    "malformed",
    "fragment 2 of a message of 2500 bytes has 1000 bytes, expected 500",
  ]);
});

Deno.test("the encodings of fragment and ack are fixed", () => {
  const fragment = { totalBytes: 0x1_0203, fragmentBytes: 0x0405, index: 0x06, ackNow: true };
  const bytes = encodeFragment({ ...fragment, bytes: Uint8Array.of(0xaa) });
  assertEquals(bytes.toHex(), "00010203" + "0405" + "0006" + "01" + "aa");
  const received = new Set([0, 1, 3, 11]);
  const ack = encodeFragmentAck({ count: 20, has: (index) => received.has(index) });
  assertEquals(ack.toHex(), "0002" + "0202");
  assertEquals(encodeFragmentAck("complete").toHex(), "ffff");
});

Deno.test("a message has as many fragments as its length needs", () => {
  const counts = [1, 999, 1_000, 1_001, 2_000].map((length) => fragmentCount(length, 1_000));
  assertEquals(counts, [1, 1, 1, 2, 2]);
  const room = fragmentBytesFor(1_350);
  assertEquals(encodeFragment({ ...FRAGMENT, bytes: new Uint8Array(room) }).length, 1_350);
});

Deno.test("an ack acknowledges the fragments received and no others", () => {
  const random = new SeededRandom("acks");
  for (let round = 0; round < 200; round++) {
    const count = 1 + random.below(5_000);
    const share = random.next();
    const received = Array.from({ length: count }, () => random.chance(share));
    received[random.below(count)] = false;
    const ack = decodeFragmentAck(
      encodeFragmentAck({ count, has: (index) => received[index] === true }),
    );
    assert(!ack.complete);
    for (let index = 0; index < count; index++) {
      const acknowledged = acknowledges(ack, index);
      // The bitmap ends there; a later ack has the fragments after it.
      const inBitmap = index - ack.base < 2_048;
      assertEquals(acknowledged, inBitmap && received[index], `${round}: ${index}`);
    }
  }
  const complete = decodeFragmentAck(encodeFragmentAck("complete"));
  assertEquals(complete, { complete: true });
  assert(acknowledges(complete, 0));
  for (const length of [0, 1, 259, 1_000]) {
    const error = assertThrows(() => decodeFragmentAck(new Uint8Array(length)), WireError);
    assertEquals(error.reason, "malformed");
    assertEquals(error.message, `fragment ack of ${length} bytes, expected 2 to 258`);
  }
});

Deno.test("an ack has a bitmap of 256 bytes at most, and none if nothing follows the first gap", () => {
  const acks = [
    encodeFragmentAck({ count: 10_000, has: (index) => index !== 0 }),
    encodeFragmentAck({ count: 10_000, has: (index) => index < 9_999 }),
    encodeFragmentAck({ count: 8, has: () => false }),
    encodeFragmentAck({ count: 8, has: () => true }),
  ];
  assertEquals(acks.map((ack) => ack.length), [258, 2, 2, 2]);
  const decoded = acks.map(decodeFragmentAck);
  assertEquals(decoded.map((ack) => ack.complete ? "complete" : ack.base), [0, 9_999, 0, 8]);
  assertEquals([2_047, 2_048].map((index) => acknowledges(decoded[0]!, index)), [true, false]);
});
