import { assert, assertEquals } from "@std/assert";
import type { GossipEvent, SendRequest } from "./types.ts";
import { DEFAULT_GOSSIP_SETTINGS, type GossipSettings } from "./settings.ts";
import { Sends } from "./sends.ts";

function make(settings: Partial<GossipSettings>) {
  const begun: SendRequest[] = [];
  const events: GossipEvent[] = [];
  const sends = new Sends({
    settings: { ...DEFAULT_GOSSIP_SETTINGS, ...settings },
    effects: {
      send: (request) => begun.push(request),
      setTimer: () => {},
      persist: () => {},
      emit: (event) => events.push(event),
    },
  });
  const send = (label: string, done?: (ok: boolean) => void) =>
    sends.send({
      to: { name: label.slice(0, -1), address: { host: "10.0.0.1", port: 1 } },
      message: Uint8Array.of(Number(label.slice(-1))),
      ...(done === undefined ? {} : { done }),
    });
  const order = () => begun.map(({ to, message }) => `${to.name}${message[0]}`);
  return { sends, begun, events, send, order };
}

Deno.test("a peer that takes nothing holds up its own sends alone, and they go in order", () => {
  const { sends, begun, send, order } = make({ maxSendsPerPeer: 2 });
  for (let number = 0; number < 5; number++) send(`slow${number}`);
  send("fast0");
  assertEquals(order(), ["slow0", "slow1", "fast0"]);
  sends.sent(begun[0]!.id, true);
  sends.sent(begun[1]!.id, false);
  sends.sent(begun[1]!.id, false);
  assertEquals(order().slice(3), ["slow2", "slow3"]);
});

Deno.test("where there are places for few, peers take turns", () => {
  const { sends, begun, send, order } = make({ maxSends: 1 });
  for (let number = 0; number < 3; number++) {
    for (const name of ["a", "b", "c"]) send(`${name}${number}`);
  }
  for (let index = 0; index < 9; index++) sends.sent(begun[index]!.id, true);
  assertEquals(order(), ["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"]);
  assertEquals(sends.pending, 0);
});

Deno.test("how it went is told once; ids that are not under way are nothing", () => {
  const { sends, begun, send } = make({});
  const told: boolean[] = [];
  send("a0", (ok) => told.push(ok));
  send("a1", (ok) => told.push(ok));
  sends.sent(99, true);
  sends.sent(begun[1]!.id, false);
  sends.sent(begun[0]!.id, true);
  sends.sent(begun[0]!.id, true);
  assertEquals(told, [false, true]);
});

Deno.test("what waits already is not put beside itself, and may wait again once it was sent", () => {
  const { sends, begun } = make({ maxSendsPerPeer: 1 });
  const to = { name: "a", address: { host: "10.0.0.1", port: 1 } };
  const send = (number: number) =>
    sends.send({ to, message: Uint8Array.of(number), key: `key ${number % 2}` });
  assertEquals([0, 1, 2, 3].map(send), [true, true, true, false]);
  assertEquals(sends.pending, 3);
  sends.sent(begun[0]!.id, true);
  assertEquals([4, 5].map(send), [false, true]);
  for (let index = 1; index < 4; index++) sends.sent(begun[index]!.id, true);
  assertEquals(begun.map(({ message }) => message[0]), [0, 1, 2, 5]);
});

Deno.test("what there is no room for is dropped and told; before that, busy says so", () => {
  for (const bound of [{ maxQueuedSends: 4 }, { maxQueuedBytes: 4 }]) {
    const { sends, events, send } = make({ maxSendsPerPeer: 1, ...bound });
    for (let number = 0; number < 3; number++) assert(send(`a${number}`));
    assert(!sends.busy);
    assert(send("a3"));
    assert(sends.busy);
    assert(send("a4"));
    assert(!send("a5"));
    assertEquals(events.map((event) => event.type === "dropped" && event.reason), ["too_many"]);
    assert(send("b0"));
    assertEquals(sends.pending, 6);
  }
});

Deno.test("large messages have their bounds in bytes, and a first one always goes", () => {
  const { sends, begun } = make({ maxSendBytesPerPeer: 10, maxSendBytes: 15 });
  const send = (name: string, bytes: number) =>
    sends.send({
      to: { name, address: { host: "10.0.0.1", port: 1 } },
      message: new Uint8Array(bytes),
    });
  const underWay = () => begun.map(({ to, message }) => `${to.name} ${message.length}`);
  send("a", 8);
  send("a", 8);
  send("b", 8);
  send("b", 7);
  send("c", 7);
  assertEquals(underWay(), ["a 8", "c 7"], "b waits for bytes, and holds up nobody");
  sends.sent(begun[0]!.id, true);
  assertEquals(underWay().slice(2), ["a 8"]);
  sends.sent(begun[1]!.id, true);
  sends.sent(begun[2]!.id, true);
  assertEquals(underWay().slice(3), ["b 8"]);
  sends.sent(begun[3]!.id, true);
  assertEquals(underWay().slice(4), ["b 7"]);
  sends.sent(begun[4]!.id, true);
  send("d", 100);
  assertEquals(underWay().slice(5), ["d 100"]);
  assertEquals(sends.pending, 1);
});
