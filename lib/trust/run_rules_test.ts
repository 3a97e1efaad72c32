import { assertEquals, assertThrows } from "@std/assert";
import { checkBatch, testId } from "../../tests/support/batches.ts";
import type { Batch } from "../batch/batch.ts";
import type { Check } from "../batch/check.ts";
import { HostError } from "../errors.ts";
import { RunRules, type RunRulesOptions } from "./run_rules.ts";

const CHECK: Check = { name: "a", type: "t", fields: {}, action: "mend", actionTimeoutMs: 1 };

const ORIGIN = { name: "me", address: { host: "192.0.2.1", port: 3505 } };
/** Two batches, the second of them this node's own. */
const [B, OWN] = [1, 2].map((number) => checkBatch({ id: testId(number), origin: ORIGIN })) as [
  Batch,
  Batch,
];

function bench(options: Partial<RunRulesOptions> = {}) {
  const recorded: string[] = [];
  const rules = new RunRules({
    trail: {
      starting: ({ id }) => recorded.push(`starting ${id}`),
      actionStarting: ({ id }, { name }) => recorded.push(`action ${id} ${name}`),
      checkEnded: ({ id }, { result: { check } }) => recorded.push(`ended ${id} ${check}`),
    },
    admit: () => undefined,
    networkActionsRefusal: undefined,
    isOwn: (id) => id === OWN.id,
    ...options,
  });
  return { rules, recorded };
}

Deno.test("what may run is recorded at each step", () => {
  const { rules, recorded } = bench();
  rules.starting(B);
  rules.actionStarting(B, CHECK);
  const result = { check: "a", outcome: { status: "pass" }, durationMs: 1 } as const;
  rules.checkEnded(B, { check: CHECK, result });
  assertEquals(recorded, [`starting ${B.id}`, `action ${B.id} a`, `ended ${B.id} a`]);
});

Deno.test("where the network may run no actions, only what our own client sent runs one", () => {
  const { rules, recorded } = bench({ networkActionsRefusal: "no key" });
  rules.starting(B);
  // Its origin's name is ours, and proves nothing.
  assertThrows(() => rules.actionStarting(B, CHECK), HostError, "no key");
  rules.actionStarting(OWN, CHECK);
  assertEquals(recorded, [`starting ${B.id}`, `action ${OWN.id} a`]);
});

Deno.test("a batch that is let in no more when its turn comes does not run", () => {
  const { rules, recorded } = bench({ admit: ({ id }) => id === B.id ? "not trusted" : undefined });
  assertThrows(() => rules.starting(B), HostError, "refuses the batch: not trusted");
  rules.starting(OWN);
  assertEquals(recorded, [`starting ${OWN.id}`]);
});
