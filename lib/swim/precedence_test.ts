/** Tests every case of the precedence rule. */
import { assertEquals } from "@std/assert";
import { NODE_STATE, type NodeState } from "../wire/messages.ts";
import { decide, type Decision } from "./precedence.ts";

type Row = readonly [older: Decision, same: Decision, newer: Decision];

/** By known state, then by claimed state. SWIM section 4.2, except that `left` overrides `dead`. */
const OTHERS: Record<NodeState, Record<NodeState, Row>> = {
  alive: {
    alive: ["ignore", "ignore", "accept"],
    suspect: ["ignore", "accept", "accept"],
    dead: ["ignore", "accept", "accept"],
    left: ["ignore", "accept", "accept"],
  },
  suspect: {
    alive: ["stale", "stale", "accept"],
    suspect: ["ignore", "confirm", "confirm"],
    dead: ["ignore", "accept", "accept"],
    left: ["ignore", "accept", "accept"],
  },
  dead: {
    alive: ["stale", "stale", "accept"],
    suspect: ["ignore", "ignore", "ignore"],
    dead: ["ignore", "ignore", "ignore"],
    left: ["ignore", "accept", "accept"],
  },
  left: {
    alive: ["stale", "stale", "accept"],
    suspect: ["ignore", "ignore", "ignore"],
    dead: ["ignore", "ignore", "ignore"],
    left: ["ignore", "ignore", "ignore"],
  },
};

const UNKNOWN: Record<NodeState, Decision> = {
  alive: "accept",
  suspect: "ignore",
  dead: "ignore",
  left: "ignore",
};

const SELF: Record<NodeState, Row> = {
  alive: ["ignore", "ignore", "refute"],
  suspect: ["answer", "refute", "refute"],
  dead: ["answer", "refute", "refute"],
  left: ["answer", "refute", "refute"],
};

const STATES = Object.keys(NODE_STATE) as NodeState[];

Deno.test("messages about other members are decided as in the table", () => {
  for (const known of STATES) {
    for (const claimed of STATES) {
      OTHERS[known][claimed].forEach((expected, index) => {
        const newer = index - 1;
        const decision = decide({ known, claimed, newer, self: false });
        assertEquals(decision, expected, `${claimed} (${newer}), known ${known}`);
      });
    }
  }
});

Deno.test("of messages about an unknown member only alive is accepted", () => {
  for (const claimed of STATES) {
    const decision = decide({ known: undefined, claimed, newer: 0, self: false });
    assertEquals(decision, UNKNOWN[claimed], claimed);
  }
});

Deno.test("messages about this node are refuted, answered or ignored", () => {
  for (const claimed of STATES) {
    SELF[claimed].forEach((expected, index) => {
      const decision = decide({ known: "alive", claimed, newer: index - 1, self: true });
      assertEquals(decision, expected, `${claimed} (${index - 1})`);
    });
  }
});
