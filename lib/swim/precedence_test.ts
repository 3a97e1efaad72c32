/** Every cell of the precedence rule. */
import { assertEquals } from "@std/assert";
import { NODE_STATE, type NodeState } from "../wire/messages.ts";
import { type Verdict, weigh } from "./precedence.ts";

type Row = readonly [older: Verdict, same: Verdict, newer: Verdict];

/** By what is held, then by what is claimed. SWIM section 4.2; `left` against `dead` is ours. */
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

const UNKNOWN: Record<NodeState, Verdict> = {
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

Deno.test("news about others is weighed as the table says", () => {
  for (const held of STATES) {
    for (const claimed of STATES) {
      OTHERS[held][claimed].forEach((expected, index) => {
        const newer = index - 1;
        const verdict = weigh({ held, claimed, newer, self: false });
        assertEquals(verdict, expected, `${claimed} (${newer}) where ${held} is held`);
      });
    }
  }
});

Deno.test("of a name not known only alive is news", () => {
  for (const claimed of STATES) {
    const verdict = weigh({ held: undefined, claimed, newer: 0, self: false });
    assertEquals(verdict, UNKNOWN[claimed], claimed);
  }
});

Deno.test("news about this node is refuted, answered or nothing new", () => {
  for (const claimed of STATES) {
    SELF[claimed].forEach((expected, index) => {
      const verdict = weigh({ held: "alive", claimed, newer: index - 1, self: true });
      assertEquals(verdict, expected, `${claimed} (${index - 1})`);
    });
  }
});
