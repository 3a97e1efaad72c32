import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../errors.ts";
import { parseAllowedActions, Policy } from "./policy.ts";

Deno.test("a policy allows what no flag restricts", () => {
  const policy = new Policy({});
  assertEquals(policy.refusal("reboot"), undefined);
  assertEquals(policy.checkTypeAllowed("file_exists"), true);
});

Deno.test("a policy compares commands whole", () => {
  const allowedActions = parseAllowedActions("# mend\n\nservice nginx restart\n touch a\n", {
    source: "f",
  });
  const policy = new Policy({ allowedActions });
  const cases: [string, boolean][] = [
    ["service nginx restart", true],
    [" touch a", true],
    ["touch a", false],
    ["service nginx restart ", false],
    ["service nginx restart; reboot", false],
    ["", false],
    ["# mend", false],
  ];
  for (const [command, allowed] of cases) {
    assertEquals(policy.refusal(command) === undefined, allowed, command);
  }
});

Deno.test("no actions wins over allowed ones, and says why", () => {
  const policy = new Policy({ noActionsBecause: "why", allowedActions: new Set(["a"]) });
  assertEquals(policy.refusal("a"), "why");
});

Deno.test("only listed check types are allowed", () => {
  const policy = new Policy({ allowedCheckTypes: new Set(["file_exists"]) });
  assertEquals(policy.checkTypeAllowed("file_exists"), true);
  assertEquals(policy.checkTypeAllowed("process_running"), false);
});

Deno.test("a NUL byte in the file of allowed actions is refused", () => {
  assertThrows(() => parseAllowedActions("a\nb\0c", { source: "f" }), UsageError, "f line 2");
});
