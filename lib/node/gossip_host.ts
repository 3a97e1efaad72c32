/**
 * Carries out the effects of the dissemination machine: messages over the link, timers, records in the
 * journal, events. It also is the one entry for user messages, whether they came over UDP or TCP.
 * @module
 */
import { concat } from "@std/bytes";
import { StreamError, WireError } from "../errors.ts";
import type { Session } from "../link/header.ts";
import { Link } from "../link/link.ts";
import type { LinkEffects, StreamEnd, StreamSend } from "../link/types.ts";
import type {
  DurableRecord,
  GossipEffects,
  GossipEvent,
  GossipTimer,
  PeerView,
  SendRequest,
} from "../gossip/types.ts";
import type { Address, Clock, Network, Random, Timers } from "../runtime.ts";
import type { Envelope } from "../wire/envelope.ts";
import { StreamReader } from "../wire/stream_reader.ts";
import type { BatchStore } from "../journal/batch_store.ts";
import type { Drops } from "./drops.ts";
import { readMessage, withStream } from "./stream_io.ts";
import { TimerSet } from "../timer_set.ts";

/** The calls of a `GossipHost` into the dissemination machine. */
export interface GossipInput {
  /** Handles a timer that fired. */
  fire(timer: GossipTimer): void;
  /** Handles the end of a send. */
  sent(sendId: number, ok: boolean): void;
  /** Handles the journal's answer to a record. */
  persisted(token: number, failure: string | undefined): void;
  /** Handles a message from the member of that name. */
  receive(message: Uint8Array, from: string): void;
}

/** The membership, as far as a `GossipHost` needs it. */
export interface GossipMembers {
  /** Sends one packet to a member; it may be lost. False if the member is unknown. */
  sendUserPacket(name: string, payload: Uint8Array): boolean;
  /** Learns that a TCP connection to a member worked. */
  streamWorked(name: string): void;
  /** Learns that a TCP connection to a member failed. */
  streamFailed(name: string): void;
}

/** A user message of memberlist's, as it came from another node. */
export interface UserMessage {
  /** The sender's socket address. */
  readonly from: Address;
  readonly payload: Uint8Array;
  /** `packet` for UDP, `stream` for TCP. */
  readonly carrier: "packet" | "stream";
}

/** Options of a `GossipHost`. */
export interface GossipHostOptions {
  /** Opens streams to other nodes. */
  readonly network: Network;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly random: Random;
  /** Seals what is sent over TCP and opens the answers. */
  readonly envelope: Envelope;
  /** The members as dissemination sees them. */
  readonly peers: PeerView;
  /** Sends packets, and learns which transport reaches whom. */
  readonly members: GossipMembers;
  /** This node's session, as its meta publishes it. */
  readonly session: Session;
  /** As `TransportOptions` has it. */
  readonly maxSessions?: number;
  /** The dissemination machine; called only after it has asked for something. */
  readonly machine: GossipInput;
  /** The journal. */
  readonly store: Pick<BatchStore, "keep">;
  /** Handles the events of the machine. */
  readonly onEvent: (event: GossipEvent) => void;
  /** Publishes a new session of this node. */
  readonly onSession: (session: Session) => void;
  /** Counts input that is dropped. */
  readonly drops: Pick<Drops, "add">;
}

/**
 * Runs the link machine and carries out the effects of the dissemination machine. Each message has
 * its own connection and deadline, so a peer that does not read delays no other send. After `close`
 * nothing is sent and the machine is not called any more.
 */
export class GossipHost implements GossipEffects {
  readonly #options: GossipHostOptions;
  readonly #timers: TimerSet;
  readonly #link: Link;

