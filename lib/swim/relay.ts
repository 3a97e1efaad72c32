/**
 * Pings in others' stead (SWIM section 3.1; Lifeguard's nacks; memberlist's `handleIndirectPing`).
 * @module
 */
import type { Address } from "../runtime.ts";
import type { IndirectPing } from "../wire/messages.ts";
import type { Core } from "./core.ts";

/** One ping in someone's stead. */
interface Errand {
  readonly requester: Address;
  readonly requesterName: string;
  readonly sequence: number;
  readonly wantsNack: boolean;
}

/** Errands under way at most: what a flood of requests may cost. */
const ERRANDS_MAX = 1_024;

/** Runs errands for other nodes' probes. */
export class Relay {
  readonly #core: Core;
  readonly #errands = new Map<number, Errand>();

  /** Begins with none. */
  constructor(options: { readonly core: Core }) {
    this.#core = options.core;
  }

  /** Another node asks; `from` is its packet's source. */
  request(message: IndirectPing, from: Address): void {
    const core = this.#core;
    if (this.#errands.size >= ERRANDS_MAX) {
      return core.drop("too_many", { from, detail: "indirect pings under way" });
    }
    const sequence = core.nextSequence();
    this.#errands.set(sequence, {
      requester: message.source?.address ?? from,
      requesterName: message.source?.name ?? "",
      sequence: message.sequence,
      wantsNack: message.wantsNack,
    });
    core.options.effects.setTimer(core.settings.probeTimeoutMs, {
      type: "relay_deadline",
      sequence,
    });
    const { name, address } = core.self.member;
    const { targetName } = message;
    core.send(message.target, {
      messages: [{ type: "ping", sequence, targetName, source: { name, address } }],
      peer: core.table.at(message.target),
      piggyback: true,
    });
  }

  /** The target answered; true where the number is one of ours. */
  ack(sequence: number): boolean {
    const errand = this.#errands.get(sequence);
    if (errand === undefined) return false;
    this.#errands.delete(sequence);
    const payload = new Uint8Array();
    this.#core.send(errand.requester, {
      messages: [{ type: "ack", sequence: errand.sequence, payload }],
      peer: this.#core.table.get(errand.requesterName),
      piggyback: true,
    });
    return true;
  }

  /** The target did not answer in time. */
  deadline(sequence: number): void {
    const errand = this.#errands.get(sequence);
    if (errand === undefined) return;
    this.#errands.delete(sequence);
    if (!errand.wantsNack) return;
    this.#core.send(errand.requester, {
      messages: [{ type: "nack", sequence: errand.sequence }],
      peer: this.#core.table.get(errand.requesterName),
      piggyback: true,
    });
  }
}
