import { assert, assertEquals } from "@std/assert";
import { Broadcasts, TransmitQueue } from "./broadcasts.ts";

const MUCH = { bytes: 10_000, parts: 255 };

function message(length: number, fill = 0): Uint8Array {
  return new Uint8Array(length).fill(fill);
}

function queue(): TransmitQueue {
  return new TransmitQueue({ overheadBytes: 2 });
}

Deno.test("a broadcast is transmitted limit times, and then removed", () => {
  const subject = queue();
  subject.queue("a", message(10));
  for (let sent = 0; sent < 3; sent++) {
    assert(subject.has("a"));
    assertEquals(subject.take(MUCH, 3).length, 1, `after ${sent}`);
  }
  assertEquals([subject.has("a"), subject.take(MUCH, 3).length, subject.bytes], [false, 0, 0]);
});

Deno.test("a newer broadcast replaces the older one of its name, with all its transmissions left", () => {
  const subject = queue();
  subject.queue("a", message(10, 1));
  subject.take(MUCH, 3);
  subject.take(MUCH, 3);
  subject.queue("a", message(12, 2));
  assertEquals(subject.size, 1);
  assertEquals(subject.bytes, 14);
  for (let sent = 0; sent < 3; sent++) assertEquals(subject.take(MUCH, 3), [message(12, 2)]);
  assertEquals(subject.size, 0);
});

Deno.test("the least transmitted broadcast is taken first", () => {
  const subject = queue();
  subject.queue("old", message(10, 1));
  subject.take(MUCH, 5);
  subject.queue("new", message(10, 2));
  assertEquals(subject.take({ bytes: 12, parts: 255 }, 5), [message(10, 2)]);
  assertEquals(subject.take(MUCH, 5), [message(10, 1), message(10, 2)]);
});

Deno.test("bytes and parts of a packet are never exceeded, and messages that do not fit are skipped", () => {
  const subject = queue();
  subject.queue("large", message(100));
  for (let small = 0; small < 300; small++) subject.queue(`small ${small}`, message(1, 7));
  const taken = subject.take({ bytes: 50, parts: 255 }, 5);
  assertEquals(taken.length, 16);
  assert(taken.every(({ length }) => length === 1));
  assertEquals(subject.take({ bytes: 5_000, parts: 255 }, 5).length, 255);
  assertEquals(subject.take({ bytes: 1, parts: 255 }, 5), []);
  assertEquals(subject.take({ bytes: -20, parts: 255 }, 5), []);
});

Deno.test("receiving a queued broadcast saves up to half of its transmissions", () => {
  const subject = queue();
  subject.queue("a", message(10));
  for (let received = 0; received < 50; received++) subject.received("a");
  subject.received("unknown");
  let sent = 0;
  while (subject.take(MUCH, 8).length > 0) sent++;
  assertEquals(sent, 4);
  subject.queue("a", message(10));
  for (let received = 0; received < 50; received++) subject.received("a");
  while (subject.take(MUCH, 5).length > 0) sent++;
  assertEquals(sent, 4 + 3, "half of five, rounded down");
});

Deno.test("a packet counts as full once 32 messages in a row did not fit", () => {
  for (const [large, taken] of [[31, 1], [32, 0]] as const) {
    const subject = queue();
    for (let name = 0; name < large; name++) subject.queue(`large ${name}`, message(100));
    subject.queue("small", message(1));
    assertEquals(subject.take({ bytes: 50, parts: 255 }, 5).length, taken, `${large} large ones`);
  }
});

function both(applicationShare = 0.25): Broadcasts {
  return new Broadcasts({ overheadBytes: 2, applicationShare, packetRoomBytes: 1_000 });
}

Deno.test("messages about members do not starve application messages", () => {
  const subject = both();
  subject.queueApplication("batch", message(700, 9));
  let packets = 0;
  for (let found = false; !found && packets < 10; packets++) {
    for (let news = 0; news < 100; news++) subject.membership.queue(`m ${news}`, message(48));
    found = subject.take({ bytes: 1_000, parts: 255 }, 100).some(({ length }) => length === 700);
  }
  assertEquals(packets, 3, "the share of three packets is large enough for it");
});

Deno.test("the share is reserved once the next application message fits into it, overhead included", () => {
  // The share of the first packet is 250 bytes.
  for (const [length, aboutMembers] of [[249, 20], [248, 15]] as const) {
    const subject = both();
    subject.queueApplication("batch", message(length, 9));
    for (let name = 0; name < 100; name++) subject.membership.queue(`m ${name}`, message(48));
    const taken = subject.take({ bytes: 1_000, parts: 255 }, 100);
    assertEquals(
      taken.filter((part) => part.length === 48).length,
      aboutMembers,
      `${length} bytes`,
    );
  }
});

Deno.test("application messages do not starve messages about members", () => {
  const subject = both();
  for (let payload = 0; payload < 500; payload++) {
    subject.queueApplication(`${payload}`, message(48));
  }
  for (let packet = 0; packet < 10; packet++) {
    for (let news = 0; news < 100; news++) subject.membership.queue(`m ${news}`, message(38, 1));
    const taken = subject.take({ bytes: 1_000, parts: 255 }, 100);
    assert(taken.filter((part) => part[0] === 1).length >= 18, "at least three quarters");
    assert(taken.reduce((sum, part) => sum + part.length + 2, 0) <= 1_000);
  }
});

Deno.test("application messages use the whole packet if there is nothing else", () => {
  const subject = both();
  subject.queueApplication("a", message(400));
  subject.queueApplication("b", message(400));
  assertEquals(subject.take({ bytes: 1_000, parts: 255 }, 1).length, 2);
  assert(subject.idle);
});

Deno.test("application messages are bounded in size and number", () => {
  const subject = both();
  assertEquals(subject.queueApplication("huge", message(999)), false);
  assertEquals(both().queueApplication("largest", message(998)), true);
  for (let payload = 0; payload < 5_000; payload++) {
    subject.queueApplication(`${payload}`, message(1));
  }
  let taken = 0;
  while (!subject.idle) taken += subject.take({ bytes: 1_000, parts: 255 }, 1).length;
  assertEquals(taken, 1_024);
});

Deno.test("a packet never holds the same message twice", () => {
  const subject = both();
  subject.queueApplication("a", message(40, 1));
  subject.queueApplication("b", message(40, 2));
  subject.membership.queue("m", message(40, 3));
  const taken = subject.take({ bytes: 1_000, parts: 255 }, 10);
  assertEquals(taken.map(([fill]) => fill).sort(), [1, 2, 3]);
});
