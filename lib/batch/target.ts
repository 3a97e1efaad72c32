/**
 * Targets: the members that a batch is for. Every node decides by itself whether a target names it.
 * @module
 */
import { UsageError } from "../errors.ts";
import {
  META_MAX_BYTES,
  NAME_MAX_BYTES,
  TARGET_MAX_CONDITIONS,
  TARGET_MAX_NODES,
} from "../limits.ts";
import { boolean, type Codec, list, optional, record, row, text } from "../msgpack_codec.ts";
import { utf8Length } from "../utf8.ts";

/** One condition on a member's tags; a tag that is absent equals nothing. */
export interface TagCondition {
  /** The tag's name. */
  readonly key: string;
  /** Whether the value must be this one, or anything else. */
  readonly equal: boolean;
  /** The value that the tag's is compared with. */
  readonly value: string;
}

/** The members that a batch is for. Absent fields do not restrict; all given ones are ANDed. */
export interface Target {
  /** Tag conditions, ANDed. */
  readonly tags?: readonly TagCondition[];
  /** Node names with `*` and `?` as wildcards; one match suffices. */
  readonly nodes?: readonly string[];
}

/** What of a member a target is compared with. */
export interface TargetedMember {
  /** Its name. */
  readonly name: string;
  /** Its tags. */
  readonly tags: ReadonlyMap<string, string>;
}

/** A target as it travels in a batch and in a request. */
export const TARGET: Codec<Target> = record<Target>({
  tags: optional(list(
    row<TagCondition>({
      key: text({ min: 1, max: META_MAX_BYTES }),
      equal: boolean,
      value: text({ max: META_MAX_BYTES }),
    }),
    TARGET_MAX_CONDITIONS,
  )),
  nodes: optional(list(text({ min: 1, max: NAME_MAX_BYTES }), TARGET_MAX_NODES)),
});

/** Whether the target names this member. */
export function matchesTarget(target: Target, peer: TargetedMember): boolean {
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
      `the target has ${conditions.length} conditions; maximum ${TARGET_MAX_CONDITIONS}`,
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
      `the node list has ${patterns.length} names; maximum ${TARGET_MAX_NODES}: use patterns`,
    );
  }
  return patterns;
}
