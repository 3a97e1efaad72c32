/**
 * Accepts a message if both session ids are current and its sequence number is new.
 *
 * Each node draws a session when it starts and publishes it in its meta. A captured message is
 * refused after either end has restarted, since one of its sessions is no longer current, and before
 * that because its sequence number is not new. Replay windows are kept as long as this node's own
 * session lasts: if there is no room for one more sender, this node draws a new session, so that no
 * message addressed to the old one is accepted any more.
 * @module
 */
import { BoundedMap } from "../bounded_map.ts";
import type { DropReason } from "../errors.ts";
import { LINK_SESSIONS_MAX } from "../limits.ts";
import type { Random } from "../runtime.ts";
import {
  type LinkHeader,
  type LinkKind,
  newSession,
  senderOf,
  SEQUENCE_MAX,
  type Session,
} from "./header.ts";
import { REPLAY_WINDOW, ReplayWindow } from "./replay_window.ts";
import type { LinkPeers } from "./types.ts";

/** Why a message is refused. */
export interface Refusal {
  /** The counter. */
  readonly reason: DropReason;
  /** For the log. */
  readonly detail: string;
  /** The message was accepted before; it may be acknowledged again. */
  readonly duplicate: boolean;
}

/** Options of `Sessions`. */
export interface SessionsOptions {
  /** The membership, which knows the sessions of all members. */
  readonly peers: LinkPeers;
  /** This node's first session. */
  readonly session: Session;
  /** Draws further sessions. */
  readonly random: Random;
  /** Senders whose replay windows are kept, and receivers whose sequence is. Default `LINK_SESSIONS_MAX`. */
  readonly maxSessions?: number;
  /** Called with a new session, to be published. */
  readonly sessionChanged: (session: Session) => void;
}

/** This node's session, its replay windows and its sequence numbers. */
export class Sessions {
  readonly #options: SessionsOptions;
  /** By name and session, so that no sender can use up another's sequence numbers. */
  readonly #windows = new Map<string, ReplayWindow>();
  /** The last sequence number sent to each member; the least recently used member is first. */
  readonly #sequences: BoundedMap<string, number>;
  /** No sequence number above this was sent to a member that was evicted from `#sequences`. */
  #floor = 0;
  #session: Session;

  /** No message was sent or received. */
  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#session = options.session;
    this.#sequences = new BoundedMap({ max: this.#maxSessions });
  }

  /** This node's session. */
  get session(): Session {
    return this.#session;
  }

  /** The header of the next message to a member; `undefined` if its session is not known. */
  next(to: string): LinkHeader | undefined {
    const toSession = this.#options.peers.peer(to)?.session;
    if (toSession === undefined) return undefined;
    const sequence = Math.min((this.#sequences.get(to) ?? this.#floor) + 1, SEQUENCE_MAX);
    const evicted = this.#sequences.setAndEvict(to, sequence);
    if (evicted !== undefined) this.#floor = Math.max(this.#floor, evicted[1]);
    return this.#header({ kind: "message", toSession, sequence });
  }

  /** The header of an ack of a received message. */
  ackHeader(header: LinkHeader, kind: "message_ack" | "fragment_ack"): LinkHeader {
    const { fromSession: toSession, sequence } = header;
    return this.#header({ kind, toSession, sequence });
  }

  /** Whether a message sent to a member with this header may still be accepted there. */
  isCurrent(to: string, header: LinkHeader): boolean {
    return header.fromSession === this.#session &&
      header.toSession === this.#options.peers.peer(to)?.session;
  }

  /** Why something is refused by the receiver's session; `undefined` if that is this node's. */
  checkReceiver({ toSession }: LinkHeader): Refusal | undefined {
    if (toSession === this.#session) return undefined;
    const detail = `receiver session ${toSession} is not this node's session ${this.#session}`;
    return { reason: "wrong_session", detail, duplicate: false };
  }

  /** Why a message is refused; `undefined` if it is acceptable. Changes nothing. */
  check(header: LinkHeader): Refusal | undefined {
    const refusal = this.checkReceiver(header);
    if (refusal !== undefined) return refusal;
    const { from, fromSession, sequence } = header;
    const known = this.#options.peers.peer(from)?.session;
    if (known !== fromSession) {
      const detail = `sender session ${fromSession} is not current (known: ${known ?? "none"})`;
      return { reason: "wrong_session", detail, duplicate: false };
    }
    switch (this.#windows.get(senderOf(header))?.check(sequence)) {
      case "duplicate": {
        const detail = `sequence number ${sequence} was received before`;
        return { reason: "replayed", detail, duplicate: true };
      }
      case "too_old": {
        const detail = `sequence number ${sequence} is below the replay window of ${REPLAY_WINDOW}`;
        return { reason: "replayed", detail, duplicate: false };
      }
      default:
        return undefined;
    }
  }

  /** Accepts a message that `check` found acceptable: the same sequence number is refused from now on. */
  accept(header: LinkHeader): void {
    const sender = senderOf(header);
    let window = this.#windows.get(sender);
    if (window === undefined) {
      if (this.#windows.size >= this.#maxSessions) this.#renew();
      window = new ReplayWindow();
      this.#windows.set(sender, window);
    }
    window.add(header.sequence);
  }

  get #maxSessions(): number {
    return this.#options.maxSessions ?? LINK_SESSIONS_MAX;
  }

  #header(
    fields: { readonly kind: LinkKind; readonly toSession: Session; readonly sequence: number },
  ): LinkHeader {
    return { ...fields, from: this.#options.peers.self.name, fromSession: this.#session };
  }

  #renew(): void {
    this.#windows.clear();
    this.#session = newSession(this.#options.random);
    this.#options.sessionChanged(this.#session);
  }
}
