import { assertEquals, assertStringIncludes } from "@std/assert";
import type { NodeState, Versions } from "../wire/messages.ts";
import { adoptVersions, incompatibility, plausibleVersions } from "./versions.ts";

const OURS: Versions = [1, 5, 2, 0, 5, 0];
const SERF: Versions = [1, 5, 2, 2, 5, 4];
const BARE: Versions = [1, 5, 2, 0, 0, 0];

function nodes(...all: readonly Versions[]) {
  return all.map((versions, index) => ({
    name: `n${index}`,
    state: "alive" as NodeState,
    versions,
  }));
}

Deno.test("adoptVersions follows the delegate versions of the alive nodes", () => {
  const table: readonly [string, Versions, readonly Versions[], number][] = [
    ["alone", OURS, [], 0],
    ["among gossipcheck nodes", OURS, [OURS, OURS], 0],
    ["into Serf", OURS, [SERF, SERF], 4],
    ["into Serf of two versions, most speak 5", OURS, [SERF, [1, 5, 2, 2, 5, 5], [
      1,
      5,
      2,
      2,
      5,
      5,
    ]], 5],
    ["gossipcheck nodes, Serf joins", OURS, [OURS, OURS, SERF], 4],
    ["among bare nodes", OURS, [BARE, BARE], 0],
    ["among bare nodes, from Serf's version", [1, 5, 2, 0, 5, 4], [BARE], 0],
    ["no version fits all", OURS, [SERF, BARE], 0],
    ["the lowest that fits already", [1, 5, 2, 0, 5, 2], [SERF], 2],
    ["the highest that fits already", [1, 5, 2, 0, 5, 4], [[1, 5, 2, 0, 4, 3]], 4],
    ["as many speak 4 as 5", OURS, [SERF, [1, 5, 2, 2, 5, 5]], 4],
  ];
  for (const [what, own, others, expected] of table) {
    assertEquals(adoptVersions(own, nodes(...others))[5], expected, what);
  }
});

Deno.test("failed members do not count", () => {
  const failed = nodes(SERF).map((node) => ({ ...node, state: "dead" as NodeState }));
  assertEquals(adoptVersions(OURS, failed), OURS);
  assertEquals(incompatibility(OURS, failed), undefined);
});

Deno.test("incompatibility names the node and its versions", () => {
  assertEquals(incompatibility(OURS, nodes(OURS, BARE)), undefined);
  assertStringIncludes(incompatibility(OURS, nodes(SERF)) ?? "", "n0 speaks delegate version 4");
  const [suspect] = nodes(SERF).map((node) => ({ ...node, state: "suspect" as NodeState }));
  assertStringIncludes(incompatibility(OURS, [suspect!]) ?? "", "n0 speaks delegate version 4");
  const protocol = incompatibility(OURS, nodes(OURS, [6, 9, 7, 0, 5, 0]));
  assertStringIncludes(protocol ?? "", "n1 speaks protocol version 7 (6 to 9)");
});

Deno.test("minimum and maximum protocol versions of 0 or in wrong order are not plausible", () => {
  assertEquals(plausibleVersions(OURS), true);
  assertEquals(plausibleVersions([5, 5, 5, 0, 0, 0]), true);
  for (const [min, max] of [[0, 5], [1, 0], [3, 2]]) {
    assertEquals(plausibleVersions([min!, max!, 2, 0, 0, 0]), false, `${min} to ${max}`);
  }
});
