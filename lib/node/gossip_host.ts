/**
 * What dissemination and the transport of its messages ask for, done on the network and the clock.
 * @module
 */
import { concat } from "@std/bytes";
import { StreamError, WireError } from "../errors.ts";
import type { Session } from "../link/header.ts";
import { type StreamEnd, type StreamSend, Transport, type TransportEffects } from "../link/link.ts";
import type {
  GossipEffects,
  GossipEvent,
  GossipTimer,
  PeerView,
  SendRequest,
} from "../gossip/types.ts";
import type { Address, Clock, Network, Random, Timers } from "../runtime.ts";
import type { Envelope } from "../wire/envelope.ts";
import { StreamReader } from "../wire/frames.ts";
import type { Drops } from "./drops.ts";
import { readMessage, withStream } from "./stream_io.ts";
import { TimerSet } from "../timer_set.ts";

/** What of the dissemination machine its host calls back. */
export interface GossipInput {
  /** Takes a timer that is due. */
  fire(timer: GossipTimer): void;
  /** Takes how a send went. */
  sent(sendId: number, ok: boolean): void;
  /** Takes a message from the member of that name. */
  receive(message: Uint8Array, from: string): void;
}

/** What of the membership the host needs. */
export interface GossipMembers {
  /** Sends a member one packet, which may be lost; false where it is not known. */
  sendUserPacket(name: string, payload: Uint8Array): boolean;
  /** Learns that TCP reached a member. */
  streamWorked(name: string): void;
  /** Learns that it did not. */
  streamFailed(name: string): void;
}

/** What a `GossipHost` is made of. */
export interface GossipHostOptions {
  /** Where sends leave. */
  readonly network: Network;
  /** Wakes the machines and ends what takes too long. */
  readonly timers: Timers;
  /** Time. */
  readonly clock: Clock;
  /** Chance. */
  readonly random: Random;
  /** Seals what is sent. */
  readonly envelope: Envelope;
  /** Who is there. */
  readonly peers: PeerView;
  /** What knows which transport reaches whom, and sends packets. */
  readonly members: GossipMembers;
  /** This node's session, as its meta has it. */
  readonly session: Session;
  /** The dissemination machine; called back only once it has asked for something. */
  readonly machine: GossipInput;
  /** Takes the machine's events. */
  readonly onEvent: (event: GossipEvent) => void;
  /** Takes a new session, to be published. */
  readonly onSession: (session: Session) => void;
  /** Where refused input is counted. */
  readonly drops: Drops;
}

/**
 * The machines' hands. Every stream has its own connection and deadline, so a peer that does not
 * read delays nobody else. After `close` nothing is sent and nothing is called back.
 */
export class GossipHost implements GossipEffects {
  readonly #options: GossipHostOptions;
  readonly #timers: TimerSet;
  readonly #transport: Transport;

  /** Does nothing until the machine asks. */
  constructor(options: GossipHostOptions) {
    const { envelope, peers, session, clock, random } = options;
    this.#options = options;
    this.#timers = new TimerSet(options.timers);
    this.#transport = new Transport({
      effects: this.#transportEffects(),
      // A user message is its type and its payload.
      packetRoomBytes: () => envelope.packetRoomBytes() - envelope.partOverheadBytes - 1,
      ...{ peers, session, clock, random },
    });
  }

  /** Sends one encoded message, over TCP or in packets. */
  send(request: SendRequest): void {
    this.#transport.send(request);
  }

  /** Hands `timer` to the machine after `delayMs`. */
  setTimer(delayMs: number, timer: GossipTimer): void {
    this.#timers.after(delayMs, () => this.#options.machine.fire(timer));
  }

  /** Passes an event on. */
  emit(event: GossipEvent): void {
    this.#options.onEvent(event);
  }

  /** Takes a user message that came on a stream; the sealed receipt to write, where it was taken. */
  receiveStream(from: Address, payload: Uint8Array): Uint8Array | undefined {
    const receipt = this.#transport.receiveStream(from, payload);
    return receipt && this.#seal(receipt, { reply: true });
  }

  /** Takes a user message that came in a packet. */
  receivePacket(from: Address, payload: Uint8Array): void {
    this.#transport.receivePacket(from, payload);
  }

  /** Stops all timers, sends and callbacks. */
  close(): void {
    this.#timers.close();
  }

  #transportEffects(): TransportEffects {
    const { machine, members, drops, onSession } = this.#options;
    return {
      openStream: (send) => void this.#openStream(send),
      sendPacket: (to, payload) => {
        if (!this.#timers.closed) members.sendUserPacket(to, payload);
      },
      setTimer: (delayMs, timer) =>
        void this.#timers.after(delayMs, () => this.#transport.fire(timer)),
      sent: (id, ok) => machine.sent(id, ok),
      // In a moment: the journal may take its time, and the sender waits for its receipt.
      deliver: (message, from) =>
        queueMicrotask(() => {
          if (!this.#timers.closed) machine.receive(message, from);
        }),
      reachable: (name, ok) => ok ? members.streamWorked(name) : members.streamFailed(name),
      drop: (reason, input) => drops.add({ reason, ...input }),
      renewed: (session) => onSession(session),
    };
  }

  async #openStream(send: StreamSend): Promise<void> {
    const sealed = this.#seal(concat([send.head, send.message]), { reply: false });
    const end = await this.#deliver(send, sealed);
    if (!this.#timers.closed) this.#transport.streamEnded(send.id, end);
  }

  async #deliver(send: StreamSend, sealed: Uint8Array): Promise<StreamEnd> {
    const { network, timers, envelope } = this.#options;
    const { to: { address: to }, timeoutMs, connectTimeoutMs } = send;
    try {
      return await withStream(
        { network, timers, to, timeoutMs, connectTimeoutMs },
        async (stream) => {
          await stream.write(sealed);
          const answer = await readMessage(stream, new StreamReader({ envelope, reply: true }));
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

  /** Only ours take these, and they are spared the cost of compression. */
  #seal(payload: Uint8Array, options: { readonly reply: boolean }): Uint8Array {
    const { envelope } = this.#options;
    return envelope.sealStream({ type: "user", payload }, { compress: false, ...options });
  }
}
