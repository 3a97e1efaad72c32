/**
 * Exchanges over TCP streams: push/pulls and pings that this node opens or answers (memberlist's
 * `handleConn`, `sendAndReceiveState`, `sendPingAndWaitForAck`).
 * @module
 */
import type { Address } from "../runtime.ts";
import type { Ping, StreamMessage, User } from "../wire/messages.ts";
import type { LocalNode } from "./local_node.ts";
import type { Joiner } from "./joiner.ts";
import type { MemberRecord } from "./members.ts";
import type { Prober } from "./probe.ts";
import type { StateExchange } from "./push_pull.ts";
import type { Reachability } from "./reachability.ts";
import type { Exchange, ExchangePurpose, StreamSender } from "./types.ts";

/** A ping over TCP from this node. */
export interface StreamPingContext {
  /** The member to ping. */
  readonly record: MemberRecord;
  readonly timeoutMs: number;
  /** Sequence number of the probe that it belongs to; absent if it only tests TCP. */
  readonly sequence?: number;
}

/** Options of `Streams`. */
export interface StreamsOptions {
  readonly node: LocalNode;
  /** Builds and merges full states. */
  readonly state: StateExchange;
  /** Learns which members answer over TCP. */
  readonly reachability: Reachability;
  /** Gets the acks to pings that belong to a probe. */
  readonly prober: Prober;
  /** Learns which addresses were reached. */
  readonly joiner: Joiner;
}

/** Opens and answers push/pulls and pings over TCP. */
export class Streams {
  readonly #node: LocalNode;
  readonly #options: StreamsOptions;
  readonly #pings = new Map<number, StreamPingContext>();
  readonly #pushPulls = new Map<number, MemberRecord | undefined>();

  /** Begins without exchanges. */
  constructor(options: StreamsOptions) {
    this.#node = options.node;
    this.#options = options;
  }

  /** Pings a member over TCP. */
  ping(context: StreamPingContext): void {
    const { options } = this.#node;
    const { name, address } = context.record.member;
    const exchange = this.#node.exchange("ping", address);
    this.#pings.set(exchange.id, context);
    const ping = this.#node.ping(context.sequence ?? 0, name);
    const request = options.envelope.sealStream(ping, { compress: false });
    options.effects.openExchange(exchange, request, context.timeoutMs);
  }

  /** Opens a push/pull with the node at `to`. */
  pushPull(purpose: ExchangePurpose, to: Address): void {
    const exchange = this.#node.exchange(purpose, to);
    const peer = this.#node.table.at(to);
    this.#pushPulls.set(exchange.id, peer);
    const { envelope, effects } = this.#node.options;
    const request = envelope.sealStream(this.#options.state.request(purpose !== "push_pull"), {
      compress: this.#node.compressesFor(peer),
    });
    effects.openExchange(exchange, request, this.#node.settings.streamTimeoutMs);
  }

  /** Handles a message on a stream that another node opened; returns the encoded reply, if any. */
  receive(
    from: StreamSender,
    message: Exclude<StreamMessage, User>,
  ): Uint8Array | undefined {
    const { envelope } = this.#node.options;
    switch (message.type) {
      case "pushPull": {
        const { state } = this.#options;
        const problem = state.merge(message, { from, answerTo: undefined });
        if (problem !== undefined) this.#node.drop("bad_version", { from, detail: problem });
        // gossipcheck nodes do not compress push/pulls among each other; memberlist does by default.
        return envelope.sealStream(state.build(message.join, message.nodes), {
          reply: true,
          compress: envelope.options.compress && from.compresses === true,
        });
      }
      case "ping":
        if (!isForThisNode(message, { node: this.#node, from })) return undefined;
        return envelope.sealStream(
          { type: "ack", sequence: message.sequence, payload: new Uint8Array() },
          { reply: true, compress: false },
        );
      case "ack":
      case "error":
        this.#node.drop("unexpected", {
          from,
          detail: `${message.type} message on a stream that the peer opened`,
        });
        return undefined;
      default:
        return message satisfies never;
    }
  }

  /** Handles the reply to an exchange that this node opened. */
  replied(exchange: Exchange, message: StreamMessage): void {
    if (exchange.purpose === "ping") return this.#pingReplied(exchange, message);
    const { to, purpose } = exchange;
    const record = this.#pushPulls.get(exchange.id);
    if (!this.#pushPulls.delete(exchange.id)) {
      return this.#node.drop("unexpected", { from: to, detail: "reply without a request" });
    }
    if (message.type !== "pushPull") {
      const detail = message.type === "error"
        ? `the peer replied with an error: ${message.message}`
        : `the peer replied with a ${message.type} message; expected a push/pull`;
      this.#node.drop("unexpected", { from: to, detail });
      return this.#joinFailed(exchange, detail);
    }
    const problem = this.#options.state.merge(message, { from: to, answerTo: to });
    if (problem !== undefined) {
      this.#node.drop("bad_version", { from: to, detail: problem });
      return this.#joinFailed(exchange, problem);
    }
    if (record !== undefined) this.#options.reachability.streamWorked(record);
    this.#options.joiner.reached(to);
    if (purpose !== "join") return;
    this.#node.emit({ type: "join_succeeded", address: to, members: message.nodes.length });
  }

  /** Handles the failure of an exchange that this node opened. */
  failed(exchange: Exchange, reason: string): void {
    const ping = this.#pings.get(exchange.id);
    this.#pings.delete(exchange.id);
    // A ping that belongs to a probe does not count against TCP: the member may have failed.
    if (ping !== undefined && ping.sequence === undefined) this.streamFailed(ping.record);
    const record = this.#pushPulls.get(exchange.id);
    if (!this.#pushPulls.delete(exchange.id)) return;
    if (record !== undefined) this.streamFailed(record);
    this.#joinFailed(exchange, reason);
  }

  /** Notes that TCP to a member failed, here or in the application. */
  streamFailed(record: MemberRecord): void {
    if (record.index >= 0) this.#options.reachability.streamFailed(record);
  }

  #pingReplied({ id, to }: Exchange, message: StreamMessage): void {
    const ping = this.#pings.get(id);
    this.#pings.delete(id);
    if (ping === undefined || message.type !== "ack") {
      const detail = `the peer replied with ${message.type}; expected an ack to a ping`;
      return this.#node.drop("unexpected", { from: to, detail });
    }
    ping.record.ackedMs = this.#node.nowMs();
    if (ping.sequence === undefined) this.#options.reachability.streamWorked(ping.record);
    else this.#options.prober.streamAck(ping.sequence);
  }

  #joinFailed({ purpose, to }: Exchange, reason: string): void {
    if (purpose === "join") this.#node.emit({ type: "join_failed", address: to, reason });
  }
}

/**
 * Whether a ping is for this node, and not for another one that had its address before. If not, it is
 * dropped.
 */
export function isForThisNode(
  ping: Ping,
  at: { readonly node: LocalNode; readonly from: Address },
): boolean {
  if (ping.targetName === "" || ping.targetName === at.node.name) return true;
  at.node.drop("not_for_us", { from: at.from, detail: `ping for ${ping.targetName}` });
  return false;
}
