import { assertEquals } from "@std/assert";
import type { Log } from "../runtime.ts";
import type { Member, SwimEvent } from "../swim/types.ts";
import { logMemberEvent } from "./member_log.ts";

const ADDRESS = { host: "192.0.2.1", port: 1 };
const OTHER = { host: "192.0.2.2", port: 2 };

function member(name: string, fields: Partial<Member> = {}): Member {
  return {
    name,
    address: ADDRESS,
    meta: new Uint8Array(),
    state: "alive",
    incarnation: 1,
    versions: [1, 5, 5, 0, 5, 5],
    stateSinceMs: 0,
    ...fields,
  };
}

/** What each event comes to; `undefined` where it is no line. */
const LINES: readonly [SwimEvent, string | undefined][] = [
  [{ type: "member_joined", member: member("b") }, "info member joined"],
  [{ type: "member_joined", member: member("me") }, undefined],
  [{ type: "member_failed", member: member("b"), by: "c" }, "warn member failed"],
  [{ type: "member_left", member: member("b") }, "info member left"],
  [
    { type: "member_degraded", member: member("b", { degraded: "udp" }) },
    "warn member is reachable by UDP only: find what blocks TCP",
  ],
  [
    { type: "member_degraded", member: member("b", { degraded: "tcp" }) },
    "warn member is reachable by TCP only: find what blocks UDP",
  ],
  [
    { type: "member_degraded", member: member("b") },
    "warn member is reachable by UDP and TCP again",
  ],
  [{ type: "join_succeeded", address: ADDRESS, members: 3 }, "info joined the cluster"],
  [
    { type: "join_failed", address: ADDRESS, reason: "refused" },
    "warn cannot join through this peer yet: refused",
  ],
  [
    { type: "name_conflict", name: "me", held: ADDRESS, claimed: OTHER },
    'error name conflict: the node at 192.0.2.2:2 is named "me" as this one (192.0.2.1:1): ' +
    "give one of them another -name",
  ],
  [
    { type: "name_conflict", name: "b", held: ADDRESS, claimed: OTHER },
    'error name conflict: the nodes at 192.0.2.1:1 and 192.0.2.2:2 are both named "b": ' +
    "give one of them another -name",
  ],
  [{ type: "left" }, undefined],
];

for (const [event, expected] of LINES) {
  Deno.test(`${event.type}: ${expected ?? "no line"}`, () => {
    const lines: string[] = [];
    const write: Log["write"] = (...[level, , message]) => void lines.push(`${level} ${message}`);
    logMemberEvent(event, { log: { write }, self: "me" });
    assertEquals(lines, expected === undefined ? [] : [expected]);
  });
}
