import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { AddressError, HostError, UsageError } from "./errors.ts";
import { inFlag, withSource } from "./flag_errors.ts";

function failing(error: Error): () => never {
  return () => {
    throw error;
  };
}

Deno.test("a usage or address error names the flag, and keeps the original as its cause", () => {
  for (const original of [new UsageError("bad value"), new AddressError("bad value")]) {
    const error = assertThrows(() => inFlag("-bind", failing(original)), UsageError);
    assertEquals(error.message, "flag -bind: bad value");
    assertStrictEquals(error.cause, original);
  }
});

Deno.test("the sources of an error stand in their order", () => {
  const read = () => withSource("/etc/keys", failing(new UsageError("line 1 is no key")));
  const error = assertThrows(() => inFlag("-trusted-keys", read), UsageError);
  assertEquals(error.message, "flag -trusted-keys: /etc/keys: line 1 is no key");
});

Deno.test("an error that is not the user's passes unchanged", () => {
  for (const original of [new HostError("disk failed"), new TypeError("bug")]) {
    assertStrictEquals(assertThrows(() => inFlag("-bind", failing(original)), Error), original);
  }
});

Deno.test("a promise that is rejected names the flag too", async () => {
  const rejected = Promise.reject(new UsageError("no key"));
  await assertRejects(() => inFlag("-sign", () => rejected), UsageError, "flag -sign: no key");
  const original = new HostError("disk failed");
  const passed = await assertRejects(() => inFlag("-sign", () => Promise.reject(original)), Error);
  assertStrictEquals(passed, original);
  assertEquals(await inFlag("-sign", () => Promise.resolve(1)), 1);
  assertEquals(inFlag("-sign", () => 2), 2);
});
