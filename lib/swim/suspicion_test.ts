import { assertEquals } from "@std/assert";
import { Suspicion } from "./suspicion.ts";

function suspicion(wanted: number): Suspicion {
  return new Suspicion({ from: "first", startMs: 1_000, wanted, minMs: 500, maxMs: 2_000 });
}

Deno.test("each confirmation by another node shortens the timeout, up to the wanted number", () => {
  const subject = suspicion(3);
  assertEquals(subject.deadlineMs(), 3_000);
  const counted = ["first", "a", "a", "b", "c", "d"].map((from) => subject.confirm(from));
  assertEquals(counted, [false, true, false, true, true, false]);
  assertEquals(subject.confirmations, 3);
  assertEquals(subject.deadlineMs(), 1_500);
});

Deno.test("partial confirmation gives memberlist's timeouts", () => {
  const subject = suspicion(3);
  subject.confirm("a");
  assertEquals(subject.deadlineMs(), 1_000 + 1_250);
  subject.confirm("b");
  assertEquals(subject.deadlineMs(), 1_000 + 811);
});

Deno.test("with no confirmation wanted the timeout is the minimum", () => {
  assertEquals(suspicion(0).deadlineMs(), 1_500);
  assertEquals(suspicion(0).confirm("a"), false);
});

Deno.test("an extended suspicion keeps its confirmations", () => {
  const subject = suspicion(3);
  subject.confirm("a");
  subject.extend(9_000);
  assertEquals(subject.startMs, 9_000);
  assertEquals(subject.deadlineMs(), 9_000 + 1_250);
});
