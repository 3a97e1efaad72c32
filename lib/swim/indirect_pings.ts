/**
 * Indirect pings for other nodes (ping-req of SWIM section 3.1; Lifeguard's nacks; memberlist's
 * `handleIndirectPing`): this node pings the target and forwards the ack.
 * @module
 */
import type { Address } from "../runtime.ts";
import type { IndirectPing } from "../wire/messages.ts";
import type { LocalNode } from "./local_node.ts";

/** An indirect ping whose target has not answered yet. */
interface Pending {
  readonly requester: Address;
  readonly requesterName: string;
  /** Sequence number in the request. */
  readonly sequence: number;
  readonly wantsNack: boolean;
}

/** Maximum number of pending indirect pings; further ones are dropped. */
const PENDING_MAX = 1_024;

/** Pings members on behalf of other nodes. */
export class IndirectPings {
  readonly #node: LocalNode;
  /** By the sequence number of this node's ping. */
  readonly #pending = new Map<number, Pending>();

  /** Begins with none pending. */
  constructor(options: { readonly node: LocalNode }) {
    this.#node = options.node;
  }

  /** Handles an indirect ping; `from` is the source address of its packet. */
  request(message: IndirectPing, from: Address): void {
    const node = this.#node;
    if (this.#pending.size >= PENDING_MAX) {
      const detail = `too many pending indirect pings; maximum ${PENDING_MAX}`;
      return node.drop("too_many", { from, detail });
    }
    const sequence = node.nextSequence();
    this.#pending.set(sequence, {
      requester: message.source?.address ?? from,
      requesterName: message.source?.name ?? "",
      sequence: message.sequence,
      wantsNack: message.wantsNack,
    });
    node.options.effects.setTimer(node.settings.probeTimeoutMs, {
      type: "indirect_ping_deadline",
      sequence,
    });
    node.send(message.target, {
      messages: [node.ping(sequence, message.targetName)],
      peer: node.table.at(message.target),
      piggyback: true,
    });
  }

  /** Forwards an ack to the requester. Returns false if `sequence` is not a pending ping. */
  ack(sequence: number): boolean {
    const pending = this.#pending.get(sequence);
    if (pending === undefined) return false;
    this.#pending.delete(sequence);
    const payload = new Uint8Array();
    this.#node.send(pending.requester, {
      messages: [{ type: "ack", sequence: pending.sequence, payload }],
      peer: this.#node.table.get(pending.requesterName),
      piggyback: true,
    });
    return true;
  }

  /** Sends a nack, if requested: the target did not answer in time. */
  deadline(sequence: number): void {
    const pending = this.#pending.get(sequence);
    if (pending === undefined) return;
    this.#pending.delete(sequence);
    if (!pending.wantsNack) return;
    this.#node.send(pending.requester, {
      messages: [{ type: "nack", sequence: pending.sequence }],
      peer: this.#node.table.get(pending.requesterName),
      piggyback: true,
    });
  }
}
