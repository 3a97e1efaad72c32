import { assertEquals, assertThrows } from "@std/assert";
import { encode } from "@std/msgpack";
import { UsageError } from "../errors.ts";
import { META_MAX_BYTES } from "../limits.ts";
import { decodeMeta, encodeMeta } from "./meta.ts";

Deno.test("tags survive a round trip, and mark a node that runs gossipcheck", () => {
  const tags = new Map([["role", "web"], ["zone", "bö"], ["", ""]]);
  assertEquals(decodeMeta(encodeMeta(tags)), { runsGossipcheck: true, tags });
  assertEquals(decodeMeta(encodeMeta(new Map())), { runsGossipcheck: true, tags: new Map() });
});

Deno.test("the session survives a round trip; a value in another format is ignored", () => {
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

Deno.test("Serf's tags are decoded, and the node does not run gossipcheck", () => {
  const meta = new Uint8Array([255, ...encode({ role: "db" })]);
  assertEquals(decodeMeta(meta), { runsGossipcheck: false, tags: new Map([["role", "db"]]) });
});

Deno.test("metadata in another format decodes to no tags", () => {
  const metas = [
    [],
    [255],
    [1, 2, 3],
    [254, ...encode({ gossipcheck: "1" })],
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

Deno.test("tag values that are not strings are ignored", () => {
  const meta = new Uint8Array([255, ...encode({ a: "1", b: 2, c: ["x"] })]);
  assertEquals(decodeMeta(meta).tags, new Map([["a", "1"]]));
});

Deno.test("reserved tags and tags that are too long raise UsageError", () => {
  assertThrows(() => encodeMeta(new Map([["gossipcheck", "0"]])), UsageError, "reserved");
  assertThrows(() => encodeMeta(new Map([["a", "x".repeat(600)]])), UsageError, "maximum 512");
  const room = META_MAX_BYTES - encodeMeta(new Map([["a", ""]])).length;
  // The length of a string takes one more byte from 32 bytes on, and two more from 256 on.
  const longest = encodeMeta(new Map([["a", "x".repeat(room - 2)]]));
  assertEquals(longest.length, META_MAX_BYTES);
  assertEquals(decodeMeta(longest).runsGossipcheck, true);
  assertThrows(() => encodeMeta(new Map([["a", "x".repeat(room - 1)]])), UsageError, "513 bytes");
});
