/**
 * Alive, suspect and dead messages: decides which of them change the member table, and refutes those
 * about this node (memberlist's `aliveNode`, `suspectNode` and `deadNode` in `state.go`; comments name
 * the differences).
 * @module
 */
import type { Address } from "../runtime.ts";
import { sameAddress } from "../address.ts";
import { encodeMessage } from "../wire/codec.ts";
import type { Alive, Dead, NodeState, PacketMessage, Suspect } from "../wire/messages.ts";
import type { LocalNode } from "./local_node.ts";
import { aliveMessage, type MemberRecord } from "./members.ts";
import { decide, type Decision } from "./precedence.ts";
import type { SuspicionTimers } from "./suspicion_timers.ts";
import type { Member } from "./types.ts";
import { plausibleVersions } from "./versions.ts";

/** Where a message about a member came from, and how to handle it. */
export interface MessageSource {
  /** Address of the sender. */
  readonly from: Address;
  /** Address to which packets for the sender go; unknown if the sender opened a stream. */
  readonly answerTo: Address | undefined;
  /** Whether not to rebroadcast alive messages: the other members know them already. */
  readonly suppressAlive: boolean;
  /** Number of suspect and dead messages that may still be rebroadcast because of stale alive messages. */
  rebroadcasts: number;
}

/** Options of `StateMessages`. */
export interface StateMessagesOptions {
  readonly node: LocalNode;
  readonly suspicions: SuspicionTimers;
  /** Called when a member has failed or left. */
  readonly failedOrLeft: (record: MemberRecord) => void;
}

/** A conflict over a name is reported at most once in this time. */
const CONFLICT_INTERVAL_MS = 60_000;
/** Maximum number of nodes that wait for a repeated alive message. */
const ANSWERS_MAX = 32;
/** Number of alive messages that a node gets which sent a suspect or dead message about this node. */
const ANSWER_TIMES = 3;
/** The highest incarnation that can still be refuted. */
const INCARNATION_MAX = 0xffff_fffe;

/** Applies alive, suspect and dead messages to the member table. */
export class StateMessages {
  readonly #node: LocalNode;
  readonly #suspicions: SuspicionTimers;
  readonly #failedOrLeft: (record: MemberRecord) => void;
  /** Nodes to send further alive messages to, by name. */
  readonly #answers = new Map<string, { readonly to: Address; times: number }>();

  /** Changes the table of `node`. */
  constructor(options: StateMessagesOptions) {
    this.#node = options.node;
    this.#suspicions = options.suspicions;
    this.#failedOrLeft = options.failedOrLeft;
  }

