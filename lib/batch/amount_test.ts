import { assertEquals, assertThrows } from "@std/assert";
import { encode, type ValueType } from "@std/msgpack";
import { UsageError, WireError } from "../errors.ts";
import { decodeMessage, encodeMessage } from "../msgpack_codec.ts";
import { AMOUNT, type Amount, parseAmount, resolveAmount } from "./amount.ts";

Deno.test("amounts: a number or a share, of any total", () => {
  const cases: [string, number, number][] = [
    ["10", 100, 10],
    ["10", 3, 3],
    ["10%", 100, 10],
    ["10%", 11, 2],
    ["10%", 1, 1],
    ["7%", 100, 7],
    ["0.5%", 1_000, 5],
    ["100%", 7, 7],
    ["10%", 0, 0],
  ];
  for (const [text, total, count] of cases) {
    assertEquals(resolveAmount(parseAmount(text), total), count, `${text} of ${total}`);
  }
  for (const text of ["", "0", "-1", "1.5", "0%", "101%", "ten", "10 %%"]) {
    assertThrows(() => parseAmount(text), UsageError, "10%");
  }
});

Deno.test("an amount comes back as it was, at its bounds too", () => {
  const amounts: readonly Amount[] = [
    { type: "count", count: 1 },
    { type: "count", count: Number.MAX_SAFE_INTEGER },
    { type: "percent", percent: 0.5 },
    { type: "percent", percent: 100 },
  ];
  for (const amount of amounts) {
    const bytes = encodeMessage(AMOUNT, amount);
    assertEquals(decodeMessage(bytes, { codec: AMOUNT, what: "an amount" }), amount);
  }
});

Deno.test("an amount of nobody, of more than all or of no known kind is refused", () => {
  const cases: [ValueType, string][] = [
    [{ type: "count", count: 0 }, "an amount.count must be above 0"],
    [{ type: "count", count: -1 }, "an amount.count must be a whole number"],
    [{ type: "count", count: 1.5 }, "an amount.count must be a whole number"],
    [{ type: "count", percent: 5 }, "an amount.count must be a whole number"],
    [{ type: "percent", percent: 0 }, "an amount.percent must be above 0 and at most 100"],
    [{ type: "percent", percent: -5 }, "an amount.percent must be above 0 and at most 100"],
    [{ type: "percent", percent: 100.5 }, "an amount.percent must be above 0 and at most 100"],
    [{ type: "percent", percent: NaN }, "an amount.percent must be a number"],
    [{ type: "percent", percent: "10" }, "an amount.percent must be a number"],
    [{ type: "all" }, "an amount.type must be one of count, percent"],
    [10, "an amount must be a map"],
  ];
  for (const [value, expected] of cases) {
    const read = () => decodeMessage(encode(value), { codec: AMOUNT, what: "an amount" });
    assertEquals(assertThrows(read, WireError).message, expected);
  }
});
