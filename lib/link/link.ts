/**
 * How dissemination's messages get from node to node: over a stream where one can be opened, else
 * in packets; each bound to the two lives that it is between (`links.ts`) and taken once.
 *
 * A machine: bytes, timers and how streams went come in, and all that it causes leaves through
 * `TransportEffects`.
 * @module
 */
import { formatAddress } from "../address.ts";
import { type DropReason, WireError } from "../errors.ts";
import type { Address, Clock, Random } from "../runtime.ts";
import type { NodeReference, PeerView, SendRequest } from "../gossip/types.ts";
import { decodeAcknowledgement, decodeFragment, encodeAcknowledgement } from "./fragments.ts";
import {
  decodeLinkHead,
  encodeLinkHead,
  type LinkHead,
  type Session,
  withLinkHead,
} from "./header.ts";
import { Links } from "./sessions.ts";
import { PacketsIn, type PacketsInTimer } from "./reassembly.ts";
import { PacketsOut, type PacketsOutTimer } from "./fragment_sender.ts";

/** A stream that is not open after this is given up, where packets may do: TCP tries three times in it. */
const CONNECT_PATIENCE_MS = 3_500;

/** One message to send over a stream of its own. */
export interface StreamSend {
  /** Handed back by `streamEnded`. */
  readonly id: number;
  /** Whom to. */
  readonly to: NodeReference;
  /** To be written first. */
  readonly head: Uint8Array;
  /** To be written after it. Shared by a fan-out, so not to be changed. */
  readonly message: Uint8Array;
  /** The stream counts as failed where it is not open after this long… */
  readonly connectTimeoutMs: number;
  /** …or not ended after this long in all. */
  readonly timeoutMs: number;
}

/** How a stream ended: with what the other end wrote back, if anything, or without. */
export type StreamEnd = {
  /** The other end closed it. */
  readonly type: "closed";
  /** What it wrote before; empty for nothing. */
  readonly answer: Uint8Array;
} | {
  /** It was not opened, or broke, or took too long. */
  readonly type: "failed";
};

/** Plain data handed back by the clock; stale ones are ignored. */
export type TransportTimer = PacketsInTimer | PacketsOutTimer | {
  /** A message cannot go. */
  readonly type: "unsendable";
  /** Which. */
  readonly id: number;
};

/** What the machine needs done. Whoever implements it owes exactly what each method says. */
export interface TransportEffects {
  /** Opens a stream and sends on it. Owes, later and never from inside this call, one `streamEnded`. */
  openStream(send: StreamSend): void;
  /** Sends one packet to a member; fire and forget. */
  sendPacket(to: string, payload: Uint8Array): void;
  /** Hands `timer` to `fire` once, `delayMs` from now. Never from inside this call. */
  setTimer(delayMs: number, timer: TransportTimer): void;
  /** Tells how a message went; never from inside `send`. */
  sent(id: number, ok: boolean): void;
  /** A message came, from the member of that name. */
  deliver(message: Uint8Array, from: string): void;
  /** Whether a stream to a member could be opened. */
  reachable(name: string, ok: boolean): void;
  /** Input was dropped: its counter goes up. */
  drop(reason: DropReason, input: { readonly from: string; readonly detail: string }): void;
  /** This node has a new session, which the others must learn. */
  renewed(session: Session): void;
}

/** What the machine is made of. */
export interface TransportOptions {
  /** The membership. */
  readonly peers: PeerView;
  /** This node's first session, as its meta says it. */
  readonly session: Session;
  /** As `LinksOptions` has it. */
  readonly maxSessions?: number;
  /** Bytes that a packet has for one message. */
  readonly packetRoomBytes: () => number;
  /** The world. */
  readonly effects: TransportEffects;
  /** The time. */
  readonly clock: Clock;
  /** Chance. */
  readonly random: Random;
}

/** One stream under way. */
interface StreamUnderWay {
  readonly request: SendRequest;
  readonly head: LinkHead;
}

