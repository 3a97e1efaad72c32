/**
 * The one rule by which news about a member is weighed against what is held (SWIM section 4.2;
 * memberlist's `state.go`, `aliveNode`, `suspectNode`, `deadNode`).
 * @module
 */
import type { NodeState } from "../wire/messages.ts";

/** What news claims and what is held. */
export interface Claim {
  /** The state held; `undefined` for a name not known. */
  readonly held: NodeState | undefined;
  /** The state claimed; `left` is a `dead` that its subject sent. */
  readonly claimed: NodeState;
  /** The claimed incarnation against the held one: negative for older, 0 for the same. */
  readonly newer: number;
  /** Whether the news is about this very node. */
  readonly self: boolean;
}

/**
 * What to do with news:
 * - `accept`: take it over and pass it on.
 * - `ignore`: it says nothing new.
 * - `confirm`: one more accuser of a member already suspected.
 * - `stale`: someone believes alive whom we hold suspect, dead or left: tell, so that it can refute.
 * - `refute`: it is about us and stands against us: outbid it.
 * - `answer`: it is an accusation that we have outbid already: say so to the accuser.
 */
export type Verdict = "accept" | "ignore" | "confirm" | "stale" | "refute" | "answer";

/** Weighs news. `self` expects that this node is alive; one that left does not ask. */
export function weigh(claim: Claim): Verdict {
  return claim.self ? weighAboutSelf(claim) : weighAboutOther(claim);
}

function weighAboutSelf({ claimed, newer }: Claim): Verdict {
  if (claimed === "alive") return newer > 0 ? "refute" : "ignore";
  return newer >= 0 ? "refute" : "answer";
}

function weighAboutOther({ held, claimed, newer }: Claim): Verdict {
  if (held === undefined) return claimed === "alive" ? "accept" : "ignore";
  if (claimed === "alive") {
    if (newer > 0) return "accept";
    return held === "alive" ? "ignore" : "stale";
  }
  if (newer < 0) return "ignore";
  switch (held) {
    case "alive":
      return "accept";
    case "suspect":
      return claimed === "suspect" ? "confirm" : "accept";
    case "dead":
      // Its own word that it left outranks others' that it failed. memberlist leaves it dead.
      return claimed === "left" ? "accept" : "ignore";
    case "left":
      return "ignore";
    default:
      return held satisfies never;
  }
}
