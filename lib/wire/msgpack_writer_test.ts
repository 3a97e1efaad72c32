import { assert, assertEquals } from "@std/assert";
import { MessageWriter } from "./msgpack_writer.ts";

/** The bytes that a writer with a buffer of one byte writes. */
function written(write: (writer: MessageWriter) => void): number[] {
  const writer = new MessageWriter({ capacityBytes: 1 });
  write(writer);
  return [...writer.finish()];
}

Deno.test("unsigned integers take the shortest form", () => {
  const table: readonly (readonly [number, readonly number[]])[] = [
    [0, [0]],
    [0x7f, [0x7f]],
    [0x80, [0xcc, 0x80]],
    [0xff, [0xcc, 0xff]],
    [0x100, [0xcd, 1, 0]],
    [0xffff, [0xcd, 0xff, 0xff]],
    [0x1_0000, [0xce, 0, 1, 0, 0]],
    [0xffff_ffff, [0xce, 0xff, 0xff, 0xff, 0xff]],
  ];
  for (const [value, bytes] of table) {
    assertEquals(written((writer) => writer.uint(value)), bytes, `${value}`);
  }
});

Deno.test("Go's int takes the shortest signed form of 16 or 32 bits", () => {
  const table: readonly (readonly [number, readonly number[]])[] = [
    [0x7f, [0x7f]],
    [0x80, [0xd1, 0, 0x80]],
    [0x7fff, [0xd1, 0x7f, 0xff]],
    [0x8000, [0xd2, 0, 0, 0x80, 0]],
    [0x7fff_ffff, [0xd2, 0x7f, 0xff, 0xff, 0xff]],
  ];
  for (const [value, bytes] of table) {
    assertEquals(written((writer) => writer.int(value)), bytes, `${value}`);
  }
});

Deno.test("strings and bytes have no 8-bit lengths", () => {
  const table: readonly (readonly [number, readonly number[]])[] = [
    [1, [0xa1]],
    [31, [0xbf]],
    [32, [0xda, 0, 32]],
    [0xffff, [0xda, 0xff, 0xff]],
    [0x1_0000, [0xdb, 0, 1, 0, 0]],
  ];
  for (const [length, header] of table) {
    const content = Array<number>(length).fill(0x61);
    const forms = [
      written((writer) => writer.text("a".repeat(length))),
      written((writer) => writer.raw(new Uint8Array(content))),
      written((writer) => writer.bytes(content)),
    ];
    for (const bytes of forms) {
      assertEquals(bytes.slice(0, header.length), header, `${length}`);
      assertEquals(bytes.length, header.length + length);
      assert(bytes.slice(header.length).every((byte) => byte === 0x61));
    }
  }
  assertEquals(written((writer) => writer.text("")), [0xa0]);
  assertEquals(written((writer) => writer.raw(new Uint8Array(0))), [0xc0], "Go's nil slice");
});

Deno.test("strings are written in UTF-8", () => {
  assertEquals(written((writer) => writer.text("a\x7f")), [0xa2, 0x61, 0x7f]);
  assertEquals(written((writer) => writer.text("a\x80")), [0xa3, 0x61, 0xc2, 0x80]);
  assertEquals(written((writer) => writer.text("日")), [0xa3, 0xe6, 0x97, 0xa5]);
});
