/** Pings over TCP. */
import { assertEquals } from "@std/assert";
import { addressOf, Recorder } from "../../tests/support/world_recorder.ts";

Deno.test("a ping over a stream without a target name is answered", () => {
  const me = Recorder.among(1);
  const reply = me.stream(1, { type: "ping", sequence: 9, targetName: "" });
  assertEquals(reply, { type: "ack", sequence: 9, payload: new Uint8Array() });
});

Deno.test("a ping over TCP takes three probe intervals at most, if it tests TCP", () => {
  const me = Recorder.among(1, { tcpCheckEvery: 1 });
  me.nextPing();
  assertEquals(me.takeExchange("ping").timeoutMs, 3_000);
  const slow = Recorder.among(1, { tcpCheckEvery: 1, streamTimeoutMs: 2_000 });
  slow.nextPing();
  assertEquals(slow.takeExchange("ping").timeoutMs, 2_000);
});

Deno.test("a reply to a ping is dropped if it is no ack, or if it comes twice", () => {
  const me = Recorder.among(1, { tcpCheckEvery: 1 });
  me.nextPing();
  const { exchange } = me.takeExchange("ping");
  const ack = { type: "ack", sequence: 0, payload: new Uint8Array() } as const;
  me.machine.receiveReply(exchange, ack);
  assertEquals(me.events, []);
  me.machine.receiveReply(exchange, ack);
  assertEquals(me.expectEvent("dropped").reason, "unexpected");
  const other = Recorder.among(1, { tcpCheckEvery: 1 });
  other.nextPing();
  other.machine.receiveReply(other.takeExchange("ping").exchange, { type: "error", message: "" });
  assertEquals(other.expectEvent("dropped").from, addressOf(1));
});
