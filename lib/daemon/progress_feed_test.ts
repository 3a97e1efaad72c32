import { assertEquals } from "@std/assert";
import { settle } from "../../tests/support/virtual_time.ts";
import { ProgressFeed } from "./progress_feed.ts";

/** Collects the names that a feed yields in `seen`. */
function follow(feed: ProgressFeed, signal = new AbortController().signal) {
  const seen: string[] = [];
  const ended = (async () => {
    for await (const node of feed.changes(signal)) seen.push(node);
    seen.push("(end)");
  })();
  return { seen, ended };
}

Deno.test("names are yielded as they change, until the batch is settled", async () => {
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

Deno.test("a slow reader gets each name once, and all names before the end", async () => {
  const feed = new ProgressFeed();
  for (let i = 0; i < 1000; i++) feed.changed(`n${i % 3}`);
  feed.settled();
  const { seen, ended } = follow(feed);
  await ended;
  assertEquals(seen, ["n0", "n1", "n2", "(end)"]);
});

Deno.test("an abort ends the feed, before and while it waits", async () => {
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
