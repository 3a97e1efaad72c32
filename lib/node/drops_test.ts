import { assertEquals } from "@std/assert";
import { VirtualTime } from "../../tests/support/virtual_time.ts";
import type { LogFields } from "../runtime.ts";
import { Drops } from "./drops.ts";

function bench() {
  const time = new VirtualTime();
  const totals: [string, LogFields | undefined][] = [];
  const drops = new Drops({
    timers: time,
    log: {
      write(...[level, event, , fields]) {
        if (event === "input_dropped_totals") totals.push([level, fields]);
      },
    },
  });
  const drop = (reason: "truncated" | "malformed" | "unexpected") =>
    drops.add({ reason, from: "10.0.0.1:5", detail: "why" });
  return { time, totals, drops, drop };
}

Deno.test("totals by reason are told ten seconds after a drop, however many there are", async () => {
  const { time, totals, drop } = bench();
  for (let count = 0; count < 1000; count++) drop("truncated");
  drop("malformed");
  drop("unexpected");
  await time.pass(9_999);
  assertEquals(totals, []);
  await time.pass(1);
  assertEquals(totals, [["warn", { truncated: 1000, malformed: 1, unexpected: 1 }]]);
  await time.pass(60_000);
  assertEquals(totals.length, 1, "told again though nothing was dropped");
  drop("truncated");
  await time.pass(10_000);
  assertEquals(totals[1], ["warn", { truncated: 1001, malformed: 1, unexpected: 1 }]);
});

Deno.test("the end tells what was not told yet, once", async () => {
  const { time, totals, drops, drop } = bench();
  drop("malformed");
  drops.close();
  drops.close();
  await time.pass(60_000);
  assertEquals(totals, [["warn", { malformed: 1 }]]);
});

Deno.test("where nothing but what is everyday was dropped, so are the totals", async () => {
  const { time, totals, drop } = bench();
  drop("unexpected");
  await time.pass(10_000);
  assertEquals(totals, [["debug", { unexpected: 1 }]]);
});
