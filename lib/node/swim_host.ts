/**
 * Carries out the effects of the membership machine: packets, requests over TCP, timers, events.
 * @module
 */
import { GossipcheckError } from "../errors.ts";
import type { Address, DatagramSocket, Network, Timers } from "../runtime.ts";
import type { Exchange, SwimEffects, SwimEvent, SwimTimer } from "../swim/types.ts";
import type { Envelope } from "../wire/envelope.ts";
import { StreamReader } from "../wire/stream_reader.ts";
import type { StreamMessage } from "../wire/messages.ts";
import { readMessage, withStream } from "./stream_io.ts";
import { TimerSet } from "../timer_set.ts";

/** The calls of a `SwimHost` into the membership machine. */
export interface SwimInput {
  /** Handles a timer that fired. */
  fire(timer: SwimTimer): void;
  /** Handles the reply to a request. */
  receiveReply(exchange: Exchange, message: StreamMessage): void;
  /** Handles the failure of a request. */
  exchangeFailed(exchange: Exchange, reason: string): void;
}

/** Options of a `SwimHost`. */
export interface SwimHostOptions {
  /** Sends packets. */
  readonly socket: DatagramSocket;
  /** Opens streams to other nodes. */
  readonly network: Network;
  readonly timers: Timers;
  /** Opens replies. */
  readonly envelope: Envelope;
  /** The membership machine; called only after it has asked for something. */
  readonly machine: SwimInput;
  /** Handles the events of the machine. */
  readonly onEvent: (event: SwimEvent) => void;
}

/** After `close` nothing is sent and the machine is not called any more. */
export class SwimHost implements SwimEffects {
  readonly #options: SwimHostOptions;
  readonly #timers: TimerSet;

  /** Sends nothing until the machine asks for it. */
  constructor(options: SwimHostOptions) {
    this.#options = options;
    this.#timers = new TimerSet(options.timers);
  }

  /** Sends one packet. */
  sendPacket(to: Address, packet: Uint8Array): void {
    this.#options.socket.send(to, packet);
  }

  /** Opens a stream, writes the request and reads one message; calls the machine with it or the failure. */
  openExchange(
    ...[exchange, request, timeoutMs]: Parameters<SwimEffects["openExchange"]>
  ): void {
    void this.#exchange({ exchange, request, timeoutMs });
  }

  /** Calls the machine with `timer` after `delayMs`. */
  setTimer(delayMs: number, timer: SwimTimer): void {
    this.#timers.after(delayMs, () => this.#options.machine.fire(timer));
  }

  /** Passes an event to its handler. */
  emit(event: SwimEvent): void {
    this.#options.onEvent(event);
  }

  /** Ends all timers, and sends and calls back nothing more. */
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

  /** The reply, or the reason why there is none. */
  async #ask(
    { to, request, timeoutMs }: { to: Address; request: Uint8Array; timeoutMs: number },
  ): Promise<StreamMessage | string> {
    const { network, timers, envelope } = this.#options;
    try {
      return await withStream({ network, timers, to, timeoutMs }, async (stream) => {
        await stream.write(request);
        const reply = await readMessage(stream, {
          reader: new StreamReader({ envelope, reply: true }),
        });
        return reply ?? "the other end closed the connection without an answer";
      });
    } catch (error) {
      if (error instanceof GossipcheckError) return error.message;
      throw error;
    }
  }
}
