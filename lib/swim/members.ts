/**
 * The member table: lookup by name and by address, and selection at random, each at a cost that does
 * not grow with the cluster (hashicorp/memberlist issue 243).
 * @module
 */
import type { Address, Random } from "../runtime.ts";
import type { Alive, NodeState } from "../wire/messages.ts";
import type { Suspicion } from "./suspicion.ts";
import type { Member } from "./types.ts";

/** The pings to a suspect in the last interval before it is declared failed. */
export interface FinalCheck {
  readonly startMs: number;
  readonly endMs: number;
  /** Sequence number of all its pings. */
  readonly sequence: number;
}

/** One member with the machine's bookkeeping. */
export interface MemberRecord {
  /** Replaced as a whole at each change, so that a reference to it is a snapshot. */
  member: Member;
  /** Index in the list of active members; -1 for this node and for failed and left members. */
  index: number;
  /** Time of its last ack to a ping of this node, direct, indirect or over TCP. */
  ackedMs: number;
  /** Time of the last packet from its address. */
  heardMs: number;
  /** Time at which a suspect or dead message about it was last sent, so that it can refute. */
  accusedMs: number;
  /** Time at which a conflict over its name was last reported. */
  conflictMs: number;
  /** Present while the member is suspect. */
  suspicion?: Suspicion | undefined;
  /** Present in the last interval of a suspicion. */
  finalCheck?: FinalCheck | undefined;
  /** Token of the current suspicion timer; timers with another token are stale. */
  timerToken: number;
  /** Time at which that timer is due. */
  timerDueMs: number;
}

/** Whether members in this state belong to the cluster: alive and suspect. */
export function isActive(state: NodeState): boolean {
  return state === "alive" || state === "suspect";
}

/** The alive message about a member. */
export function aliveMessage(member: Member): Alive {
  const { name, address, meta, incarnation, versions } = member;
  return { type: "alive", name, address, meta, incarnation, versions };
}

/** Returns a random integer from 0 to `bound - 1`. */
export function below(random: Random, bound: number): number {
  return Math.floor(random.next() * bound);
}

/** Options of a selection of random members. */
export interface Selection {
  /** Maximum number of members. */
  readonly count: number;
  /** Whether a member may be selected. */
  accept(record: MemberRecord): boolean;
}

/** Stale entries that the list of recently failed and left members may hold before it is compacted. */
const RECENT_SLACK = 256;

/** All members in any state, this node included. */
export class MemberTable {
  readonly #random: Random;
  readonly #byName = new Map<string, MemberRecord>();
  readonly #byAddress = new Map<string, MemberRecord>();
  /** Alive and suspect members without this node; those before `#probed` were probed in this round. */
  readonly #active: MemberRecord[] = [];
  #probed = 0;
  /** Failed members, oldest first. */
  readonly #failed = new Map<string, MemberRecord>();
  /** Members that left, oldest first. */
  readonly #left = new Map<string, MemberRecord>();
  /** Members that failed or left recently, oldest first; may hold stale entries. */
  readonly #recent: MemberRecord[] = [];

  /** Begins empty. */
  constructor(options: { readonly random: Random }) {
    this.#random = options.random;
  }

  /** Number of members in any state, this node included. */
  get size(): number {
    return this.#byName.size;
  }

  /** Number of alive and suspect members, without this node. */
  get activeCount(): number {
    return this.#active.length;
  }

  /** Number of failed members. */
  get failedCount(): number {
    return this.#failed.size;
  }

  /** Number of failed and left members. */
  get deadOrLeftCount(): number {
    return this.#failed.size + this.#left.size;
  }

  /** The record of the member with this name. */
  get(name: string): MemberRecord | undefined {
    return this.#byName.get(name);
  }

  /** The record of the member with this address. */
  at(address: Address): MemberRecord | undefined {
    return this.#byAddress.get(addressKey(address));
  }

  /** All records, in the order in which they were added. */
  records(): Iterable<MemberRecord> {
    return this.#byName.values();
  }

  /** The alive and suspect members without this node, in no order. */
  active(): readonly MemberRecord[] {
    return this.#active;
  }

  /** Adds a new member, or this node, which is never selected. */
  add(member: Member, options: { readonly self?: boolean } = {}): MemberRecord {
    const record: MemberRecord = {
      member,
      index: -1,
      ackedMs: -Infinity,
      heardMs: -Infinity,
      accusedMs: -Infinity,
      conflictMs: -Infinity,
      timerToken: 0,
      timerDueMs: 0,
    };
    this.#byName.set(member.name, record);
    this.#byAddress.set(addressKey(member.address), record);
    if (options.self !== true) this.#addToList(record);
    return record;
  }

  /** Replaces a record's member, and moves the record if its state or address has changed. */
  update(record: MemberRecord, member: Member): void {
    const before = record.member;
    record.member = member;
    if (before.address !== member.address) {
      this.#dropAddress(record, before.address);
      this.#byAddress.set(addressKey(member.address), record);
    }
    const self = record.index === -1 && isActive(before.state);
    if (self || before.state === member.state) return;
    if (isActive(before.state) && isActive(member.state)) return;
    this.#removeFromList(record, before.state);
    this.#addToList(record);
  }

