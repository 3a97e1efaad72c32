import { assertEquals } from "@std/assert";
import { settle } from "../../tests/support/virtual_time.ts";
import { ProgressFeed } from "./progress_feed.ts";

/** Follows a feed; `seen` grows as names come. */
function follow(feed: ProgressFeed, signal = new AbortController().signal) {
  const seen: string[] = [];
  const ended = (async () => {
    for await (const node of feed.changes(signal)) seen.push(node);
    seen.push("(end)");
  })();
  return { seen, ended };
}

Deno.test("names come as they change, and the end when all have answered", async () => {
  const feed = new ProgressFeed();
  const { seen, ended } = follow(feed);
  feed.changed("a");
  await settle();
  assertEquals(seen, ["a"]);
  feed.changed("b");
  feed.changed("a");
  feed.settled();
  await ended;
  assertEquals(seen, ["a", "b", "a", "(end)"]);
});

Deno.test("a slow reader gets each name once, and all of them before the end", async () => {
  const feed = new ProgressFeed();
  for (let i = 0; i < 1000; i++) feed.changed(`n${i % 3}`);
  feed.settled();
  const { seen, ended } = follow(feed);
  await ended;
  assertEquals(seen, ["n0", "n1", "n2", "(end)"]);
});

Deno.test("an abort ends it, before, while and after it waits", async () => {
  const before = follow(new ProgressFeed(), AbortSignal.abort());
  await before.ended;
  const abort = new AbortController();
  const feed = new ProgressFeed();
  const { seen, ended } = follow(feed, abort.signal);
  await settle();
  abort.abort();
  await ended;
  feed.changed("late");
  assertEquals([before.seen, seen], [["(end)"], ["(end)"]]);
});
