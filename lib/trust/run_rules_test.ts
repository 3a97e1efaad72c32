import { assertEquals, assertThrows } from "@std/assert";
import type { Check } from "../checks/check.ts";
import { HostError } from "../errors.ts";
import type { Batch } from "../gossip/types.ts";
import { RunRules, type RunRulesOptions } from "./run_rules.ts";

const CHECK: Check = { name: "a", type: "t", fields: {}, action: "mend", actionTimeoutMs: 1 };

function batch(id: string): Batch {
  return {
    id,
    origin: { name: "me", address: { host: "192.0.2.1", port: 3505 } },
    issuedAtMs: 0,
    expiresAtMs: 0,
    target: {},
    held: false,
    body: new Uint8Array(0),
    signature: new Uint8Array(0),
  };
}

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
    isOwn: (id) => id === "own",
    ...options,
  });
  return { rules, recorded };
}

Deno.test("what may run is recorded at each step", () => {
  const { rules, recorded } = bench();
  rules.starting(batch("B"));
  rules.actionStarting(batch("B"), CHECK);
  const result = { check: "a", outcome: { status: "pass" }, durationMs: 1 } as const;
  rules.checkEnded(batch("B"), { check: CHECK, result });
  assertEquals(recorded, ["starting B", "action B a", "ended B a"]);
});

Deno.test("where the network may run no actions, only what our own client sent runs one", () => {
  const { rules, recorded } = bench({ networkActionsRefusal: "no key" });
  rules.starting(batch("B"));
  // Its origin's name is ours, and proves nothing.
  assertThrows(() => rules.actionStarting(batch("B"), CHECK), HostError, "no key");
  rules.actionStarting(batch("own"), CHECK);
  assertEquals(recorded, ["starting B", "action own a"]);
});

Deno.test("a batch that is let in no more when its turn comes does not run", () => {
  const { rules, recorded } = bench({ admit: ({ id }) => id === "B" ? "not trusted" : undefined });
  assertThrows(() => rules.starting(batch("B")), HostError, "refuses the batch: not trusted");
  rules.starting(batch("C"));
  assertEquals(recorded, ["starting C"]);
});
