import { assertEquals } from "@std/assert";
import { Suspicion } from "./suspicion.ts";

function suspicion(wanted: number): Suspicion {
  return new Suspicion({ from: "first", startMs: 1_000, wanted, minMs: 500, maxMs: 2_000 });
}

Deno.test("each new accuser shortens a suspicion, until enough have spoken", () => {
  const subject = suspicion(3);
  assertEquals(subject.deadlineMs(), 3_000);
  const told = ["first", "a", "a", "b", "c", "d"].map((from) => subject.confirm(from));
  assertEquals(told, [false, true, false, true, true, false]);
  assertEquals(subject.confirmations, 3);
  assertEquals(subject.deadlineMs(), 1_500);
});

Deno.test("two of three accusers leave what memberlist leaves", () => {
  const subject = suspicion(3);
  subject.confirm("a");
  assertEquals(subject.deadlineMs(), 1_000 + 1_250);
  subject.confirm("b");
  assertEquals(subject.deadlineMs(), 1_000 + 811);
});

Deno.test("with nobody to confirm a suspicion is short from the start", () => {
  assertEquals(suspicion(0).deadlineMs(), 1_500);
  assertEquals(suspicion(0).confirm("a"), false);
});

Deno.test("an extended suspicion keeps its accusers", () => {
  const subject = suspicion(3);
  subject.confirm("a");
  subject.extend(9_000);
  assertEquals(subject.startMs, 9_000);
  assertEquals(subject.deadlineMs(), 9_000 + 1_250);
});
