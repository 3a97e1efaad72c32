/**
 * A number of members or a share of them, as `-limit` and the stages of a roll-out take it.
 * @module
 */
import { UsageError } from "../errors.ts";
import { checked, type Codec, count, malformed, number, tagged } from "../msgpack_codec.ts";

/** A number of members, at least 1, or a share of them: above 0, at most 100, rounded up to whole members. */
export type Amount =
  | { readonly type: "count"; readonly count: number }
  | { readonly type: "percent"; readonly percent: number };

/** Reads `10` or `10%`. Raises `UsageError`. */
export function parseAmount(text: string): Amount {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim());
  const value = Number(match?.[1]);
  if (match?.[2] === "%" && value > 0 && value <= 100) return { type: "percent", percent: value };
  if (match?.[2] === "" && Number.isSafeInteger(value) && value > 0) {
    return { type: "count", count: value };
  }
  throw new UsageError(
    `"${text}" is no amount; write a number of members, as 10, or a share, as 10%`,
  );
}

/** How many of `total` an amount is: at least 1 where there is any, at most all. */
export function resolveAmount(amount: Amount, total: number): number {
  // Rounded in between, since 7 % of 100 is 7.000000000000001 to a computer.
  const wanted = amount.type === "count"
    ? amount.count
    : Math.ceil(Number((total * amount.percent / 100).toFixed(6)));
  return Math.min(total, Math.max(1, wanted));
}

/** An amount as it travels in a request. */
export const AMOUNT: Codec<Amount> = tagged<Amount, "type">("type", {
  count: { count: checked(count(), (value, at) => inRange(value, { at, max: Infinity })) },
  percent: { percent: checked(number, (value, at) => inRange(value, { at, max: 100 })) },
});

function inRange(value: number, { at, max }: { at: string; max: number }): number {
  if (value > 0 && value <= max) return value;
  throw malformed(at, max === Infinity ? "above 0" : `above 0 and at most ${max}`);
}
