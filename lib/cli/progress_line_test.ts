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
    rollout: () => view.state?.rollout,
  });
  return { view, written, line };
}

Deno.test("the line is redrawn in place while the batch runs, and erased at its end", async () => {
  const time = new VirtualTime();
  const { view, written, line } = lineOn(time, true);
  line.start();
  view.update({ node: "a", state: "done", about: "checks", results: [] });
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

Deno.test("the line shows the stage and the skipped members if there are any", async () => {
  const time = new VirtualTime();
  const { view, written, line } = lineOn(time, true);
  line.start();
  const rollout = { stage: 1, stages: 3, failures: 0, maxFailures: 0, stopped: false };
  view.setState({ target: {}, cancelled: false, rollout });
  await time.pass(100);
  view.update({ node: "b", state: "skipped", reason: "rollout_stopped" });
  view.update({ node: "c", state: "skipped", reason: "rollout_stopped" });
  await time.pass(100);
  line.stop();
  assertEquals(written[1], "\r\x1b[K0/3 answered, 0 failing, stage 1/3, 0.1s");
  assertEquals(written[2], "\r\x1b[K0/3 answered, 2 skipped, 0 failing, stage 1/3, 0.2s");
});

Deno.test("without a terminal nothing is written", async () => {
  const time = new VirtualTime();
  const { written, line } = lineOn(time, false);
  line.start();
  await time.pass(1_000);
  line.stop();
  assertEquals(written, []);
});
