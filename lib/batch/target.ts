/**
 * Whom a batch is for: matching members, reading what an operator writes, and drawing a sample.
 * Every node decides by itself whether a target names it; a sample is drawn once, at the origin,
 * where the members are known, since "10 of them" must be 10 and not about 10.
 * @module
 */
import type { Random } from "../runtime.ts";
import { UsageError } from "../errors.ts";
import {
  META_MAX_BYTES,
  NAME_MAX_BYTES,
  TARGET_MAX_CONDITIONS,
  TARGET_MAX_NODES,
} from "../limits.ts";
import { utf8Length } from "../utf8.ts";
import type { Amount, Peer, TagCondition, Target } from "../gossip/types.ts";

/** Whether the target names this member. */
export function matchesTarget(target: Target, peer: Pick<Peer, "name" | "tags">): boolean {
  const tags = target.tags ?? [];
  const nodes = target.nodes ?? [];
  return tags.every((tag) => (peer.tags.get(tag.key) === tag.value) === tag.equal) &&
    (nodes.length === 0 || nodes.some((pattern) => matchesPattern(pattern, peer.name)));
}

/** Whether a name of a target has wildcards. */
export function isPattern(name: string): boolean {
  return /[*?]/.test(name);
}

/** Whether `*` (any characters, also none) and `?` (any one) in the pattern fit the name. */
export function matchesPattern(pattern: string, name: string): boolean {
  let at = 0;
  let position = 0;
  // Where to go back to: after the last star, which then swallows one character more. One star is
  // enough to remember, so hostile patterns take at most pattern times name.
  let star = -1;
  let starPosition = 0;
  while (position < name.length) {
    const character = pattern[at];
    if (character === "*") {
      star = at++;
      starPosition = position;
    } else if (character === "?" || character === name[position]) {
      at++;
      position++;
    } else if (star >= 0) {
      at = star + 1;
      position = ++starPosition;
    } else {
      return false;
    }
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}

/** Reads `role=web,zone!=b`: conditions that must all hold. Raises `UsageError`. */
export function parseTagConditions(text: string): TagCondition[] {
  const conditions = text.split(",").map((part) => {
    const match = /^([^=!]+)(!?=)(.*)$/.exec(part.trim());
    if (match === null) {
      throw new UsageError(
        `"${part}" in the target "${text}" is no condition; write tag=value or tag!=value`,
      );
    }
    const [, key = "", operator = "", value = ""] = match;
    if (utf8Length(part) > META_MAX_BYTES) {
      throw new UsageError(
        `a condition of the target is over ${META_MAX_BYTES} bytes; no node's tags are so long`,
      );
    }
    return { key: key.trim(), equal: operator === "=", value: value.trim() };
  });
  if (conditions.length > TARGET_MAX_CONDITIONS) {
    throw new UsageError(
      `the target has ${conditions.length} conditions; ${TARGET_MAX_CONDITIONS} are the most`,
    );
  }
  return conditions;
}

/** Reads `a,b,'web-*'`: names and patterns, quoted or not. Raises `UsageError`. */
export function parseNodePatterns(text: string): string[] {
  const patterns = text.split(",").map((part) => {
    const pattern = part.trim().replace(/^(['"])(.*)\1$/, "$2");
    if (pattern === "") {
      throw new UsageError(`the node list "${text}" has an empty name; write names between commas`);
    }
    if (utf8Length(pattern) > NAME_MAX_BYTES) {
      throw new UsageError(
        `"${pattern}" is over ${NAME_MAX_BYTES} bytes; no node's name is so long`,
      );
    }
    return pattern;
  });
  if (patterns.length > TARGET_MAX_NODES) {
    throw new UsageError(
      `the node list has ${patterns.length} names; ${TARGET_MAX_NODES} are the most, use patterns`,
    );
  }
  return patterns;
}

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

/** `count` of the items in random order; all of them where there are fewer. */
export function sample<T>(
  items: Iterable<T>,
  options: { readonly count: number; readonly random: Random },
): T[] {
  return draw([...items], options);
}

/** As `sample` (Fisher and Yates), and the pool itself becomes the sample: each push draws one. */
export function draw<T>(
  pool: T[],
  options: { readonly count: number; readonly random: Random },
): T[] {
  const count = Math.min(options.count, pool.length);
  for (let index = 0; index < count; index++) {
    const other = index + Math.floor(options.random.next() * (pool.length - index));
    const drawn = pool[other] as T;
    pool[other] = pool[index] as T;
    pool[index] = drawn;
  }
  pool.length = count;
  return pool;
}
