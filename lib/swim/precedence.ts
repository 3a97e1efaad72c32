/**
 * The precedence rule: which message about a member overrides the known state (SWIM section 4.2;
 * memberlist's `state.go`, `aliveNode`, `suspectNode`, `deadNode`).
 * @module
 */
import type { NodeState } from "../wire/messages.ts";

/** A message about a member, compared with the known state of the member. */
export interface Claim {
  /** The known state; `undefined` for an unknown member. */
  readonly known: NodeState | undefined;
  /** The state in the message; `left` is a dead message that the member itself sent. */
  readonly claimed: NodeState;
  /** Incarnation in the message minus the known incarnation. */
  readonly newer: number;
  /** Whether the message is about this node. */
  readonly self: boolean;
}

/**
 * What to do with a message about a member:
 * - `accept`: apply it and rebroadcast it.
 * - `ignore`: it is old or already known.
 * - `confirm`: it confirms a suspicion.
 * - `stale`: the sender believes that a suspect, failed or left member is alive; send the member the
 *   suspect or dead message, so that it can refute it.
 * - `refute`: it is about this node and contradicts it; raise the incarnation.
 * - `answer`: it is a suspect or dead message about this node that is refuted already; send the
 *   sender the alive message again.
 */
export type Decision = "accept" | "ignore" | "confirm" | "stale" | "refute" | "answer";

/** Decides what to do with a message about a member, or about this node while it is alive. */
export function decide(claim: Claim): Decision {
  return claim.self ? decideAboutSelf(claim) : decideAboutOther(claim);
}

function decideAboutSelf({ claimed, newer }: Claim): Decision {
  if (claimed === "alive") return newer > 0 ? "refute" : "ignore";
  return newer >= 0 ? "refute" : "answer";
}

function decideAboutOther({ known, claimed, newer }: Claim): Decision {
  if (known === undefined) return claimed === "alive" ? "accept" : "ignore";
  if (claimed === "alive") {
    if (newer > 0) return "accept";
    return known === "alive" ? "ignore" : "stale";
  }
  if (newer < 0) return "ignore";
  switch (known) {
    case "alive":
      return "accept";
    case "suspect":
      return claimed === "suspect" ? "confirm" : "accept";
    case "dead":
      // A member's own leave overrides failure. In memberlist it stays dead.
      return claimed === "left" ? "accept" : "ignore";
    case "left":
      return "ignore";
    default:
      return known satisfies never;
  }
}