  /** Sends nothing until the machine asks for it. */
  constructor(options: GossipHostOptions) {
    const { envelope, peers, session, maxSessions, clock, random } = options;
    this.#options = options;
    this.#timers = new TimerSet(options.timers);
    this.#link = new Link({
      effects: this.#linkEffects(),
      // A user message has one byte for its type in front of the payload.
      packetRoomBytes: () => envelope.packetRoomBytes() - envelope.partOverheadBytes - 1,
      ...{ peers, session, clock, random },
      ...(maxSessions === undefined ? {} : { maxSessions }),
    });
  }

  /** Sends one encoded message over TCP, or in packets if TCP does not reach the member. */
  send(request: SendRequest): void {
    this.#link.send(request);
  }

  /** Calls the machine with `timer` after `delayMs`. */
  setTimer(delayMs: number, timer: GossipTimer): void {
    this.#timers.after(delayMs, () => this.#options.machine.fire(timer));
  }

  /** Writes a record to the journal; the journal's answer goes to the machine. */
  persist(record: DurableRecord, token: number | undefined): void {
    const { store, machine } = this.#options;
    if (token === undefined) return store.keep(record);
    store.keep(record, (error) => {
      if (!this.#timers.closed) machine.persisted(token, error?.message);
    });
  }

  /** Counts a drop, and passes every event to its handler. */
  emit(event: GossipEvent): void {
    const { drops, onEvent } = this.#options;
    if (event.type === "dropped") drops.add(event);
    onEvent(event);
  }

  /**
   * Handles a user message from another node. Returns the sealed ack to write back if it
   * came on a stream and was accepted.
   */
  receiveUserMessage({ from, payload, carrier }: UserMessage): Uint8Array | undefined {
    if (carrier === "packet") {
      this.#link.receivePacket(from, payload);
      return undefined;
    }
    const ack = this.#link.receiveStream(from, payload);
    return ack && this.#seal(ack, { reply: true });
  }

  /** Ends all timers, and sends and calls back nothing more. */
  close(): void {
    this.#timers.close();
  }

  #linkEffects(): LinkEffects {
    const { machine, members, drops, onSession } = this.#options;
    return {
      openStream: (send) => void this.#openStream(send),
      sendPacket: (to, payload) => {
        if (!this.#timers.closed) members.sendUserPacket(to, payload);
      },
      setTimer: (delayMs, timer) => void this.#timers.after(delayMs, () => this.#link.fire(timer)),
      sent: (id, ok) => machine.sent(id, ok),
      // In a microtask, so that the sender gets its ack first.
      deliver: (message, from) =>
        queueMicrotask(() => {
          if (!this.#timers.closed) machine.receive(message, from);
        }),
      reachable: (name, ok) => ok ? members.streamWorked(name) : members.streamFailed(name),
      drop: (reason, input) => drops.add({ reason, ...input }),
      sessionChanged: (session) => onSession(session),
    };
  }

  async #openStream(send: StreamSend): Promise<void> {
    const sealed = this.#seal(concat([send.header, send.message]), { reply: false });
    const end = await this.#deliver(send, sealed);
    if (!this.#timers.closed) this.#link.streamEnded(send.id, end);
  }

  async #deliver(send: StreamSend, sealed: Uint8Array): Promise<StreamEnd> {
    const { network, timers, envelope } = this.#options;
    const { to: { address: to }, timeoutMs, connectTimeoutMs } = send;
    try {
      return await withStream(
        { network, timers, to, timeoutMs, connectTimeoutMs },
        async (stream) => {
          await stream.write(sealed);
          const answer = await readMessage(stream, {
            reader: new StreamReader({ envelope, reply: true }),
          });
          const none = new Uint8Array(0);
          return { type: "closed", answer: answer?.type === "user" ? answer.payload : none };
        },
      );
    } catch (error) {
      if (error instanceof StreamError) return { type: "failed" };
      if (!(error instanceof WireError)) throw error;
      this.#options.drops.add({ reason: error.reason, from: send.to.name, detail: error.message });
      return { type: "closed", answer: new Uint8Array(0) };
    }
  }

  /** Never compressed: the receiver is always a gossipcheck node, and compression costs time. */
  #seal(payload: Uint8Array, options: { readonly reply: boolean }): Uint8Array {
    const { envelope } = this.#options;
    return envelope.sealStream({ type: "user", payload }, { compress: false, ...options });
  }
}
