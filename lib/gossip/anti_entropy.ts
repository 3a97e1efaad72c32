/**
 * Second phase: nodes tell random others what they remember, and those ask for what they lack
 * (Demers et al., "Epidemic algorithms for replicated database maintenance", 1987).
 * @module
 */
import type { BatchCopy, BatchId, DigestMessage, NodeReference, WantMessage } from "./types.ts";
import { DIGEST_MAX_IDS } from "../limits.ts";
import { encodeGossip } from "./codec.ts";
import { dropUnexpected, type GossipContext, selfReference } from "./context.ts";
import { burst } from "./burst.ts";
import type { History } from "./history.ts";

/** Whole batches are answered in messages of about this size, so that none holds up the others. */
const ANSWER_BYTES = 1024 * 1024;
/** Copies in one answer. */
const ANSWER_COPIES = 500;

/** A refused batch is not asked of the same member again for this long: it would bring the same bytes. */
const REFUSED_RETRY_MS = 5 * 60_000;
/** Refusals that are remembered; the oldest are forgotten first, and cost one transfer more. */
const MAX_REFUSED = 20_000;

/** What it is made with. */
export interface AntiEntropyOptions {
  /** Surroundings. */
  readonly context: GossipContext;
  /** What is remembered. */
  readonly history: History;
}

/** The second phase of one node. */
export class AntiEntropy {
  readonly #context: GossipContext;
  readonly #history: History;
  /** Until when a batch is asked of nobody else. */
  readonly #askedUntilMs = new Map<BatchId, number>();
  /** Until when a batch is not asked of a member again, by `refusalKey`; those of the longest ago first. */
  readonly #refusedUntilMs = new Map<string, number>();

  /** Has asked for nothing. */
  constructor(options: AntiEntropyOptions) {
    this.#context = options.context;
    this.#history = options.history;
  }

  /** Tells random members of all that is remembered; says nothing where there is nothing. */
  advertise(): void {
    this.#forgetUnanswered();
    const message = this.#digest({ wantsReply: false });
    if (message.ids.length === 0) return;
    burst(this.#context, { message: encodeGossip(message), exclude: [] });
  }

  /** Tells random members of a few batches that just came by asking: cheaper than pushing them. */
  announce(ids: readonly BatchId[], options: { readonly exclude: Iterable<string> }): void {
    const fresh = new Set(ids);
    const message = this.#digest({ wantsReply: false, only: fresh });
    burst(this.#context, { message: encodeGossip(message), exclude: options.exclude });
  }

  /**
   * A member is there (again): a few of us, by chance, tell it what they remember and ask what it
   * does, so that it learns at once what it missed and not a period later.
   */
  greet(member: NodeReference, options: { readonly aliveMembers: number }): void {
    const { settings, random } = this.#context;
    if (random.next() * options.aliveMembers >= settings.gossipGroup) return;
    this.#send(member, encodeGossip(this.#digest({ wantsReply: true })));
  }

  /** Asks for what is lacking here, and tells what is lacking there where that was asked. */
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

  /** Asks a member for batches, and nobody else for a while. */
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

  /** Answers with the batches that are still whole, those issued first first. */
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

  /** A batch has come. */
  came(id: BatchId): void {
    this.#askedUntilMs.delete(id);
  }

  /** A member's copy of a batch was not let in. Others may have a better one: they are asked. */
  refused(id: BatchId, from: NodeReference): void {
    const key = refusalKey(id, from);
    this.#refusedUntilMs.delete(key);
    this.#refusedUntilMs.set(key, this.#context.clock.nowMs() + REFUSED_RETRY_MS);
    const [oldest] = this.#refusedUntilMs.keys();
    if (this.#refusedUntilMs.size > MAX_REFUSED && oldest !== undefined) {
      this.#refusedUntilMs.delete(oldest);
    }
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

  /** The sender as the membership knows it: nobody else is sent batches, whoever asks. */
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
