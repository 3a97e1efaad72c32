/**
 * The link machine: sends messages to other nodes over a stream each, or as fragments in packets if
 * no stream opens, and delivers each received message at most once.
 *
 * `sessions.ts` decides whether to accept a message, `fragment_sender.ts` and `reassembly.ts` carry
 * it in packets. Input are the methods of `Link`; everything that it causes leaves through
 * `LinkEffects`.
 * @module
 */
import { formatAddress } from "../address.ts";
import { WireError } from "../errors.ts";
import type { Address, Clock, Random } from "../runtime.ts";
import { FragmentSender } from "./fragment_sender.ts";
import { decodeFragment, decodeFragmentAck, encodeFragmentAck } from "./fragments.ts";
import {
  decodeLinkHeader,
  encodeLinkHeader,
  type LinkHeader,
  type Session,
  withLinkHeader,
} from "./header.ts";
import { Reassembly } from "./reassembly.ts";
import { type Refusal, Sessions } from "./sessions.ts";
import type { LinkEffects, LinkPeers, LinkTimer, SendRequest, StreamEnd } from "./types.ts";

/** Connect timeout if packets can be tried instead; TCP sends three SYNs in this time. */
const CONNECT_TIMEOUT_MS = 3_500;

/** Options of `Link`. */
export interface LinkOptions {
  /** The membership. */
  readonly peers: LinkPeers;
  /** This node's first session, which its meta publishes. */
  readonly session: Session;
  /** See `SessionsOptions`. */
  readonly maxSessions?: number;
  /** Bytes that a packet has for header and fragment. */
  readonly packetRoomBytes: () => number;
  /** Implemented by the host. */
  readonly effects: LinkEffects;
  /** Monotonic time. */
  readonly clock: Clock;
  /** Draws sessions. */
  readonly random: Random;
}

/** One node's end of the links to all other nodes. */
export class Link {
  readonly #options: LinkOptions;
  readonly #effects: LinkEffects;
  readonly #sessions: Sessions;
  readonly #fragmentSender: FragmentSender;
  readonly #reassembly: Reassembly;
  /** Messages whose stream has not ended, by id. */
  readonly #streams = new Map<number, { request: SendRequest; header: LinkHeader }>();

