/**
 * What is said about members, weighed and taken over: memberlist's `aliveNode`, `suspectNode` and
 * `deadNode` (`state.go`), with its known holes closed.
 * @module
 */
import type { Address } from "../runtime.ts";
import { sameAddress } from "../address.ts";
import { encodeMessage } from "../wire/codec.ts";
import type { Alive, Dead, NodeState, PacketMessage, Suspect } from "../wire/messages.ts";
import type { Core } from "./core.ts";
import type { MemberRecord } from "./members.ts";
import { type Verdict, weigh } from "./precedence.ts";
import type { Member } from "./types.ts";
import { plausibleVersions } from "./versions.ts";
import type { SuspicionWatch } from "./watch.ts";

/** How a piece of news reached us. */
export interface Origin {
  /** Who handed it over. */
  readonly from: Address;
  /** Where packets reach whoever handed it over; unknown for who opened a stream to us. */
  readonly answerTo: Address | undefined;
  /** Whether to keep to ourselves what we learn: the others know it already. */
  readonly quiet: boolean;
  /** How many accusations it may still put back into gossip. */
  accusations: number;
}

/** What the rumours are made of. */
export interface RumoursOptions {
  /** Shared state. */
  readonly core: Core;
  /** Runs the suspicions. */
  readonly watch: SuspicionWatch;
  /** A member has failed or left. */
  readonly gone: (record: MemberRecord) => void;
}

/** A conflict over one name is told once in this time. */
const CONFLICT_TOLD_EVERY_MS = 60_000;
/** Accusers who are still to be told of our refutation. */
const ANSWERS_MAX = 32;
/** How often each is told. */
const ANSWER_TIMES = 3;
/** The highest incarnation that can still be outbid. */
const INCARNATION_MAX = 0xffff_fffe;

/** Weighs what is said and keeps the table. */
export class Rumours {
  readonly #core: Core;
  readonly #watch: SuspicionWatch;
  readonly #gone: (record: MemberRecord) => void;
  readonly #answers = new Map<string, { readonly to: Address; times: number }>();

  /** Works on the state of `core`. */
  constructor(options: RumoursOptions) {
    this.#core = options.core;
    this.#watch = options.watch;
    this.#gone = options.gone;
  }