  /** Removes a member. */
  remove(record: MemberRecord): void {
    const { name, state, address } = record.member;
    this.#removeFromList(record, state);
    this.#byName.delete(name);
    this.#dropAddress(record, address);
    record.timerToken = -1;
  }

  /**
   * The member to probe next: each once per round, in another random order in each round (SWIM
   * section 4.3). Each call does one step of the shuffle.
   */
  nextToProbe(): MemberRecord | undefined {
    if (this.#active.length === 0) return undefined;
    if (this.#probed >= this.#active.length) this.#probed = 0;
    const pick = this.#probed + below(this.#random, this.#active.length - this.#probed);
    this.#swap(pick, this.#probed);
    return this.#active[this.#probed++];
  }

  /**
   * Selects distinct active members at random (`kRandomNodes` in memberlist's `util.go`). May return
   * fewer than there are if only few of many are acceptable.
   */
  selectActive(selection: Selection): MemberRecord[] {
    return this.#select(selection, []);
  }

  /** Selects distinct members at random among the active ones and those that failed after `sinceMs`. */
  selectForGossip(count: number, sinceMs: number): MemberRecord[] {
    const recent = this.recentlyDeadOrLeft(sinceMs);
    return this.#select({ count, accept: ({ member }) => member.state !== "left" }, recent);
  }

  /**
   * Records of members that failed or left at `sinceMs` or later. Some may be repeated, and some may
   * be active again or removed.
   */
  recentlyDeadOrLeft(sinceMs: number): readonly MemberRecord[] {
    let past = 0;
    while (past < this.#recent.length && this.#recent[past]!.member.stateSinceMs < sinceMs) past++;
    if (past > 0) this.#recent.splice(0, past);
    return this.#recent;
  }

  /** Selects one failed member at random. */
  selectFailed(): MemberRecord | undefined {
    let skip = below(this.#random, this.#failed.size);
    for (const record of this.#failed.values()) {
      if (skip-- === 0) return record;
    }
    return undefined;
  }

  /** The member that has been in this state for the longest time. */
  oldest(state: "dead" | "left"): MemberRecord | undefined {
    for (const record of (state === "dead" ? this.#failed : this.#left).values()) return record;
    return undefined;
  }

  #select(selection: Selection, others: readonly MemberRecord[]): MemberRecord[] {
    const total = this.#active.length + others.length;
    const at = (index: number) =>
      index < this.#active.length ? this.#active[index]! : others[index - this.#active.length]!;
    const selected: MemberRecord[] = [];
    // Random picks would miss some of few candidates: visit all of them in a random order.
    const exhaustive = total <= selection.count * 3;
    const order = exhaustive ? Array.from({ length: total }, (_, index) => index) : [];
    const tries = exhaustive ? total : selection.count * 12;
    for (let attempt = 0; attempt < tries && selected.length < selection.count; attempt++) {
      let index = below(this.#random, exhaustive ? total - attempt : total);
      if (exhaustive) {
        const last = order.length - 1 - attempt;
        [order[index], order[last]] = [order[last]!, order[index]!];
        index = order[last]!;
      }
      const record = at(index);
      if (selection.accept(record) && !selected.includes(record)) selected.push(record);
    }
    return selected;
  }

  #addToList(record: MemberRecord): void {
    const { name, state } = record.member;
    if (isActive(state)) {
      // The end of the list is probed in this round still, in random order.
      record.index = this.#active.length;
      this.#active.push(record);
      return;
    }
    (state === "dead" ? this.#failed : this.#left).set(name, record);
    this.#recent.push(record);
    if (this.#recent.length > 2 * this.deadOrLeftCount + RECENT_SLACK) this.#compactRecent();
  }

  /** Removes stale and repeated entries, so that frequent changes do not grow the list. */
  #compactRecent(): void {
    const current = this.#recent.filter(({ member }) =>
      this.#failed.has(member.name) || this.#left.has(member.name)
    );
    this.#recent.splice(0, this.#recent.length, ...new Set(current));
  }

  #removeFromList(record: MemberRecord, state: NodeState): void {
    if (!isActive(state)) {
      (state === "dead" ? this.#failed : this.#left).delete(record.member.name);
      return;
    }
    if (record.index < this.#probed) {
      this.#probed--;
      this.#swap(record.index, this.#probed);
    }
    this.#swap(record.index, this.#active.length - 1);
    this.#active.pop();
    record.index = -1;
  }

  #swap(a: number, b: number): void {
    const first = this.#active[a]!;
    const second = this.#active[b]!;
    this.#active[a] = second;
    this.#active[b] = first;
    second.index = a;
    first.index = b;
  }

  #dropAddress(record: MemberRecord, address: Address): void {
    const key = addressKey(address);
    if (this.#byAddress.get(key) === record) this.#byAddress.delete(key);
  }
}

function addressKey(address: Address): string {
  return `${address.host} ${address.port}`;
}
