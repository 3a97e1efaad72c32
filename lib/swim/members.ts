/**
 * The member table: by name, by address, and drawn from at random, each at a cost that does not
 * grow with the cluster (hashicorp/memberlist issue 243).
 * @module
 */
import type { Address, Random } from "../runtime.ts";
import type { NodeState } from "../wire/messages.ts";
import type { Suspicion } from "./suspicion.ts";
import type { Member } from "./types.ts";

/** The last look at a suspect before it is declared failed. */
export interface Watch {
  /** When it is over. */
  readonly endMs: number;
  /** When it began. */
  readonly startMs: number;
  /** Sequence number of its pings. */
  readonly sequence: number;
}

/** One member with what the machine notes about it. */
export interface MemberRecord {
  /** What is told about it; replaced whole at each change, so that who holds one holds a snapshot. */
  member: Member;
  /** Place among the active ones; -1 for this node and for failed and left ones. */
  index: number;
  /** When it last answered a ping of ours, by whatever way. */
  ackedMs: number;
  /** When a packet last came from its address. */
  heardMs: number;
  /** When others' wrong belief about it was last answered. */
  accusedMs: number;
  /** When a conflict over its name was last told. */
  conflictMs: number;
  /** While it is suspect. */
  suspicion?: Suspicion | undefined;
  /** Near the end of a suspicion. */
  watch?: Watch | undefined;
  /** Names the one suspicion timer that is not stale. */
  timerToken: number;
  /** When that timer is due. */
  timerDueMs: number;
}

/** Whether a state counts as being in the cluster. */
export function isActive(state: NodeState): boolean {
  return state === "alive" || state === "suspect";
}

/** A whole number from 0 to below `bound`. */
export function below(random: Random, bound: number): number {
  return Math.floor(random.next() * bound);
}

/** What members are drawn for. */
export interface Draw {
  /** How many at most. */
  readonly count: number;
  /** Whether this one will do. */
  accept(record: MemberRecord): boolean;
}

/** Entries about who went lately that may be out of date before they are tidied. */
const RECENT_SLACK = 256;

/** All members, this node included. */
export class MemberTable {
  readonly #random: Random;
  readonly #byName = new Map<string, MemberRecord>();
  readonly #byAddress = new Map<string, MemberRecord>();
  /** Alive and suspect ones but this node; those before `#probed` had their turn in this round. */
  readonly #active: MemberRecord[] = [];
  #probed = 0;
  /** In the order in which they went. */
  readonly #failed = new Map<string, MemberRecord>();
  readonly #left = new Map<string, MemberRecord>();
  /** Who went not long ago, oldest first; tidied when it is read. */
  readonly #recent: MemberRecord[] = [];

  /** Starts empty. */
  constructor(options: { readonly random: Random }) {
    this.#random = options.random;
  }

  /** Names held, in whatever state. */
  get size(): number {
    return this.#byName.size;
  }

  /** Alive and suspect members, this node left out. */
  get activeCount(): number {
    return this.#active.length;
  }

  /** Failed members. */
  get failedCount(): number {
    return this.#failed.size;
  }

  /** Failed and left members. */
  get goneCount(): number {
    return this.#failed.size + this.#left.size;
  }

  /** The record of `name`. */
  get(name: string): MemberRecord | undefined {
    return this.#byName.get(name);
  }

  /** Who listens at `address`. */
  at(address: Address): MemberRecord | undefined {
    return this.#byAddress.get(addressKey(address));
  }

  /** All records, in the order in which they were first heard of. */
  records(): Iterable<MemberRecord> {
    return this.#byName.values();
  }

  /** Alive and suspect ones, in no order. Not to be changed. */
  active(): readonly MemberRecord[] {
    return this.#active;
  }