/** One node's end of all links. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #effects: TransportEffects;
  readonly #links: Links;
  readonly #out: PacketsOut;
  readonly #in: PacketsIn;
  readonly #streams = new Map<number, StreamUnderWay>();

  /** Nothing is under way. */
  constructor(options: TransportOptions) {
    const { effects, clock, peers } = options;
    this.#options = options;
    this.#effects = effects;
    const links = new Links({ ...options, renewed: (next) => effects.renewed(next) });
    this.#links = links;
    this.#out = new PacketsOut({
      clock,
      effects: {
        sendPacket: (to, { head, body }) => effects.sendPacket(to, withLinkHead(head, body)),
        setTimer: (delayMs, timer) => effects.setTimer(delayMs, timer),
        done: (id, ok) => effects.sent(id, ok),
        current: (to, head) =>
          links.session === head.fromSession && peers.peer(to)?.session === head.to,
      },
    });
    this.#in = new PacketsIn({
      clock,
      effects: {
        acknowledge: (head, body) => this.#acknowledge(head, body),
        setTimer: (delayMs, timer) => effects.setTimer(delayMs, timer),
        drop: (reason, input) => effects.drop(reason, input),
        complete: (head, message) => this.#completed(head, message),
      },
    });
  }

  /** This node's session. */
  get session(): Session {
    return this.#links.session;
  }

  /** Messages in parts that are on their way in, and the bytes that they will have. */
  get held(): { readonly messages: number; readonly bytes: number } {
    return this.#in.held;
  }

  /** Sends a message, whichever way gets there. */
  send(request: SendRequest): void {
    const { to, id, message, timeoutMs } = request;
    const peer = this.#options.peers.peer(to.name);
    if (peer?.degraded === "udp") return this.#sendPackets(request);
    const head = this.#links.next(to.name, "message");
    if (head === undefined) return this.#effects.setTimer(0, { type: "unsendable", id });
    this.#streams.set(id, { request, head });
    const connectTimeoutMs = peer?.degraded === "tcp"
      ? timeoutMs
      : Math.min(timeoutMs, CONNECT_PATIENCE_MS);
    const bytes = encodeLinkHead(head);
    this.#effects.openStream({ id, to, head: bytes, message, connectTimeoutMs, timeoutMs });
  }

  /** Takes how a stream ended. */
  streamEnded(id: number, end: StreamEnd): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#streams.delete(id);
    const { request, head } = stream;
    const { name } = request.to;
    if (end.type === "closed") {
      const taken = this.#isReceipt(end.answer, { head, from: name });
      if (taken) this.#effects.reachable(name, true);
      // Without a receipt it was refused, most often since one end has just started again and the
      // other does not know yet. It says nothing about the stream.
      return this.#effects.sent(id, taken);
    }
    this.#effects.reachable(name, false);
    const peer = this.#options.peers.peer(name);
    const hope = peer !== undefined && (peer.state === "alive" || peer.state === "suspect") &&
      peer.degraded !== "tcp";
    if (hope) this.#sendPackets(request);
    else this.#effects.sent(id, false);
  }

  /** Takes what came on a stream, and gives the receipt to write back where it was taken. */
  receiveStream(from: Address, payload: Uint8Array): Uint8Array | undefined {
    const opened = this.#open(from, payload);
    if (opened === undefined) return undefined;
    const { head, body } = opened;
    if (head.kind !== "message") return this.#unexpected(head, "stream");
    const problem = this.#links.check(head);
    if (problem !== undefined) {
      this.#effects.drop(problem.reason, {
        from: head.from,
        detail: `a message: ${problem.detail}`,
      });
      return undefined;
    }
    this.#links.accept(head);
    const receipt = encodeLinkHead(this.#links.answer(head, "receipt"));
    this.#effects.deliver(body, head.from);
    return receipt;
  }

  /** Takes what came in a packet. */
  receivePacket(from: Address, payload: Uint8Array): void {
    const opened = this.#open(from, payload);
    if (opened === undefined) return;
    const { head, body } = opened;
    switch (head.kind) {
      case "fragment":
        return this.#takeFragment(head, body);
      case "acknowledgement":
        return this.#takeAcknowledgement(head, body);
      case "message":
      case "receipt":
        return this.#unexpected(head, "packet");
      default:
        return head.kind satisfies never;
    }
  }

  /** Takes a timer back. */
  fire(timer: TransportTimer): void {
    switch (timer.type) {
      case "unsendable":
        return this.#effects.sent(timer.id, false);
      case "overdue":
        return this.#out.fire(timer);
      case "acknowledge":
      case "sweep":
        return this.#in.fire(timer);
      default:
        return timer satisfies never;
    }
  }

  #sendPackets({ id, to, message }: SendRequest): void {
    const head = this.#links.next(to.name, "fragment");
    if (head === undefined) return this.#effects.setTimer(0, { type: "unsendable", id });
    const roomBytes = this.#options.packetRoomBytes();
    this.#out.send({ id, to: to.name, head, message, roomBytes });
  }

  #takeFragment(head: LinkHead, body: Uint8Array): void {
    const fragment = this.#decoded(head.from, () => decodeFragment(body));
    if (fragment === undefined) return;
    const problem = this.#links.check(head);
    if (problem === undefined) return this.#in.take(head, fragment);
    // Its sender has not heard that it was taken.
    if (problem.repeated) return this.#acknowledge(head, encodeAcknowledgement("complete"));
    const detail = `a part of a message: ${problem.detail}`;
    this.#effects.drop(problem.reason, { from: head.from, detail });
  }

  #takeAcknowledgement(head: LinkHead, body: Uint8Array): void {
    const acknowledgement = this.#decoded(head.from, () => decodeAcknowledgement(body));
    if (acknowledgement === undefined) return;
    const problem = this.#links.checkSessions(head);
    if (problem === undefined) return this.#out.acknowledged(head, acknowledgement);
    const detail = `word of what came: ${problem.detail}`;
    this.#effects.drop(problem.reason, { from: head.from, detail });
  }

  #completed(head: LinkHead, message: Uint8Array): void {
    // Its parts came one by one, and the sessions may have changed meanwhile.
    if (this.#links.check(head) !== undefined) return;
    this.#links.accept(head);
    this.#acknowledge(head, encodeAcknowledgement("complete"));
    this.#effects.deliver(message, head.from);
  }

  #acknowledge(head: LinkHead, body: Uint8Array): void {
    const answer = this.#links.answer(head, "acknowledgement");
    this.#effects.sendPacket(head.from, withLinkHead(answer, body));
  }

  #isReceipt(
    answer: Uint8Array,
    sent: { readonly head: LinkHead; readonly from: string },
  ): boolean {
    if (answer.length === 0) return false;
    const opened = this.#decoded(sent.from, () => decodeLinkHead(answer));
    if (opened === undefined) return false;
    const { head } = opened;
    return head.kind === "receipt" && head.from === sent.from &&
      head.fromSession === sent.head.to && head.to === sent.head.fromSession &&
      head.number === sent.head.number;
  }

  #open(from: Address, payload: Uint8Array): { head: LinkHead; body: Uint8Array } | undefined {
    return this.#decoded(formatAddress(from), () => decodeLinkHead(payload));
  }

  #unexpected(head: LinkHead, carrier: "stream" | "packet"): undefined {
    const detail = `a ${head.kind} came in a ${carrier}, where none goes`;
    this.#effects.drop("unexpected", { from: head.from, detail });
  }

  /** Bytes that are not what the protocol allows are counted, and change nothing. */
  #decoded<T>(from: string, decode: () => T): T | undefined {
    try {
      return decode();
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#effects.drop(error.reason, { from, detail: error.message });
      return undefined;
    }
  }
}
