import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { UsageError } from "../errors.ts";
import { clientToken } from "./client_token.ts";

const TEXT = `${"0123456789abcdef".repeat(4)}\n`;

function bench(texts: Record<string, string> = {}) {
  const found = new Map(Object.entries(texts));
  const removed: string[] = [];
  const files = {
    read: (path: string) => {
      if (path === "loose") throw new UsageError("loose can be read or written by others");
      return found.get(path);
    },
    create: (path: string, text: string) => void found.set(path, text),
    removeUnfinished: (path: string) => void removed.push(path),
  };
  let next = 0;
  const random = {
    next: () => 0,
    bytes: (length: number) => Uint8Array.from({ length }, () => next++),
  };
  const take = (named?: string, own?: string) => clientToken({ named, own, files, random });
  return { found, removed, take };
}

Deno.test("a token is made once, where there is none", () => {
  const { found, removed, take } = bench();
  const first = take(undefined, "state/token");
  assertMatch(found.get("state/token") ?? "", /^[0-9a-f]{64}\n$/);
  assertEquals(first?.file, "state/token");
  assertEquals(first?.token.length, 32);
  assertEquals(removed, ["state/token"]);
  assertEquals(take(undefined, "state/token"), first);
});

Deno.test("a file that a flag names wins over the state directory's and is never made", () => {
  const { found, take } = bench({ mine: TEXT });
  assertEquals(take("mine", "state/token")?.file, "mine");
  assertThrows(
    () => take("absent", "state/token"),
    UsageError,
    "flag -token-file: absent does not exist",
  );
  assertThrows(() => take("loose"), UsageError, "flag -token-file: loose can be read");
  assertEquals([...found.keys()], ["mine"]);
});

Deno.test("a file that holds something else stops the daemon without being quoted", () => {
  const { take } = bench({ "state/token": "hello world" });
  const error = assertThrows(() => take(undefined, "state/token"), UsageError, "state/token holds");
  assertEquals(error.message.includes("hello"), false);
});

Deno.test("without a state directory and without the flag there is no token", () => {
  assertEquals(bench().take(), undefined);
});
