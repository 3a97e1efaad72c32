/**
 * What goes over streams: push/pulls and pings that we open or answer (memberlist's `handleConn`,
 * `sendAndReceiveState`, `sendPingAndWaitForAck`).
 * @module
 */
import type { Address } from "../runtime.ts";
import type { Ping, StreamMessage } from "../wire/messages.ts";
import type { Core } from "./core.ts";
import type { Joiner } from "./joiner.ts";
import type { MemberRecord } from "./members.ts";
import type { Prober } from "./probe.ts";
import type { StateExchange } from "./push_pull.ts";
import type { Reachability } from "./reachability.ts";
import type { Exchange, ExchangePurpose, StreamSender } from "./types.ts";

/** What a TCP ping of ours is for. */
export interface StreamPingContext {
  /** Whom it goes to. */
  readonly record: MemberRecord;
  /** How long it may take. */
  readonly timeoutMs: number;
  /** The probe that it helps; absent where it only tries whether TCP works. */
  readonly sequence?: number;
}

/** What the streams are made of. */
export interface StreamsOptions {
  /** Shared state. */
  readonly core: Core;
  /** Builds and merges full states. */
  readonly state: StateExchange;
  /** Where it is noted which transports work. */
  readonly reachability: Reachability;
  /** Whose probes TCP helps. */
  readonly prober: Prober;
  /** Told which addresses were reached. */
  readonly joiner: Joiner;
}

/** Every exchange under way, from its opening to its end. */
export class Streams {
  readonly #core: Core;
  readonly #options: StreamsOptions;
  readonly #pings = new Map<number, StreamPingContext>();
  readonly #pushPulls = new Map<number, MemberRecord | undefined>();

  /** Begins with none. */
  constructor(options: StreamsOptions) {
    this.#core = options.core;
    this.#options = options;
  }

  /** Pings a member over TCP. */
  ping(context: StreamPingContext): void {
    const { options, self } = this.#core;
    const { name, address } = context.record.member;
    const exchange = this.#core.exchange("ping", address);
    this.#pings.set(exchange.id, context);
    const request = options.envelope.sealStream({
      type: "ping",
      sequence: context.sequence ?? 0,
      targetName: name,
      source: { name: self.member.name, address: self.member.address },
    }, { compress: false });
    options.effects.openExchange(exchange, request, context.timeoutMs);
  }

  /** Exchanges full states with whoever is at `to`. */
  pushPull(purpose: ExchangePurpose, to: Address): void {
    const exchange = this.#core.exchange(purpose, to);
    const peer = this.#core.table.at(to);
    this.#pushPulls.set(exchange.id, peer);
    const { envelope, effects } = this.#core.options;
    const request = envelope.sealStream(this.#options.state.request(purpose !== "push_pull"), {
      compress: this.#core.compressesFor(peer),
    });
    effects.openExchange(exchange, request, this.#core.settings.streamTimeoutMs);
  }

  /** One message on a stream that another node opened; the sealed reply, if any. */
  receive(from: StreamSender, message: StreamMessage): Uint8Array | undefined {
    const { envelope } = this.#core.options;
    switch (message.type) {
      case "pushPull": {
        const { state } = this.#options;
        const problem = state.merge(message, { from, answerTo: undefined });
        if (problem !== undefined) this.#core.drop("bad_version", { from, detail: problem });
        // Nothing else tells who asks: ours compress nothing, others by their default everything.
        return envelope.sealStream(state.build(message.join, message.nodes), {
          reply: true,
          compress: envelope.options.compress && from.compresses === true,
        });
      }
      case "ping":
        if (!isForUs(message, { core: this.#core, from })) return undefined;
        return envelope.sealStream(
          { type: "ack", sequence: message.sequence, payload: new Uint8Array() },
          { reply: true, compress: false },
        );
      case "user":
        this.#core.emit({ type: "user_message", from, payload: message.payload, via: "stream" });
        return undefined;
      case "ack":
      case "error":
        this.#core.drop("unexpected", {
          from,
          detail: `${message.type} on a stream that we did not open`,
        });
        return undefined;
      default:
        return message satisfies never;
    }
  }

  /** The reply to an exchange of ours. */
  replied(exchange: Exchange, message: StreamMessage): void {
    if (exchange.purpose === "ping") return this.#ponged(exchange, message);
    const { to, purpose } = exchange;
    const record = this.#pushPulls.get(exchange.id);
    if (!this.#pushPulls.delete(exchange.id)) {
      return this.#core.drop("unexpected", { from: to, detail: "reply to no exchange of ours" });
    }
    if (message.type !== "pushPull") {
      const detail = message.type === "error" ? message.message : `a ${message.type} message`;
      this.#core.drop("unexpected", { from: to, detail });
      return this.#joinFailed(exchange, `the other node answered: ${detail}`);
    }
    const problem = this.#options.state.merge(message, { from: to, answerTo: to });
    if (problem !== undefined) {
      this.#core.drop("bad_version", { from: to, detail: problem });
      return this.#joinFailed(exchange, problem);
    }
    if (record !== undefined) this.#options.reachability.streamWorked(record);
    this.#options.joiner.reached(to);
    if (purpose !== "join") return;
    this.#core.emit({ type: "join_succeeded", address: to, members: message.nodes.length });
  }

  /** An exchange of ours came to nothing. */
  failed(exchange: Exchange, reason: string): void {
    const ping = this.#pings.get(exchange.id);
    this.#pings.delete(exchange.id);
    // A probe's ping over TCP says nothing on its own: the member may be dead.
    if (ping !== undefined && ping.sequence === undefined) this.streamFailed(ping.record);
    const record = this.#pushPulls.get(exchange.id);
    if (!this.#pushPulls.delete(exchange.id)) return;
    if (record !== undefined) this.streamFailed(record);
    this.#joinFailed(exchange, reason);
  }

  /** TCP to a member failed, here or in the application. */
  streamFailed(record: MemberRecord): void {
    if (record.index >= 0) this.#options.reachability.streamFailed(record);
  }

  #ponged({ id, to }: Exchange, message: StreamMessage): void {
    const ping = this.#pings.get(id);
    this.#pings.delete(id);
    if (ping === undefined || message.type !== "ack") {
      const detail = `${message.type} where an ack was expected`;
      return this.#core.drop("unexpected", { from: to, detail });
    }
    ping.record.ackedMs = this.#core.nowMs();
    if (ping.sequence === undefined) this.#options.reachability.streamWorked(ping.record);
    else this.#options.prober.streamAck(ping.sequence);
  }

  #joinFailed({ purpose, to }: Exchange, reason: string): void {
    if (purpose === "join") this.#core.emit({ type: "join_failed", address: to, reason });
  }
}

/** Whether a ping is meant for this node, rather than for an earlier one at its address. */
export function isForUs(ping: Ping, at: { readonly core: Core; readonly from: Address }): boolean {
  if (ping.targetName === "" || ping.targetName === at.core.name) return true;
  at.core.drop("not_for_us", { from: at.from, detail: `ping for ${ping.targetName}` });
  return false;
}
