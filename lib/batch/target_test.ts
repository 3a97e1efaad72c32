import { assert, assertEquals, assertThrows } from "@std/assert";
import { encode, type ValueType } from "@std/msgpack";
import { type DropReason, UsageError, WireError } from "../errors.ts";
import { TARGET_MAX_CONDITIONS, TARGET_MAX_NODES } from "../limits.ts";
import { decodeMessage, encodeMessage } from "../msgpack_codec.ts";
import {
  isPattern,
  matchesPattern,
  matchesTarget,
  parseNodePatterns,
  parseTagConditions,
  TARGET,
  type Target,
} from "./target.ts";

const PATTERNS: [string, string, boolean][] = [
  ["a", "a", true],
  ["a", "b", false],
  ["a", "ab", false],
  ["*", "", true],
  ["*", "anything", true],
  ["web-*", "web-", true],
  ["web-*", "web-1", true],
  ["web-*", "db-1", false],
  ["*-1", "web-1", true],
  ["*-1", "web-11", false],
  ["?", "", false],
  ["?", "x", true],
  ["w?b*", "web-1", true],
  ["*a*b*c", "xxaxxbxxbc", true],
  ["*a*b*c", "xxaxxcxxb", false],
  ["a**b", "ab", true],
  ["a.c", "abc", false],
  ["", "", true],
  ["", "a", false],
];

Deno.test("patterns: star and question mark, and nothing else, stand for others", () => {
  for (const [pattern, name, matches] of PATTERNS) {
    assertEquals(matchesPattern(pattern, name), matches, `${pattern} ${name}`);
  }
});

Deno.test("patterns: a hostile one takes no longer than its length times the name's", () => {
  const startedMs = performance.now();
  assert(!matchesPattern("*a".repeat(120) + "b", "a".repeat(255)));
  assert(performance.now() - startedMs < 100);
});

Deno.test("targets: conditions are ANDed, names are ORed, nothing restricts nothing", () => {
  const peer = { name: "web-1", tags: new Map([["role", "web"], ["zone", "a"]]) };
  const cases: [string, string, boolean][] = [
    ["", "", true],
    ["role=web", "", true],
    ["role=web,zone!=b", "", true],
    ["role=web,zone=b", "", false],
    ["rack!=7", "", true],
    ["rack=7", "", false],
    ["rack=", "", false],
    ["", "web-1", true],
    ["", "db-*,web-*", true],
    ["role=web", "db-*", false],
    ["role=db", "web-1", false],
  ];
  for (const [tags, nodes, matches] of cases) {
    const target = {
      ...(tags === "" ? {} : { tags: parseTagConditions(tags) }),
      ...(nodes === "" ? {} : { nodes: parseNodePatterns(nodes) }),
    };
    assertEquals(matchesTarget(target, peer), matches, `${tags} ${nodes}`);
  }
});

Deno.test("what an operator writes is read, or refused by name", () => {
  assertEquals(parseTagConditions("role=web, zone!=b,v=1=2"), [
    { key: "role", equal: true, value: "web" },
    { key: "zone", equal: false, value: "b" },
    { key: "v", equal: true, value: "1=2" },
  ]);
  assertEquals(parseNodePatterns(`a, b,'web-*',"c"`), ["a", "b", "web-*", "c"]);
  for (const text of ["", "role", "=web", "role=web,", "!=x"]) {
    assertThrows(() => parseTagConditions(text), UsageError, "tag=value");
  }
  for (const text of ["", "a,,b", "''"]) assertThrows(() => parseNodePatterns(text), UsageError);
  assertThrows(() => parseNodePatterns("x".repeat(300)), UsageError, "255");
  assertThrows(() => parseNodePatterns("a,".repeat(1_000) + "a"), UsageError, "1000");
  assertThrows(() => parseTagConditions("a=b,".repeat(64) + "a=b"), UsageError, "64");
});

Deno.test("a name with a wildcard is a pattern", () => {
  for (const name of ["*", "web-?", "a*b"]) assert(isPattern(name), name);
  for (const name of ["", "web-1", "web.1", "[a]"]) assert(!isPattern(name), name);
});

Deno.test("a target travels with what it restricts, and one of a later version is still read", () => {
  const tag = { key: "role", equal: false, value: "" };
  const targets: readonly Target[] = [
    {},
    { tags: [] },
    { tags: [tag] },
    { nodes: ["web-*", "größe"] },
    {
      tags: Array.from(
        { length: TARGET_MAX_CONDITIONS },
        () => ({ ...tag, value: "v".repeat(512) }),
      ),
      nodes: Array.from({ length: TARGET_MAX_NODES }, () => "n".repeat(255)),
    },
  ];
  for (const target of targets) {
    const bytes = encodeMessage(TARGET, target);
    assertEquals(decodeMessage(bytes, { codec: TARGET, what: "a target" }), target);
  }
  const later = encode({ tags: [["role", true, "web", "i"]], nodes: null, zones: ["a"] });
  assertEquals(decodeMessage(later, { codec: TARGET, what: "a target" }), {
    tags: [{ key: "role", equal: true, value: "web" }],
  });
});

Deno.test("a target that breaks a rule is refused with its place", () => {
  const cases: [ValueType, string, DropReason][] = [
    [["role=web"], "a target must be a map", "malformed"],
    [{ tags: [["", true, "x"]] }, "a target.tags[0].key must be text of at least 1", "malformed"],
    [{ tags: [["k", "=", "x"]] }, "a target.tags[0].equal must be true or false", "malformed"],
    [{ tags: ["x"] }, "a target.tags[0] must be an array", "malformed"],
    [{ tags: [["k", true, "v".repeat(513)]] }, "a target.tags[0].value is 513 bytes", "too_large"],
    [{ tags: Array(65).fill(["k", true, "v"]) }, "a target.tags has 65 entries", "too_many"],
    [{ nodes: "web-*" }, "a target.nodes must be a list", "malformed"],
    [{ nodes: [""] }, "a target.nodes[0] must be text of at least 1", "malformed"],
    [{ nodes: ["é".repeat(128)] }, "a target.nodes[0] is 256 bytes", "too_large"],
    [{ nodes: Array(1_001).fill("n") }, "a target.nodes has 1001 entries", "too_many"],
  ];
  for (const [value, expected, reason] of cases) {
    const read = () => decodeMessage(encode(value), { codec: TARGET, what: "a target" });
    assertEquals(assertThrows(read, WireError, expected).reason, reason, expected);
  }
});
