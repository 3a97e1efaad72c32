/**
 * Anti-entropy: nodes send digests of the batches that they hold to random members, which ask for
 * those that they miss
 * (Demers et al., "Epidemic algorithms for replicated database maintenance", 1987).
 * @module
 */
import type { NodeReference } from "../address.ts";
import type { BatchCopy } from "../batch/batch.ts";
import type { BatchId } from "../batch/id.ts";
import type { DigestMessage, WantMessage } from "./messages.ts";
import { BoundedMap } from "../bounded_map.ts";
import { DIGEST_MAX_IDS } from "../limits.ts";
import { encodeGossip } from "./codec.ts";
import { dropUnexpected, type GossipContext, selfReference } from "./context.ts";
import { burst } from "./burst.ts";
import type { History } from "./history.ts";

/** A `want` is answered in messages of about this size, so that none delays the others. */
const ANSWER_BYTES = 1024 * 1024;
/** Batches in one answer. */
const ANSWER_COPIES = 500;

/** A member is not asked again for a batch that was refused for this long: it would send the same bytes. */
const REFUSED_RETRY_MS = 5 * 60_000;
/** Refusals that are remembered, the oldest evicted first; an evicted one costs one more transfer. */
const MAX_REFUSED = 20_000;

/** What an `AntiEntropy` is made of. */
export interface AntiEntropyOptions {
  /** What the parts of the machine share. */

  readonly context: GossipContext;
  /** The batches that are remembered. */
  readonly history: History;
}

/** Anti-entropy of one node. */
export class AntiEntropy {
  readonly #context: GossipContext;
  readonly #history: History;
  /** By id: until when no other member is asked for the batch. */
  readonly #askedUntilMs = new Map<BatchId, number>();
  /** By `refusalKey`: until when a member is not asked again for a batch. */
  readonly #refusedUntilMs = new BoundedMap<string, number>({ max: MAX_REFUSED });

  /** Has asked for nothing yet. */
  constructor(options: AntiEntropyOptions) {
    this.#context = options.context;
    this.#history = options.history;
  }

  /** Sends a digest of all batches to random members, if there are any. */
  advertise(): void {
    this.#forgetUnanswered();
    const message = this.#digest({ wantsReply: false });
    if (message.ids.length === 0) return;
    burst(this.#context, { message: encodeGossip(message), exclude: [] });
  }

  /** Sends a digest of a few batches that were just fetched: cheaper than pushing them. */
  announce(ids: readonly BatchId[], options: { readonly exclude: Iterable<string> }): void {
    const fresh = new Set(ids);
    const message = this.#digest({ wantsReply: false, only: fresh });
    burst(this.#context, { message: encodeGossip(message), exclude: options.exclude });
  }

  /**
   * A member is alive (again): a few nodes, at random, send it their digest and ask for its own, so that
   * it learns at once what it missed and not a round later.
   */
  greet(member: NodeReference, options: { readonly aliveMembers: number }): void {
    const { settings, random } = this.#context;
    if (random.next() * options.aliveMembers >= settings.gossipGroup) return;
    this.#send(member, encodeGossip(this.#digest({ wantsReply: true })));
  }

  /** Asks for the batches that are missing here, and answers with a digest if that was asked for. */
  takeDigest(message: DigestMessage): void {
    const known = this.#member(message.from);
    if (known === undefined) return;
    const nowMs = this.#context.clock.nowMs();
    const lacking = message.ids.filter((id) =>
      !this.#history.hasSeen(id) && nowMs >= (this.#askedUntilMs.get(id) ?? -Infinity) &&
      nowMs >= (this.#refusedUntilMs.get(refusalKey(id, known)) ?? -Infinity)
    );
    if (lacking.length > 0) this.ask(known, lacking);
    if (!message.wantsReply) return;
    const theirs = new Set(message.ids);
    const mine = this.#digest({ wantsReply: false });
    if (mine.ids.some((id) => !theirs.has(id))) this.#send(known, encodeGossip(mine));
  }

  /** Asks a member for batches, and no other member for a while. */
  ask(member: NodeReference, ids: readonly BatchId[]): void {
    const untilMs = this.#context.clock.nowMs() + this.#context.settings.wantTimeoutMs;
    if (this.#askedUntilMs.size + ids.length > DIGEST_MAX_IDS) this.#forgetUnanswered();
    const asked = ids.slice(0, DIGEST_MAX_IDS - this.#askedUntilMs.size);
    if (asked.length === 0) return;
    asked.forEach((id) => this.#askedUntilMs.set(id, untilMs));
    this.#send(
      member,
      encodeGossip({ type: "want", from: selfReference(this.#context.peers), ids: asked }),
    );
  }

  /** Sends the batches that are still whole, in the order of their issue. */
  takeWant(message: WantMessage): void {
    const known = this.#member(message.from);
    if (known === undefined) return;
    let copies: BatchCopy[] = [];
    let bytes = 0;
    const flush = (): void => {
      if (copies.length > 0) this.#send(known, this.#answer(copies));
      copies = [];
      bytes = 0;
    };
    for (const id of [...new Set(message.ids)].sort()) {
      const entry = this.#history.whole(id);
      if (entry === undefined) continue;
      const size = entry.batch.body.length;
      if (bytes + size > ANSWER_BYTES || copies.length === ANSWER_COPIES) flush();
      copies.push({ batch: entry.batch, ageMs: this.#history.ageMs(entry) });
      bytes += size;
    }
    flush();
  }

  /** To be called when a batch has come. */
  came(id: BatchId): void {
    this.#askedUntilMs.delete(id);
  }

  /** To be called when a member's copy of a batch was refused. Other members may have a genuine one and are asked. */
  refused(id: BatchId, from: NodeReference): void {
    const untilMs = this.#context.clock.nowMs() + REFUSED_RETRY_MS;
    this.#refusedUntilMs.set(refusalKey(id, from), untilMs);
  }

  #answer(copies: readonly BatchCopy[]): Uint8Array {
    const from = selfReference(this.#context.peers);
    return encodeGossip({ type: "batch", from, asked: true, copies });
  }

  #digest(options: {
    readonly wantsReply: boolean;
    readonly only?: ReadonlySet<BatchId>;
  }): DigestMessage {
    const { wantsReply, only } = options;
    const entries = this.#history.newestFirst()
      .filter((entry) => only === undefined || only.has(entry.batch.id))
      .slice(0, DIGEST_MAX_IDS);
    return {
      type: "digest",
      from: selfReference(this.#context.peers),
      wantsReply,
      ids: entries.map((entry) => entry.batch.id),
      cancelled: entries.filter((entry) => entry.cancelled).map((entry) => entry.batch.id),
    };
  }

  /** The sender as the membership knows it; only members that run gossipcheck are sent batches. */
  #member(from: NodeReference): NodeReference | undefined {
    const peer = this.#context.peers.peer(from.name);
    if (peer !== undefined && peer.runsGossipcheck) {
      return { name: peer.name, address: peer.address };
    }
    const detail = "a digest or request came from a node that is no gossipcheck member";
    dropUnexpected(this.#context, { from: from.name, detail });
    return undefined;
  }

  #send(to: NodeReference, message: Uint8Array): void {
    this.#context.sends.send({ to, message });
  }

  #forgetUnanswered(): void {
    const nowMs = this.#context.clock.nowMs();
    for (const [id, untilMs] of this.#askedUntilMs) {
      if (untilMs <= nowMs) this.#askedUntilMs.delete(id);
    }
  }
}

function refusalKey(id: BatchId, { name }: NodeReference): string {
  return `${id} ${name}`;
}
