/**
 * What the membership machine asks for, done on the network and the clock.
 * @module
 */
import { GossipcheckError } from "../errors.ts";
import type { Address, DatagramSocket, Network, Timers } from "../runtime.ts";
import type { Exchange, SwimEffects, SwimEvent, SwimTimer } from "../swim/types.ts";
import type { Envelope } from "../wire/envelope.ts";
import { StreamReader } from "../wire/frames.ts";
import type { StreamMessage } from "../wire/messages.ts";
import { readMessage, withStream } from "./stream_io.ts";
import { TimerSet } from "../timer_set.ts";

/** What of the membership machine its host calls back. */
export interface SwimInput {
  /** Takes a timer that is due. */
  fire(timer: SwimTimer): void;
  /** Takes the reply to an exchange. */
  receiveReply(exchange: Exchange, message: StreamMessage): void;
  /** Takes an exchange's failure. */
  exchangeFailed(exchange: Exchange, reason: string): void;
}

/** What a `SwimHost` is made of. */
export interface SwimHostOptions {
  /** Where packets leave. */
  readonly socket: DatagramSocket;
  /** Where exchanges are opened. */
  readonly network: Network;
  /** Wakes the machine. */
  readonly timers: Timers;
  /** Opens replies. */
  readonly envelope: Envelope;
  /** The machine; called back only once it has asked for something. */
  readonly machine: SwimInput;
  /** Takes the machine's events. */
  readonly onEvent: (event: SwimEvent) => void;
}

/** The membership machine's hands. After `close` nothing is sent and nothing is called back. */
export class SwimHost implements SwimEffects {
  readonly #options: SwimHostOptions;
  readonly #timers: TimerSet;

  /** Does nothing until the machine asks. */
  constructor(options: SwimHostOptions) {
    this.#options = options;
    this.#timers = new TimerSet(options.timers);
  }

  /** Sends one packet and forgets it. */
  sendPacket(to: Address, packet: Uint8Array): void {
    this.#options.socket.send(to, packet);
  }

  /** Opens a stream, writes the request, reads one message, and hands it or the failure back. */
  openExchange(
    ...[exchange, request, timeoutMs]: Parameters<SwimEffects["openExchange"]>
  ): void {
    void this.#exchange({ exchange, request, timeoutMs });
  }

  /** Hands `timer` to the machine after `delayMs`. */
  setTimer(delayMs: number, timer: SwimTimer): void {
    this.#timers.after(delayMs, () => this.#options.machine.fire(timer));
  }

  /** Passes an event on. */
  emit(event: SwimEvent): void {
    this.#options.onEvent(event);
  }

  /** Stops all timers and callbacks. */
  close(): void {
    this.#timers.close();
  }

  async #exchange(
    { exchange, request, timeoutMs }: {
      exchange: Exchange;
      request: Uint8Array;
      timeoutMs: number;
    },
  ): Promise<void> {
    const outcome = await this.#ask({ to: exchange.to, request, timeoutMs });
    if (this.#timers.closed) return;
    const machine = this.#options.machine;
    if (typeof outcome === "string") machine.exchangeFailed(exchange, outcome);
    else machine.receiveReply(exchange, outcome);
  }

  /** The reply, or why there is none. */
  async #ask(
    { to, request, timeoutMs }: { to: Address; request: Uint8Array; timeoutMs: number },
  ): Promise<StreamMessage | string> {
    const { network, timers, envelope } = this.#options;
    try {
      return await withStream({ network, timers, to, timeoutMs }, async (stream) => {
        await stream.write(request);
        const reply = await readMessage(stream, new StreamReader({ envelope, reply: true }));
        return reply ?? "the other end closed the connection without an answer";
      });
    } catch (error) {
      if (error instanceof GossipcheckError) return error.message;
      throw error;
    }
  }
}
