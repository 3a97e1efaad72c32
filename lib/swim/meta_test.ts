import { assertEquals, assertThrows } from "@std/assert";
import { encode } from "@std/msgpack";
import { UsageError } from "../errors.ts";
import { META_MAX_BYTES } from "../limits.ts";
import { decodeMeta, encodeMeta } from "./meta.ts";

Deno.test("tags survive the way, and say who runs gossipcheck", () => {
  const tags = new Map([["role", "web"], ["zone", "bö"], ["", ""]]);
  assertEquals(decodeMeta(encodeMeta(tags)), { runsGossipcheck: true, tags });
  assertEquals(decodeMeta(encodeMeta(new Map())), { runsGossipcheck: true, tags: new Map() });
});

Deno.test("a node tells in which of its lives it is; what is no session is none", () => {
  const tags = new Map([["role", "web"]]);
  const session = "0123456789abcdef";
  assertEquals(decodeMeta(encodeMeta(tags, session)), { runsGossipcheck: true, tags, session });
  for (
    const value of ["1", "1 ", "2 0123456789abcdef", "1 0123456789ABCDEF", "1 0123456789abcde"]
  ) {
    const meta = new Uint8Array([255, ...encode({ role: "web", gossipcheck: value })]);
    assertEquals(decodeMeta(meta), { runsGossipcheck: true, tags }, value);
  }
});

Deno.test("Serf's tags are seen, and are not ours", () => {
  const meta = new Uint8Array([255, ...encode({ role: "db" })]);
  assertEquals(decodeMeta(meta), { runsGossipcheck: false, tags: new Map([["role", "db"]]) });
});

Deno.test("whatever else stands there is someone else's", () => {
  const metas = [
    [],
    [255],
    [1, 2, 3],
    [255, 0xc1],
    [255, 0x91, 0x01],
    [255, 0xdf, 0xff, 0xff, 0xff, 0xff],
    [255, ...encode("text")],
    Array<number>(META_MAX_BYTES + 1).fill(255),
  ];
  for (const meta of metas) {
    const decoded = decodeMeta(new Uint8Array(meta));
    assertEquals(decoded, { runsGossipcheck: false, tags: new Map() }, `${meta.slice(0, 8)}`);
  }
});

Deno.test("values that are no texts are left out", () => {
  const meta = new Uint8Array([255, ...encode({ a: "1", b: 2, c: ["x"] })]);
  assertEquals(decodeMeta(meta).tags, new Map([["a", "1"]]));
});

Deno.test("tags that cannot be published are refused", () => {
  assertThrows(() => encodeMeta(new Map([["gossipcheck", "0"]])), UsageError, "reserved");
  assertThrows(() => encodeMeta(new Map([["a", "x".repeat(600)]])), UsageError, "512 is the most");
  const room = META_MAX_BYTES - encodeMeta(new Map([["a", ""]])).length;
  // From 32 bytes on the text's own length takes one byte more, from 256 on two.
  assertEquals(encodeMeta(new Map([["a", "x".repeat(room - 2)]])).length, META_MAX_BYTES);
});
