import { assert, assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../errors.ts";
import {
  matchesPattern,
  matchesTarget,
  parseAmount,
  parseNodePatterns,
  parseTagConditions,
  resolveAmount,
  sample,
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

Deno.test("samples: as many as asked for, none twice, each as likely", () => {
  let state = 1;
  const random = {
    next: () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647,
    bytes: (length: number) => new Uint8Array(length),
  };
  const drawn = new Map<number, number>();
  for (let round = 0; round < 3_000; round++) {
    const some = sample([0, 1, 2, 3, 4], { count: 2, random });
    assertEquals(new Set(some).size, 2);
    for (const item of some) drawn.set(item, (drawn.get(item) ?? 0) + 1);
  }
  for (const count of drawn.values()) assert(count > 1_000 && count < 1_400, `${count}`);
  assertEquals(sample([1, 2], { count: 5, random }).sort(), [1, 2]);
  assertEquals(sample([], { count: 5, random }), []);
});
