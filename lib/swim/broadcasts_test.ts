import { assert, assertEquals } from "@std/assert";
import { Broadcasts, TransmitQueue } from "./broadcasts.ts";

const MUCH = { bytes: 10_000, parts: 255 };

function message(length: number, fill = 0): Uint8Array {
  return new Uint8Array(length).fill(fill);
}

function queue(): TransmitQueue {
  return new TransmitQueue({ overheadBytes: 2 });
}

Deno.test("news is sent as often as the limit says, and then forgotten", () => {
  const subject = queue();
  subject.queue("a", message(10));
  for (let sent = 0; sent < 3; sent++) {
    assert(subject.has("a"));
    assertEquals(subject.take(MUCH, 3).length, 1, `after ${sent}`);
  }
  assertEquals([subject.has("a"), subject.take(MUCH, 3).length, subject.bytes], [false, 0, 0]);
});

Deno.test("newer news of a name replaces the older and starts anew", () => {
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

Deno.test("what was sent least goes first", () => {
  const subject = queue();
  subject.queue("old", message(10, 1));
  subject.take(MUCH, 5);
  subject.queue("new", message(10, 2));
  assertEquals(subject.take({ bytes: 12, parts: 255 }, 5), [message(10, 2)]);
  assertEquals(subject.take(MUCH, 5), [message(10, 1), message(10, 2)]);
});

Deno.test("bytes and parts of a packet are never exceeded, and what does not fit is passed over", () => {
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

Deno.test("hearing the same news saves transmissions, half of them at most", () => {
  const subject = queue();
  subject.queue("a", message(10));
  for (let heard = 0; heard < 50; heard++) subject.heard("a");
  subject.heard("unknown");
  let sent = 0;
  while (subject.take(MUCH, 8).length > 0) sent++;
  assertEquals(sent, 4);
});

function both(applicationShare = 0.25): Broadcasts {
  return new Broadcasts({ overheadBytes: 2, applicationShare, packetRoomBytes: 1_000 });
}

Deno.test("membership news cannot starve the application", () => {
  const subject = both();
  subject.queueApplication("batch", message(700, 9));
  let packets = 0;
  for (let found = false; !found && packets < 10; packets++) {
    for (let news = 0; news < 100; news++) subject.membership.queue(`m ${news}`, message(48));
    found = subject.take({ bytes: 1_000, parts: 255 }, 100).some(({ length }) => length === 700);
  }
  assertEquals(packets, 3, "the share of three packets holds it");
});

Deno.test("the application cannot starve membership either", () => {
  const subject = both();
  for (let payload = 0; payload < 500; payload++) {
    subject.queueApplication(`${payload}`, message(48));
  }
  for (let packet = 0; packet < 10; packet++) {
    for (let news = 0; news < 100; news++) subject.membership.queue(`m ${news}`, message(38, 1));
    const taken = subject.take({ bytes: 1_000, parts: 255 }, 100);
    assert(taken.filter((part) => part[0] === 1).length >= 18, "three quarters");
    assert(taken.reduce((sum, part) => sum + part.length + 2, 0) <= 1_000);
  }
});

Deno.test("each uses all of a packet where the other has nothing", () => {
  const subject = both();
  subject.queueApplication("a", message(400));
  subject.queueApplication("b", message(400));
  assertEquals(subject.take({ bytes: 1_000, parts: 255 }, 1).length, 2);
  assert(subject.idle);
});

Deno.test("application payloads are bounded in size and number", () => {
  const subject = both();
  assertEquals(subject.queueApplication("huge", message(999)), false);
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