  /** Nothing is in progress. */
  constructor(options: LinkOptions) {
    const { effects, clock } = options;
    this.#options = options;
    this.#effects = effects;
    const sessionChanged = (session: Session) => effects.sessionChanged(session);
    const sessions = new Sessions({ ...options, sessionChanged });
    this.#sessions = sessions;
    this.#fragmentSender = new FragmentSender({
      clock,
      effects: {
        sendPacket: (to, { header, body }) => effects.sendPacket(to, withLinkHeader(header, body)),
        setTimer: (delayMs, timer) => effects.setTimer(delayMs, timer),
        done: (id, ok) => effects.sent(id, ok),
        isCurrent: (to, header) => sessions.isCurrent(to, header),
      },
    });
    this.#reassembly = new Reassembly({
      clock,
      effects: {
        acknowledge: (header, body) => this.#sendFragmentAck(header, body),
        setTimer: (delayMs, timer) => effects.setTimer(delayMs, timer),
        drop: (reason, input) => effects.drop(reason, input),
        complete: (header, message) => this.#receiveReassembled(header, message),
      },
    });
  }

  /** This node's session. */
  get session(): Session {
    return this.#sessions.session;
  }

  /** Number of messages being reassembled, and the bytes reserved for them. */
  get held(): { readonly messages: number; readonly bytes: number } {
    return this.#reassembly.held;
  }

  /** Sends a message. */
  send(request: SendRequest): void {
    const { to, id, message, timeoutMs } = request;
    const header = this.#sessions.next(to.name);
    if (header === undefined) return this.#effects.setTimer(0, { type: "send_failed", id });
    const degraded = this.#options.peers.peer(to.name)?.degraded;
    if (degraded === "udp") return this.#sendFragments(request, header);
    this.#streams.set(id, { request, header });
    const connectTimeoutMs = degraded === "tcp"
      ? timeoutMs
      : Math.min(timeoutMs, CONNECT_TIMEOUT_MS);
    const bytes = encodeLinkHeader(header);
    this.#effects.openStream({ id, to, header: bytes, message, connectTimeoutMs, timeoutMs });
  }

  /** Handles the end of a stream. */
  streamEnded(id: number, end: StreamEnd): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#streams.delete(id);
    const { request, header } = stream;
    const { name } = request.to;
    if (end.type === "closed") {
      const acknowledged = this.#isMessageAck(end.answer, { header, by: name });
      if (acknowledged) this.#effects.reachable(name, true);
      // Without an ack the message was refused, usually since one end has just restarted and the
      // other does not know its session yet. That says nothing about streams.
      return this.#effects.sent(id, acknowledged);
    }
    this.#effects.reachable(name, false);
    const peer = this.#options.peers.peer(name);
    const mayReceivePackets = (peer?.state === "alive" || peer?.state === "suspect") &&
      peer.degraded !== "tcp" && this.#sessions.isCurrent(name, header);
    if (mayReceivePackets) this.#sendFragments(request, header);
    else this.#effects.sent(id, false);
  }

  /** Handles what a peer wrote on a stream; returns the ack to write back if it was accepted. */
  receiveStream(from: Address, payload: Uint8Array): Uint8Array | undefined {
    const opened = this.#open(from, payload);
    if (opened === undefined) return undefined;
    const { header, body } = opened;
    if (header.kind !== "message") {
      return this.#drop(header, "unexpected on a stream, expected message");
    }
    const refusal = this.#sessions.check(header);
    if (refusal !== undefined) return this.#drop(header, refusal);
    const ack = encodeLinkHeader(this.#sessions.ackHeader(header, "message_ack"));
    this.#sessions.accept(header);
    this.#effects.deliver(body, header.from);
    return ack;
  }

  /** Handles a packet. */
  receivePacket(from: Address, payload: Uint8Array): void {
    const opened = this.#open(from, payload);
    if (opened === undefined) return;
    const { header, body } = opened;
    switch (header.kind) {
      case "fragment":
        return this.#receiveFragment(header, body);
      case "fragment_ack":
        return this.#receiveFragmentAck(header, body);
      case "message":
      case "message_ack":
        return this.#drop(header, "unexpected in a packet, expected fragment or fragment_ack");
      default:
        return header.kind satisfies never;
    }
  }

  /** Handles a timer. */
  fire(timer: LinkTimer): void {
    switch (timer.type) {
      case "send_failed":
        return this.#effects.sent(timer.id, false);
      case "retransmit":
        return this.#fragmentSender.fire(timer);
      case "ack":
      case "sweep":
        return this.#reassembly.fire(timer);
      default:
        return timer satisfies never;
    }
  }

  /**
   * A message that was sent on a stream keeps its sequence number, so that the receiver does not
   * accept it again if only the ack was lost.
   */
  #sendFragments({ id, to, message }: SendRequest, header: LinkHeader): void {
    const roomBytes = this.#options.packetRoomBytes();
    const fragmentHeader: LinkHeader = { ...header, kind: "fragment" };
    this.#fragmentSender.send({ id, to: to.name, header: fragmentHeader, message, roomBytes });
  }

  #receiveFragment(header: LinkHeader, body: Uint8Array): void {
    const fragment = this.#decode(header.from, () => decodeFragment(body));
    if (fragment === undefined) return;
    const refusal = this.#sessions.check(header);
    if (refusal === undefined) return this.#reassembly.receive(header, fragment);
    // The ack of the whole message was lost or is on its way.
    if (refusal.duplicate) this.#sendFragmentAck(header, encodeFragmentAck("complete"));
    else this.#drop(header, refusal);
  }

  #receiveFragmentAck(header: LinkHeader, body: Uint8Array): void {
    const ack = this.#decode(header.from, () => decodeFragmentAck(body));
    if (ack === undefined) return;
    const refusal = this.#sessions.checkReceiver(header);
    if (refusal !== undefined) this.#drop(header, refusal);
    // The sender's session and the number must be those of a message in progress.
    else this.#fragmentSender.acknowledged(header, ack);
  }

  #receiveReassembled(header: LinkHeader, message: Uint8Array): void {
    this.#sendFragmentAck(header, encodeFragmentAck("complete"));
    this.#sessions.accept(header);
    this.#effects.deliver(message, header.from);
  }

  #sendFragmentAck(header: LinkHeader, body: Uint8Array): void {
    const ackHeader = this.#sessions.ackHeader(header, "fragment_ack");
    this.#effects.sendPacket(header.from, withLinkHeader(ackHeader, body));
  }

  #isMessageAck(
    answer: Uint8Array,
    sent: { readonly header: LinkHeader; readonly by: string },
  ): boolean {
    if (answer.length === 0) return false;
    const header = this.#decode(sent.by, () => decodeLinkHeader(answer))?.header;
    return header?.kind === "message_ack" && header.from === sent.by &&
      header.fromSession === sent.header.toSession &&
      header.toSession === sent.header.fromSession &&
      header.sequence === sent.header.sequence;
  }

  #open(from: Address, payload: Uint8Array): ReturnType<typeof decodeLinkHeader> | undefined {
    return this.#decode(formatAddress(from), () => decodeLinkHeader(payload));
  }

  #drop(header: LinkHeader, refusal: Refusal | string): undefined {
    const { reason, detail } = typeof refusal === "string"
      ? { reason: "unexpected" as const, detail: refusal }
      : refusal;
    this.#effects.drop(reason, { from: header.from, detail: `${header.kind}: ${detail}` });
  }

  /** Decodes input; counts it and returns `undefined` if it is not valid. */
  #decode<T>(from: string, decode: () => T): T | undefined {
    try {
      return decode();
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#effects.drop(error.reason, { from, detail: error.message });
      return undefined;
    }
  }
}