  /** Someone is said to be a member. */
  alive(message: Alive, origin: Origin): void {
    if (!plausibleVersions(message.versions)) {
      return this.#core.drop("bad_version", {
        from: origin.from,
        detail: `alive for ${message.name}`,
      });
    }
    const record = this.#core.table.get(message.name);
    if (record === undefined) return this.#meet(message, origin);
    const held = record.member;
    const newer = message.incarnation - held.incarnation;
    if (!sameAddress(held.address, message.address)) {
      if (!this.#mayMove(held)) return this.#conflict(record, message);
      // Only its own refutation may move it: an old rumour must not bring back who left.
      if (newer <= 0) {
        this.#challenge(record, message.address);
        return;
      }
    }
    if (record === this.#core.self) return this.#aliveSelf(message, newer);
    const verdict = weigh({ held: held.state, claimed: "alive", newer, self: false });
    if (verdict === "accept") this.#revive(record, { message, origin });
    else if (verdict === "stale") this.#accuseAgain(record, origin);
    else if (newer === 0) this.#core.broadcasts.membership.heard(message.name);
  }

  /** Someone is said not to answer. */
  suspect(message: Suspect, origin: Origin): void {
    const record = this.#core.table.get(message.name);
    if (record === undefined) return;
    if (record === this.#core.self) return this.#accused(message, origin);
    switch (this.#weigh(record, { claimed: "suspect", ...message })) {
      case "confirm":
        if (this.#watch.confirm(record, message.from)) this.#spread(message);
        break;
      case "accept":
        this.#spread(message);
        this.#change(record, { state: "suspect", incarnation: message.incarnation });
        this.#watch.begin(record, message.from);
        this.#core.emit({ type: "member_suspected", member: record.member, by: message.from });
        break;
    }
  }

  /** Someone is said to have failed, or says itself that it leaves. */
  dead(message: Dead, origin: Origin): void {
    const record = this.#core.table.get(message.name);
    if (record === undefined) return;
    if (record === this.#core.self) return this.#accused(message, origin);
    const claimed = message.from === message.name ? "left" : "dead";
    if (this.#weigh(record, { claimed, ...message }) !== "accept") return;
    if (claimed === "dead" && this.#heardLately(record)) {
      // We just heard it: a suspicion is enough, and tells it at once.
      this.#challenge(record, record.member.address);
      return this.suspect({ ...message, type: "suspect" }, origin);
    }
    this.#bury(record, message);
  }

  /** A suspicion ran out: declares its subject failed. */
  expire(record: MemberRecord): void {
    const { name, incarnation } = record.member;
    this.#bury(record, { type: "dead", name, incarnation, from: this.#core.name });
  }

  /**
   * A full state holds a member failed or suspect whom we may hold alive. memberlist suspects it
   * there and then, and after a healed partition every member suspects every other; we ask it, and
   * true says that it ought to be probed soon.
   */
  claimed(node: { readonly name: string; readonly incarnation: number }, origin: Origin): boolean {
    const record = this.#core.table.get(node.name);
    if (record === undefined) return false;
    if (record === this.#core.self) {
      this.#accused({ type: "suspect", from: "", ...node }, origin);
      return false;
    }
    if (this.#weigh(record, { claimed: "suspect", ...node }) !== "accept") return false;
    this.#challenge(record, record.member.address);
    return true;
  }

  /** What to tell someone along with an ack, so that it can refute what we hold against it. */
  accusation(name: string): PacketMessage | undefined {
    const record = this.#core.table.get(name);
    if (record === undefined || record === this.#core.self) return undefined;
    return record.member.state === "alive" ? undefined : this.#accusation(record);
  }

  /** Tells accusers once more that we live; called with each round of gossip. */
  repeatAnswers(): void {
    for (const [key, answer] of this.#answers) {
      this.#tellAlive(answer.to);
      if (--answer.times <= 0) this.#answers.delete(key);
    }
  }

  #weigh(record: MemberRecord, claim: { claimed: NodeState; incarnation: number }): Verdict {
    const held = record.member;
    const newer = claim.incarnation - held.incarnation;
    return weigh({ held: held.state, claimed: claim.claimed, newer, self: false });
  }

  #meet(message: Alive, origin: Origin): void {
    const core = this.#core;
    if (core.table.size >= core.settings.membersMax) {
      return core.drop("too_many", {
        from: origin.from,
        detail: `member ${message.name} is one too many`,
      });
    }
    const { name, address, meta, incarnation, versions } = message;
    const stateSinceMs = core.nowMs();
    const record = core.table.add({
      name,
      address,
      meta: owned(meta),
      incarnation,
      versions,
      state: "alive",
      stateSinceMs,
    });
    if (!origin.quiet) this.#spread(message);
    this.#core.adoptVersions([record.member]);
    core.emit({ type: "member_joined", member: record.member });
  }

  #revive(record: MemberRecord, news: { message: Alive; origin: Origin }): void {
    const { message, origin } = news;
    const before = record.member;
    this.#watch.end(record);
    if (!origin.quiet) this.#spread(message);
    const { address, meta, incarnation, versions } = message;
    this.#change(record, {
      state: "alive",
      address: sameAddress(address, before.address) ? before.address : address,
      meta: equalBytes(meta, before.meta) ? before.meta : owned(meta),
      incarnation,
      versions,
    });
    this.#core.adoptVersions([record.member]);
    const after = record.member;
    if (before.state === "dead" || before.state === "left") {
      return this.#core.emit({ type: "member_joined", member: after });
    }
    if (before.state === "suspect") this.#core.emit({ type: "member_trusted", member: after });
    if (before.meta !== after.meta || before.address !== after.address) {
      this.#core.emit({ type: "member_updated", member: after });
    }
  }

  #bury(record: MemberRecord, message: Dead): void {
    const left = message.from === message.name;
    this.#watch.end(record);
    this.#spread(message);
    const { degraded: _, ...member } = record.member;
    record.member = member;
    this.#change(record, {
      state: left ? "left" : "dead",
      incarnation: message.incarnation,
    });
    this.#gone(record);
    if (left) return this.#core.emit({ type: "member_left", member: record.member });
    this.#core.emit({ type: "member_failed", member: record.member, by: message.from });
  }

  #change(record: MemberRecord, changes: Partial<Member>): void {
    const before = record.member;
    const changed = changes.state !== undefined && changes.state !== before.state;
    const stateSinceMs = changed ? this.#core.nowMs() : before.stateSinceMs;
    this.#core.table.update(record, { ...before, ...changes, stateSinceMs });
  }

  #spread(message: Alive | Suspect | Dead): void {
    this.#core.broadcasts.membership.queue(message.name, encodeMessage(message));
  }

  /** Whether its name may be taken by another address (memberlist's `DeadNodeReclaimTime`). */
  #mayMove(member: Member): boolean {
    const goneMs = this.#core.nowMs() - member.stateSinceMs;
    return member.state === "left" ||
      (member.state === "dead" && goneMs > this.#core.settings.deadNodeReclaimMs);
  }

  /** Both sides are told, for neither gossips to the other: each holds the other's name for its own. */
  #conflict(record: MemberRecord, message: Alive): void {
    const now = this.#core.nowMs();
    if (now - record.conflictMs < CONFLICT_TOLD_EVERY_MS) return;
    record.conflictMs = now;
    const { name, address, meta, incarnation, versions } = record.member;
    const held: Alive = { type: "alive", name, address, meta, incarnation, versions };
    this.#core.send(message.address, { messages: [held], peer: undefined, piggyback: false });
    if (record !== this.#core.self) {
      this.#core.send(address, { messages: [message], peer: record, piggyback: false });
    }
    this.#core.emit({ type: "name_conflict", name, held: address, claimed: message.address });
  }

  /** Whether a round trip or a packet within two probe intervals speaks against its death. */
  #heardLately(record: MemberRecord): boolean {
    const lastMs = Math.max(record.ackedMs, record.heardMs);
    return this.#core.nowMs() - lastMs < 2 * this.#core.settings.probeIntervalMs;
  }

  #accusation(record: MemberRecord): Suspect | Dead {
    const { name, incarnation, state } = record.member;
    return state === "left"
      ? { type: "dead", name, incarnation, from: name }
      : { type: "suspect", name, incarnation, from: this.#core.name };
  }

  /** Tells whoever is at `to` what is held against the member, so that it refutes if it lives. */
  #challenge(record: MemberRecord, to: Address): boolean {
    const now = this.#core.nowMs();
    if (now - record.accusedMs < this.#core.settings.probeIntervalMs) return false;
    record.accusedMs = now;
    this.#core.send(to, {
      messages: [this.#accusation(record)],
      peer: record,
      piggyback: false,
    });
    return true;
  }

  /** A live member must not stay dead because nobody tells it (hashicorp/memberlist pull request 345). */
  #accuseAgain(record: MemberRecord, origin: Origin): void {
    if (!this.#challenge(record, record.member.address) || origin.accusations <= 0) return;
    if (this.#core.broadcasts.membership.has(record.member.name)) return;
    origin.accusations--;
    this.#spread(this.#accusation(record));
  }

  #aliveSelf(message: Alive, newer: number): void {
    const own = this.#core.self.member;
    if (this.#core.leaving) return;
    const same = equalBytes(message.meta, own.meta) &&
      message.versions.every((version, index) => version === own.versions[index]);
    // An earlier life of ours may have said other things under the same number.
    const verdict = newer === 0 && !same
      ? "refute"
      : weigh({ held: own.state, claimed: "alive", newer, self: true });
    if (verdict === "refute") this.#refute("alive", message.incarnation);
  }

  #accused(message: Suspect | Dead, origin: Origin): void {
    if (this.#core.leaving) return;
    if (message.incarnation > INCARNATION_MAX) {
      return this.#core.drop("malformed", {
        from: origin.from,
        detail: "incarnation leaves no room to refute",
      });
    }
    const own = this.#core.self.member;
    const newer = message.incarnation - own.incarnation;
    const claimed = message.type === "dead" ? "dead" : "suspect";
    const verdict = weigh({ held: own.state, claimed, newer, self: true });
    if (verdict === "refute") this.#refute(claimed, message.incarnation);
    // Gossip may not reach the accuser in time, or ever where it holds us dead.
    const accuser = this.#core.table.get(message.from);
    const known = accuser === this.#core.self ? undefined : accuser?.member.address;
    const to = known ?? origin.answerTo;
    if (to !== undefined) this.#answer(message.from, to);
  }

  #refute(accusedAs: "suspect" | "dead" | "alive", incarnation: number): void {
    if (incarnation > INCARNATION_MAX) return;
    this.#core.speak({}, incarnation);
    this.#core.awareness.apply(1);
    const own = this.#core.self.member;
    this.#core.emit({ type: "refuted", incarnation: own.incarnation, accusedAs });
  }

  #answer(accuser: string, to: Address): void {
    if (this.#answers.has(accuser) || this.#answers.size >= ANSWERS_MAX) return;
    this.#answers.set(accuser, { to, times: ANSWER_TIMES - 1 });
    this.#tellAlive(to);
  }

  #tellAlive(to: Address): void {
    const peer = this.#core.table.at(to);
    this.#core.send(to, { messages: [this.#core.ownAlive()], peer, piggyback: false });
  }
}

/** Bytes that may be kept: a view would keep the whole packet or push/pull that it is a part of. */
function owned(bytes: Uint8Array): Uint8Array {
  return bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice();
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
