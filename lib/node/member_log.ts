/**
 * Logs the events of the membership.
 * @module
 */
import { formatAddress } from "../address.ts";
import type { Log } from "../runtime.ts";
import type { Member, SwimEvent } from "../swim/types.ts";

/** Logs one line for each event that matters to an operator. `self` is this node's name. */
export function logMemberEvent(
  event: SwimEvent,
  { log, self }: { log: Log; self: string },
): void {
  switch (event.type) {
    case "member_joined":
      if (event.member.name === self) return;
      return log.write("info", event.type, "member joined", fieldsOf(event.member));
    case "member_updated":
      return log.write("debug", event.type, "member changed its metadata", fieldsOf(event.member));
    case "member_suspected":
      return log.write("debug", event.type, "member suspected", {
        ...fieldsOf(event.member),
        by: event.by,
      });
    case "member_trusted":
      return log.write("debug", event.type, "member is alive again", fieldsOf(event.member));
    case "member_failed":
      return log.write("warn", event.type, "member failed", {
        ...fieldsOf(event.member),
        by: event.by,
      });
    case "member_left":
      return log.write("info", event.type, "member left", fieldsOf(event.member));
    case "member_forgotten":
      return log.write("debug", event.type, "member forgotten", { member: event.name });
    case "member_degraded":
      return log.write("warn", event.type, degraded(event.member), fieldsOf(event.member));
    case "join_succeeded":
      return log.write("info", event.type, "joined the cluster", {
        through: formatAddress(event.address),
        members: event.members,
      });
    case "join_failed":
      return log.write("warn", event.type, `cannot join through this peer yet: ${event.reason}`, {
        peer: formatAddress(event.address),
      });
    case "name_conflict":
      return log.write("error", event.type, conflict(event, self));
    case "refuted":
      return log.write(
        "debug",
        event.type,
        `refuted a ${event.accusedAs} message about this node`,
        {
          incarnation: event.incarnation,
        },
      );
    case "left":
    case "user_message":
    case "dropped":
      return;
    default:
      return event satisfies never;
  }
}

function fieldsOf(member: Member): { member: string; address: string } {
  return { member: member.name, address: formatAddress(member.address) };
}

function degraded({ degraded }: Member): string {
  if (degraded === undefined) return "member is reachable by UDP and TCP again";
  const [works, fails] = degraded === "udp" ? ["UDP", "TCP"] : ["TCP", "UDP"];
  return `member is reachable by ${works} only: find what blocks ${fails}`;
}

function conflict(event: SwimEvent & { type: "name_conflict" }, self: string): string {
  const [held, claimed] = [formatAddress(event.held), formatAddress(event.claimed)];
  const name = JSON.stringify(event.name);
  return event.name === self
    ? `name conflict: the node at ${claimed} is named ${name} as this one (${held}): ` +
      "give one of them another -name"
    : `name conflict: the nodes at ${held} and ${claimed} are both named ${name}: ` +
      "give one of them another -name";
}
