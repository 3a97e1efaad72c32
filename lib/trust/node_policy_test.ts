import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { CHECK_TYPES } from "../checks/registry.ts";
import { UsageError } from "../errors.ts";
import {
  needsProcesses,
  networkActionsRefusal,
  nodePolicy,
  type PolicyFlags,
} from "./node_policy.ts";

const KNOWN = [
  { name: "file_exists" },
  { name: "file_contains" },
  { name: "process_running", needsProcesses: true },
];

function policy(flags: Partial<PolicyFlags>, text = "mend a\n") {
  const readRulesFile = (path: string) => {
    if (path === "absent") throw new UsageError("absent is not there");
    return text;
  };
  return nodePolicy({ noActions: false, ...flags }, { readRulesFile, knownTypes: KNOWN });
}

Deno.test("flags that are not given restrict nothing", () => {
  assertEquals(policy({}).refusal("reboot"), undefined);
  assertEquals(policy({}).checkTypeAllowed("any"), true);
});

Deno.test("each flag restricts what it names, and says so", () => {
  assertMatch(policy({ noActions: true }).refusal("mend a") ?? "", /\(-no-actions\)/);
  const some = policy({ allowActionsFile: "file" });
  assertEquals(some.refusal("mend a"), undefined);
  assertMatch(some.refusal("mend b") ?? "", /-allow-actions/);
  const types = policy({ checkTypes: ["file_exists"] });
  assertEquals(types.checkTypeAllowed("file_exists"), true);
  assertEquals(types.checkTypeAllowed("file_contains"), false);
});

Deno.test("a flag that cannot be followed stops the node with its name", () => {
  assertThrows(
    () => policy({ checkTypes: ["file_exists", "process_runing"] }),
    UsageError,
    'flag -checks: unknown check type "process_runing": the nearest known one is process_running',
  );
  const cases: [string, string, string][] = [
    ["absent", "", "flag -allow-actions: absent is not there"],
    ["file", "a\0b", "flag -allow-actions: file line 1"],
  ];
  for (const [allowActionsFile, text, expected] of cases) {
    assertThrows(() => policy({ allowActionsFile }, text), UsageError, expected);
  }
});

Deno.test("processes are needed by actions and by some check types alone", () => {
  const needs = (flags: PolicyFlags) => needsProcesses(flags, KNOWN);
  assertEquals(needs({ noActions: false, checkTypes: ["file_exists"] }), true);
  assertEquals(needs({ noActions: true }), true);
  assertEquals(needs({ noActions: true, checkTypes: ["process_running"] }), true);
  const checkTypes = ["file_exists", "file_contains"];
  assertEquals(needs({ noActions: true, checkTypes }), false);
  assertEquals(needs({}), true, "actions run unless a flag forbids them");
});

Deno.test("what needs processes is known for every check type of this version", () => {
  const checkTypes = (needed: boolean) =>
    CHECK_TYPES.filter(({ name }) =>
      needsProcesses({ noActions: true, checkTypes: [name] }, CHECK_TYPES) === needed
    ).map(({ name }) => name);
  assertEquals(checkTypes(true), ["process_running"]);
  assertEquals(checkTypes(false).length, CHECK_TYPES.length - 1);
});

Deno.test("the network may run actions over a key, on loopback, or where the operator insists", () => {
  const open = { bound: { host: "192.0.2.1", port: 3505 }, onlyEncrypted: false, insecure: false };
  assertMatch(networkActionsRefusal(open) ?? "", /^this node listens at 192\.0\.2\.1:3505 without/);
  for (const host of ["0.0.0.0", "::", "10.0.0.1", "2001:db8::1"]) {
    assertEquals(networkActionsRefusal({ ...open, bound: { host, port: 1 } }) === undefined, false);
  }
  for (const host of ["127.0.0.1", "127.8.8.8", "::1"]) {
    assertEquals(networkActionsRefusal({ ...open, bound: { host, port: 1 } }), undefined);
  }
  assertEquals(networkActionsRefusal({ ...open, onlyEncrypted: true }), undefined);
  assertEquals(networkActionsRefusal({ ...open, insecure: true }), undefined);
});
