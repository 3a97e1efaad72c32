import { assertEquals } from "@std/assert";
import { VirtualTime } from "../../tests/support/virtual_time.ts";
import { BatchView } from "./batch_view.ts";
import { ProgressLine } from "./progress_line.ts";

function lineOn(time: VirtualTime, live: boolean) {
  const view = new BatchView({ checks: [] });
  view.expect(["a", "b", "c"]);
  const written: string[] = [];
  const line = new ProgressLine({
    live,
    write: (text) => written.push(text),
    clock: time,
    timers: time,
    counts: () => view.counts(),
  });
  return { view, written, line };
}

Deno.test("the line is redrawn in place while the batch goes on, and taken away at its end", async () => {
  const time = new VirtualTime();
  const { view, written, line } = lineOn(time, true);
  line.start();
  view.update({ node: "a", state: "done", results: [] });
  await time.pass(100);
  view.update({ node: "b", state: "unreached", memberState: "dead" });
  await time.pass(900);
  line.stop();
  assertEquals(written.length, 12);
  assertEquals(written[0], "\r\x1b[K0/3 answered, 0 failing, 0.0s");
  assertEquals(written[1], "\r\x1b[K1/3 answered, 0 failing, 0.1s");
  assertEquals(written[10], "\r\x1b[K1/3 answered, 1 unreached, 0 failing, 1.0s");
  assertEquals(written[11], "\r\x1b[K");
  assertEquals(time.pending, 0);
});

Deno.test("where there is no terminal nothing is written", async () => {
  const time = new VirtualTime();
  const { written, line } = lineOn(time, false);
  line.start();
  await time.pass(1_000);
  line.stop();
  assertEquals(written, []);
});