  /** Handles an alive message, or an alive member in a push/pull. */
  alive(message: Alive, source: MessageSource): void {
    if (!plausibleVersions(message.versions)) {
      return this.#node.drop("bad_version", {
        from: source.from,
        detail: `alive message about ${message.name}: invalid protocol versions`,
      });
    }
    const record = this.#node.table.get(message.name);
    if (record === undefined) return this.#add(message, source);
    const known = record.member;
    const newer = message.incarnation - known.incarnation;
    if (!sameAddress(known.address, message.address)) {
      if (!this.#mayChangeAddress(known)) return this.#reportConflict(record, message);
      // Only the member's own refutation may change its address: an old message must not bring back
      // a member that left.
      if (newer <= 0) {
        this.#sendAccusation(record, message.address);
        return;
      }
    }
    if (record === this.#node.self) return this.#aliveSelf(message, newer);
    const decision = decide({ known: known.state, claimed: "alive", newer, self: false });
    if (decision === "accept") this.#setAlive(record, { message, source });
    else if (decision === "stale") this.#rebroadcastAccusation(record, source);
    else if (newer === 0) this.#node.broadcasts.membership.received(message.name);
  }

  /** Handles a suspect message. */
  suspect(message: Suspect, source: MessageSource): void {
    const record = this.#node.table.get(message.name);
    if (record === undefined) return;
    if (record === this.#node.self) return this.#accusedSelf(message, source);
    switch (this.#decide(record, { claimed: "suspect", ...message })) {
      case "confirm":
        if (this.#suspicions.confirm(record, message.from)) this.#broadcast(message);
        break;
      case "accept":
        this.#broadcast(message);
        this.#update(record, { state: "suspect", incarnation: message.incarnation });
        this.#suspicions.begin(record, message.from);
        this.#node.emit({ type: "member_suspected", member: record.member, by: message.from });
        break;
    }
  }

  /** Handles a dead message: the member failed, or left if the message is from itself. */
  dead(message: Dead, source: MessageSource): void {
    const record = this.#node.table.get(message.name);
    if (record === undefined) return;
    if (record === this.#node.self) return this.#accusedSelf(message, source);
    const claimed = message.from === message.name ? "left" : "dead";
    if (this.#decide(record, { claimed, ...message }) !== "accept") return;
    if (claimed === "dead" && this.#heardRecently(record)) {
      // This node has just heard from the member: suspect it only, and let it know at once.
      this.#sendAccusation(record, record.member.address);
      return this.suspect({ ...message, type: "suspect" }, source);
    }
    this.#setDeadOrLeft(record, message);
  }

  /** Declares a member failed whose suspicion has timed out. */
  expire(record: MemberRecord): void {
    const { name, incarnation } = record.member;
    this.#setDeadOrLeft(record, { type: "dead", name, incarnation, from: this.#node.name });
  }

  /**
   * Handles a member that is suspect or dead in a push/pull. memberlist suspects it at once, so that
   * after a healed partition all members suspect each other. This node only sends the member a
   * suspect message; true means that the caller should probe it soon.
   */
  reportedFailed(
    report: { readonly name: string; readonly incarnation: number },
    source: MessageSource,
  ): boolean {
    const record = this.#node.table.get(report.name);
    if (record === undefined) return false;
    if (record === this.#node.self) {
      this.#accusedSelf({ type: "suspect", from: "", ...report }, source);
      return false;
    }
    if (this.#decide(record, { claimed: "suspect", ...report }) !== "accept") return false;
    this.#sendAccusation(record, record.member.address);
    return true;
  }

  /**
   * The suspect or dead message to send to a member along with an ack, so that it can refute it;
   * `undefined` if the member is alive or unknown.
   */
  accusation(name: string): PacketMessage | undefined {
    const record = this.#node.table.get(name);
    if (record === undefined || record === this.#node.self) return undefined;
    return record.member.state === "alive" ? undefined : this.#accusation(record);
  }

  /** Repeats alive messages to the nodes that sent suspect or dead messages about this node. */
  repeatAnswers(): void {
    for (const [key, answer] of this.#answers) {
      this.#sendAlive(answer.to);
      if (--answer.times <= 0) this.#answers.delete(key);
    }
  }

  #decide(record: MemberRecord, claim: { claimed: NodeState; incarnation: number }): Decision {
    const known = record.member;
    const newer = claim.incarnation - known.incarnation;
    return decide({ known: known.state, claimed: claim.claimed, newer, self: false });
  }

  #add(message: Alive, source: MessageSource): void {
    const node = this.#node;
    const { membersMax } = node.settings;
    if (node.table.size >= membersMax) {
      return node.drop("too_many", {
        from: source.from,
        detail: `new member ${message.name}: there are ${membersMax} members, the maximum`,
      });
    }
    const { name, address, meta, incarnation, versions } = message;
    const stateSinceMs = node.nowMs();
    const record = node.table.add({
      name,
      address,
      meta: owned(meta),
      incarnation,
      versions,
      state: "alive",
      stateSinceMs,
    });
    if (!source.suppressAlive) this.#broadcast(message);
    this.#node.adoptVersions([record.member]);
    node.emit({ type: "member_joined", member: record.member });
  }

  #setAlive(
    record: MemberRecord,
    { message, source }: { message: Alive; source: MessageSource },
  ): void {
    const before = record.member;
    this.#suspicions.end(record);
    if (!source.suppressAlive) this.#broadcast(message);
    const { address, meta, incarnation, versions } = message;
    this.#update(record, {
      state: "alive",
      address: sameAddress(address, before.address) ? before.address : address,
      meta: equalBytes(meta, before.meta) ? before.meta : owned(meta),
      incarnation,
      versions,
    });
    this.#node.adoptVersions([record.member]);
    const after = record.member;
    if (before.state === "dead" || before.state === "left") {
      return this.#node.emit({ type: "member_joined", member: after });
    }
    if (before.state === "suspect") this.#node.emit({ type: "member_trusted", member: after });
    if (before.meta !== after.meta || before.address !== after.address) {
      this.#node.emit({ type: "member_updated", member: after });
    }
  }

  #setDeadOrLeft(record: MemberRecord, message: Dead): void {
    const left = message.from === message.name;
    this.#suspicions.end(record);
    this.#broadcast(message);
    const { degraded: _, ...member } = record.member;
    record.member = member;
    this.#update(record, {
      state: left ? "left" : "dead",
      incarnation: message.incarnation,
    });
    this.#failedOrLeft(record);
    if (left) return this.#node.emit({ type: "member_left", member: record.member });
    this.#node.emit({ type: "member_failed", member: record.member, by: message.from });
  }

  #update(record: MemberRecord, changes: Partial<Member>): void {
    const before = record.member;
    const changed = changes.state !== undefined && changes.state !== before.state;
    const stateSinceMs = changed ? this.#node.nowMs() : before.stateSinceMs;
    this.#node.table.update(record, { ...before, ...changes, stateSinceMs });
  }

  #broadcast(message: Alive | Suspect | Dead): void {
    this.#node.broadcasts.membership.queue(message.name, encodeMessage(message));
  }

  /** Whether another address may take the member's name (memberlist's `DeadNodeReclaimTime`). */
  #mayChangeAddress(member: Member): boolean {
    const stateMs = this.#node.nowMs() - member.stateSinceMs;
    return member.state === "left" ||
      (member.state === "dead" && stateMs > this.#node.settings.deadNodeReclaimMs);
  }

  /**
   * Reports two nodes with one name, also to both of them: neither would learn it by gossip, since
   * each takes messages with its own name to be about itself.
   */
  #reportConflict(record: MemberRecord, message: Alive): void {
    const now = this.#node.nowMs();
    if (now - record.conflictMs < CONFLICT_INTERVAL_MS) return;
    record.conflictMs = now;
    const { name, address } = record.member;
    const held = aliveMessage(record.member);
    this.#node.send(message.address, { messages: [held], peer: undefined, piggyback: false });
    if (record !== this.#node.self) {
      this.#node.send(address, { messages: [message], peer: record, piggyback: false });
    }
    this.#node.emit({ type: "name_conflict", name, held: address, claimed: message.address });
  }

  /** Whether an ack or a packet came from the member within the last two probe intervals. */
  #heardRecently(record: MemberRecord): boolean {
    const lastMs = Math.max(record.ackedMs, record.heardMs);
    return this.#node.nowMs() - lastMs < 2 * this.#node.settings.probeIntervalMs;
  }

  #accusation(record: MemberRecord): Suspect | Dead {
    const { name, incarnation, state } = record.member;
    return state === "left"
      ? { type: "dead", name, incarnation, from: name }
      : this.#node.suspect(record);
  }

  /**
   * Sends the suspect or dead message about a member to an address of the member, so that it can
   * refute it: at most once per probe interval. Returns whether it was sent.
   */
  #sendAccusation(record: MemberRecord, to: Address): boolean {
    const now = this.#node.nowMs();
    if (now - record.accusedMs < this.#node.settings.probeIntervalMs) return false;
    record.accusedMs = now;
    this.#node.send(to, {
      messages: [this.#accusation(record)],
      peer: record,
      piggyback: false,
    });
    return true;
  }

  /**
   * Sends and rebroadcasts the suspect or dead message about a member that others believe alive. Else
   * a live member could stay dead here and never learn of it (hashicorp/memberlist pull request 345).
   */
  #rebroadcastAccusation(record: MemberRecord, source: MessageSource): void {
    if (!this.#sendAccusation(record, record.member.address) || source.rebroadcasts <= 0) return;
    if (this.#node.broadcasts.membership.has(record.member.name)) return;
    source.rebroadcasts--;
    this.#broadcast(this.#accusation(record));
  }

  #aliveSelf(message: Alive, newer: number): void {
    const own = this.#node.self.member;
    if (this.#node.leaving) return;
    const same = equalBytes(message.meta, own.meta) &&
      message.versions.every((version, index) => version === own.versions[index]);
    // An earlier session of this node may have sent other metadata with the same incarnation.
    const decision = newer === 0 && !same
      ? "refute"
      : decide({ known: own.state, claimed: "alive", newer, self: true });
    if (decision === "refute") this.#refute("alive", message.incarnation);
  }

  #accusedSelf(message: Suspect | Dead, source: MessageSource): void {
    if (this.#node.leaving) return;
    if (message.incarnation > INCARNATION_MAX) {
      return this.#node.drop("malformed", {
        from: source.from,
        detail: `incarnation ${message.incarnation} of this node cannot be refuted; ` +
          `maximum ${INCARNATION_MAX}`,
      });
    }
    const own = this.#node.self.member;
    const newer = message.incarnation - own.incarnation;
    const claimed = message.type === "dead" ? "dead" : "suspect";
    const decision = decide({ known: own.state, claimed, newer, self: true });
    if (decision === "refute") this.#refute(claimed, message.incarnation);
    // Gossip may reach the other node too late, or never if it considers this node dead.
    const accuser = this.#node.table.get(message.from);
    const known = accuser === this.#node.self ? undefined : accuser?.member.address;
    const to = known ?? source.answerTo;
    if (to !== undefined) this.#answer(message.from, to);
  }

  #refute(accusedAs: "suspect" | "dead" | "alive", incarnation: number): void {
    if (incarnation > INCARNATION_MAX) return;
    this.#node.updateSelf({}, incarnation);
    this.#node.awareness.apply(1);
    const own = this.#node.self.member;
    this.#node.emit({ type: "refuted", incarnation: own.incarnation, accusedAs });
  }

  #answer(accuser: string, to: Address): void {
    if (this.#answers.has(accuser) || this.#answers.size >= ANSWERS_MAX) return;
    this.#answers.set(accuser, { to, times: ANSWER_TIMES - 1 });
    this.#sendAlive(to);
  }

  #sendAlive(to: Address): void {
    const peer = this.#node.table.at(to);
    this.#node.send(to, { messages: [this.#node.ownAlive()], peer, piggyback: false });
  }
}

/** Returns bytes that may be kept: a view would keep the whole packet or push/pull in memory. */
function owned(bytes: Uint8Array): Uint8Array {
  return bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice();
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
