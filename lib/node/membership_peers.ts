/**
 * The membership as dissemination sees it.
 * @module
 */
import type { Peer, PeerView } from "../gossip/types.ts";
import { decodeMeta } from "../swim/meta.ts";
import type { Member } from "../swim/types.ts";

/** The part of the membership machine that is read. */
export interface Members {
  /** This node. */
  self(): Member;
  /** All members, this node included. */
  members(): Iterable<Member>;
  /** One by name, this node included. */
  member(name: string): Member | undefined;
}

/** A member's metadata, decoded. */
export type MemberMeta = ReturnType<typeof decodeMeta>;

/** Reads the membership on demand; each member's metadata is decoded once. */
export class MembershipPeers implements PeerView {
  readonly #members: Members;
  readonly #decoded = new WeakMap<Uint8Array, MemberMeta>();

  /** Reads the given membership. */
  constructor(members: Members) {
    this.#members = members;
  }

  /** This node. */
  get self(): Peer {
    return this.#peer(this.#members.self());
  }

  /** Every member known but this node, in no order. */
  *peers(): Iterable<Peer> {
    const self = this.#members.self().name;
    for (const member of this.#members.members()) {
      if (member.name !== self) yield this.#peer(member);
    }
  }

  /** One member by name, this node included. */
  peer(name: string): Peer | undefined {
    const member = this.#members.member(name);
    return member && this.#peer(member);
  }

  /** A member's metadata, decoded. */
  meta(member: Member): MemberMeta {
    let meta = this.#decoded.get(member.meta);
    if (meta === undefined) {
      meta = decodeMeta(member.meta);
      this.#decoded.set(member.meta, meta);
    }
    return meta;
  }

  #peer(member: Member): Peer {
    const { name, address, state, degraded } = member;
    const peer = { name, address, state, ...this.meta(member) };
    return degraded === undefined ? peer : { ...peer, degraded };
  }
}