  /** Adds this node, who is never drawn, or a member new to us. */
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
    if (options.self !== true) this.#file(record);
    return record;
  }

  /** Replaces what is told about a member and files it under its new state and address. */
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
    this.#unfile(record, before.state);
    this.#file(record);
  }

  /** Forgets a member. */
  remove(record: MemberRecord): void {
    const { name, state, address } = record.member;
    this.#unfile(record, state);
    this.#byName.delete(name);
    this.#dropAddress(record, address);
    record.timerToken = -1;
  }

  /**
   * Whose turn it is to be probed: each once a round, in an order that differs from round to round
   * (SWIM section 4.3). The shuffle is done a step at a time.
   */
  nextToProbe(): MemberRecord | undefined {
    if (this.#active.length === 0) return undefined;
    if (this.#probed >= this.#active.length) this.#probed = 0;
    const pick = this.#probed + below(this.#random, this.#active.length - this.#probed);
    this.#swap(pick, this.#probed);
    return this.#active[this.#probed++];
  }

  /** Distinct active members at random. May miss some where few are acceptable among many. */
  drawActive(draw: Draw): MemberRecord[] {
    return this.#draw(draw, []);
  }

  /** Like `drawActive`, with those that failed after `sinceMs` in the hat too. */
  drawForGossip(count: number, sinceMs: number): MemberRecord[] {
    const recent = this.recentlyGone(sinceMs);
    return this.#draw({ count, accept: ({ member }) => member.state !== "left" }, recent);
  }

  /** Who went after `sinceMs`; some may be back or forgotten since, and stand here twice. */
  recentlyGone(sinceMs: number): readonly MemberRecord[] {
    let past = 0;
    while (past < this.#recent.length && this.#recent[past]!.member.stateSinceMs < sinceMs) past++;
    if (past > 0) this.#recent.splice(0, past);
    return this.#recent;
  }

  /** One failed member at random. */
  drawFailed(): MemberRecord | undefined {
    let skip = below(this.#random, this.#failed.size);
    for (const record of this.#failed.values()) {
      if (skip-- === 0) return record;
    }
    return undefined;
  }

  /** The member longest gone in `state`. */
  oldest(state: "dead" | "left"): MemberRecord | undefined {
    for (const record of (state === "dead" ? this.#failed : this.#left).values()) return record;
    return undefined;
  }

  #draw(draw: Draw, others: readonly MemberRecord[]): MemberRecord[] {
    const total = this.#active.length + others.length;
    const at = (index: number) =>
      index < this.#active.length ? this.#active[index]! : others[index - this.#active.length]!;
    const drawn: MemberRecord[] = [];
    // Among few, guessing easily misses some: look at all of them in a random order.
    const exhaustive = total <= draw.count * 3;
    const order = exhaustive ? Array.from({ length: total }, (_, index) => index) : [];
    const tries = exhaustive ? total : draw.count * 12;
    for (let attempt = 0; attempt < tries && drawn.length < draw.count; attempt++) {
      let index = below(this.#random, exhaustive ? total - attempt : total);
      if (exhaustive) {
        const last = order.length - 1 - attempt;
        [order[index], order[last]] = [order[last]!, order[index]!];
        index = order[last]!;
      }
      const record = at(index);
      if (draw.accept(record) && !drawn.includes(record)) drawn.push(record);
    }
    return drawn;
  }

  #file(record: MemberRecord): void {
    const { name, state } = record.member;
    if (isActive(state)) {
      // At the end is among those still to be probed in this round, at a random turn.
      record.index = this.#active.length;
      this.#active.push(record);
      return;
    }
    (state === "dead" ? this.#failed : this.#left).set(name, record);
    this.#recent.push(record);
    if (this.#recent.length > 2 * this.goneCount + RECENT_SLACK) this.#tidyRecent();
  }

  /** Drops who is back or forgotten, so that quick comings and goings do not pile up. */
  #tidyRecent(): void {
    const gone = this.#recent.filter(({ member }) =>
      this.#failed.has(member.name) || this.#left.has(member.name)
    );
    this.#recent.splice(0, this.#recent.length, ...new Set(gone));
  }

  #unfile(record: MemberRecord, state: NodeState): void {
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
