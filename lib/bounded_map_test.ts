import { assertEquals } from "@std/assert";
import { BoundedMap } from "./bounded_map.ts";

Deno.test("the oldest entry is evicted; to set a key makes it the newest", () => {
  const map = new BoundedMap<string, number>({ max: 2 });
  map.set("a", 1).set("b", 2);
  assertEquals(map.setAndEvict("a", 3), undefined);
  assertEquals(map.setAndEvict("c", 4), ["b", 2]);
  assertEquals([...map], [["a", 3], ["c", 4]]);
  assertEquals([map.get("b"), map.has("b"), map.size], [undefined, false, 2]);
});

Deno.test("a map of one holds the newest entry", () => {
  const map = new BoundedMap<number, number>({ max: 1 });
  for (let key = 0; key < 5; key++) map.set(key, key);
  assertEquals([...map.keys()], [4]);
});
