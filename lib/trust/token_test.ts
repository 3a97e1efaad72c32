import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { UsageError } from "../errors.ts";
import { newTokenText, parseToken, TOKEN_BYTES } from "./token.ts";

const RANDOM = {
  next: () => 0,
  bytes: (length: number) => Uint8Array.from({ length }, (_, index) => 200 + index),
};

Deno.test("a token's text is read back", () => {
  const text = newTokenText(RANDOM);
  assertMatch(text, /^[0-9a-f]{64}\n$/);
  const token = parseToken(text, { source: "file" });
  assertEquals(token, RANDOM.bytes(TOKEN_BYTES));
  assertEquals(parseToken(text.trimEnd().toUpperCase(), { source: "variable" }), token);
});

Deno.test("what is no token is refused without quoting it", () => {
  const good = newTokenText(RANDOM).trimEnd();
  for (const text of ["", "\n", good.slice(1), `${good}0`, `x${good.slice(1)}`, ` ${good}`]) {
    const error = assertThrows(() => parseToken(text, { source: "my token" }), UsageError);
    assertMatch(error.message, /^my token holds no token: expected 64 hex digits$/);
    assert(!error.message.includes(good.slice(1)));
  }
});
