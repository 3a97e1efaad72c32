/**
 * One membership machine on a recording runtime: what it sends, sets and tells is kept until a test
 * takes it, and time passes when the test says so.
 * @module
 */
import { assert, AssertionError } from "@std/assert";
import type { Address } from "../../lib/runtime.ts";
import { LAN_SETTINGS, type SwimSettings } from "../../lib/swim/config.ts";
import { Membership, type MembershipOptions } from "../../lib/swim/membership.ts";
import { encodeMeta } from "../../lib/swim/meta.ts";
import type {
  Exchange,
  ExchangePurpose,
  SwimEffects,
  SwimEvent,
  SwimTimer,
} from "../../lib/swim/types.ts";
import { encodeMessage } from "../../lib/wire/codec.ts";
import { Envelope } from "../../lib/wire/envelope.ts";
import { StreamReader } from "../../lib/wire/stream_reader.ts";
import type {
  Alive,
  PacketMessage,
  PushPull,
  PushPullNode,
  StreamMessage,
  User,
  Versions,
} from "../../lib/wire/messages.ts";
import { SeededRandom } from "./world_time.ts";

/** A packet that the machine sent, opened. */
export interface SentPacket {
  /** Where it went. */
  readonly to: Address;
  /** What it holds. */
  readonly messages: readonly PacketMessage[];
  /** As it went. */
  readonly bytes: Uint8Array;
}

/** An exchange that the machine opened, its request read. */
export interface OpenExchange {
  /** To answer it by. */
  readonly exchange: Exchange;
  /** What was asked. */
  readonly request: StreamMessage;
  /** Within what time. */
  readonly timeoutMs: number;
}

interface SetTimer {
  readonly dueMs: number;
  readonly order: number;
  readonly timer: SwimTimer;
}

/** The versions of a bare memberlist node. */
export const BARE: Versions = [1, 5, 2, 0, 0, 0];

/** The address of the peer with this number. */
export function addressOf(number: number): Address {
  return { host: `10.0.0.${number}`, port: 7946 };
}

/** What a peer says about itself. */
export function aliveOf(number: number, changes: Partial<Alive> = {}): Alive {
  return {
    type: "alive",
    name: `peer-${number}`,
    address: addressOf(number),
    incarnation: 1,
    meta: new Uint8Array(),
    versions: BARE,
    ...changes,
  };
}

/** A peer as it stands in a push/pull. */
export function nodeOf(number: number, changes: Partial<PushPullNode> = {}): PushPullNode {
  const { type: _, ...node } = aliveOf(number);
  return { ...node, state: "alive", ...changes };
}

/** A full state. */
export function pushPullOf(nodes: readonly PushPullNode[], join = false): PushPull {
  return { type: "pushPull", join, nodes, userState: new Uint8Array() };
}

/** The machine `me` at 10.0.0.250 among peers that exist only as what the test says in their name. */
export class Recorder {
  /** The machine. */
  readonly machine: Membership;
  /** What it sent and no test took yet. */
  readonly packets: SentPacket[] = [];
  /** What it opened and no test took yet. */
  readonly exchanges: OpenExchange[] = [];
  /** What it told and no test took yet. */
  readonly events: SwimEvent[] = [];
  /** Every timer that fired. */
  readonly fired: SwimTimer[] = [];
  /** Wraps what the test sends. */
  readonly envelope: Envelope;
  #nowMs = 1_000_000;
  #order = 0;
  #timers: SetTimer[] = [];

  /** A machine that has not been started. */
  constructor(options: Partial<MembershipOptions> & { readonly changes?: Partial<SwimSettings> }) {
    const random = new SeededRandom("recorder");
    this.envelope = new Envelope({ label: "", keyring: undefined, random, compress: false });
    const { changes, ...rest } = options;
    this.machine = new Membership({
      name: "me",
      address: addressOf(250),
      meta: encodeMeta(new Map()),
      settings: { ...LAN_SETTINGS, tcpCheckEvery: 0, ...changes },
      envelope: this.envelope,
      effects: this.#effects(),
      clock: { nowMs: () => this.#nowMs, wallMs: () => this.#nowMs },
      random,
      ...rest,
    });
  }

  /** A started machine that knows the peers 1 to `peers`; nothing recorded yet. */
  static among(peers: number, changes: Partial<SwimSettings> = {}): Recorder {
    const recorder = new Recorder({ changes });
    recorder.machine.start();
    for (let number = 1; number <= peers; number++) recorder.hear(number, aliveOf(number));
    recorder.clear();
    return recorder;
  }

  /** Now, on the machine's clock. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Forgets what was recorded. */
  clear(): void {
    this.packets.length = 0;
    this.exchanges.length = 0;
    this.events.length = 0;
  }

  /** The machine gets a packet from a peer. */
  hear(number: number, ...messages: readonly PacketMessage[]): void {
    const parts = messages.map((message) => encodeMessage(message));
    this.machine.receivePacket(addressOf(number), this.envelope.sealPacket(parts));
  }

  /** The machine gets a message on a stream from a peer; its reply. */
  stream(number: number, message: Exclude<StreamMessage, User>): StreamMessage | undefined {
    const reply = this.machine.receiveStream({ ...addressOf(number), port: 51_000 }, message);
    return reply === undefined ? undefined : this.#read(reply);
  }

  /** Lets time pass and fires what comes due. */
  pass(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (let next = this.#next(); next.dueMs <= untilMs; next = this.#next()) {
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      this.fire(next.timer);
    }
    this.#nowMs = untilMs;
  }

  /** Lets time pass in which every peer but `silent` answers its pings; takes what was sent. */
  passAnswered(ms: number, options: { readonly silent?: number } = {}): void {
    for (let passedMs = 0; passedMs < ms; passedMs += 50) {
      this.pass(50);
      this.answerPings(options);
    }
  }

  /** Every peer but `silent` answers the pings sent to it so far; takes what was sent. */
  answerPings({ silent }: { readonly silent?: number } = {}): void {
    for (const { to, message } of this.sent("ping")) {
      const number = Number(to.host.split(".")[3]);
      if (number === silent) continue;
      this.hear(number, { type: "ack", sequence: message.sequence, payload: new Uint8Array() });
    }
    this.packets.length = 0;
  }

  /** Lets time pass with the process stopped: what comes due fires late, all at once. */
  stopFor(ms: number): void {
    this.#nowMs += ms;
    this.pass(0);
  }

  /** Fires one timer by hand. */
  fire(timer: SwimTimer): void {
    this.fired.push(timer);
    this.machine.fire(timer);
  }

  /** Takes the first event of a type; fails where there is none. */
  expectEvent<T extends SwimEvent["type"]>(type: T): Extract<SwimEvent, { type: T }> {
    const index = this.events.findIndex((event) => event.type === type);
    if (index < 0) throw new AssertionError(`no ${type} among ${this.#told()}`);
    return this.events.splice(index, 1)[0] as Extract<SwimEvent, { type: T }>;
  }

  /** Fails where an event of the type was told. */
  rejectEvent(type: SwimEvent["type"]): void {
    assert(!this.events.some((event) => event.type === type), `${type} among ${this.#told()}`);
  }

  /** Messages of a type in the packets sent so far, each with where it went. */
  sent<T extends PacketMessage["type"]>(
    type: T,
  ): { to: Address; message: Extract<PacketMessage, { type: T }> }[] {
    return this.packets.flatMap(({ to, messages }) =>
      messages.filter((message) => message.type === type)
        .map((message) => ({ to, message: message as Extract<PacketMessage, { type: T }> }))
    );
  }

  /** Takes the first packet that holds a message of the type; fails where there is none. */
  takePacket(type: PacketMessage["type"]): SentPacket {
    const holds = ({ messages }: SentPacket) => messages.some((message) => message.type === type);
    const index = this.packets.findIndex(holds);
    if (index < 0) throw new AssertionError(`no packet with ${type} was sent`);
    return this.packets.splice(index, 1)[0]!;
  }

  /** Lets time pass until the next probe begins; its ping and whom it goes to. */
  nextPing(): { to: Address; number: number; sequence: number } {
    this.packets.length = 0;
    for (let waitedMs = 0; waitedMs < 20_000; waitedMs += 10) {
      const [ping] = this.sent("ping");
      if (ping !== undefined) {
        const number = Number(ping.to.host.split(".")[3]);
        return { to: ping.to, number, sequence: ping.message.sequence };
      }
      this.pass(10);
    }
    throw new AssertionError("no probe began");
  }

  /** Takes the first open exchange of a purpose; fails where there is none. */
  takeExchange(purpose: ExchangePurpose): OpenExchange {
    const index = this.exchanges.findIndex(({ exchange }) => exchange.purpose === purpose);
    if (index < 0) throw new AssertionError(`no ${purpose} exchange was opened`);
    return this.exchanges.splice(index, 1)[0]!;
  }

  /** The state in which the machine holds a peer. */
  state(number: number): string | undefined {
    return this.machine.member(`peer-${number}`)?.state;
  }

  #next(): SetTimer {
    let next: SetTimer | undefined;
    for (const timer of this.#timers) {
      if (next === undefined || timer.dueMs < next.dueMs) next = timer;
      else if (timer.dueMs === next.dueMs && timer.order < next.order) next = timer;
    }
    return next ?? { dueMs: Infinity, order: 0, timer: { type: "gossip", generation: -1 } };
  }

  #effects(): SwimEffects {
    return {
      sendPacket: (to, bytes) => {
        this.packets.push({ to, bytes, messages: this.envelope.openPacket(bytes) });
      },
      openExchange: (...[exchange, bytes, timeoutMs]: Parameters<SwimEffects["openExchange"]>) => {
        this.exchanges.push({ exchange, request: this.#read(bytes), timeoutMs });
      },
      setTimer: (delayMs, timer) => {
        assert(delayMs >= 0 && Number.isFinite(delayMs), `a ${timer.type} timer of ${delayMs} ms`);
        this.#timers.push({ dueMs: this.#nowMs + delayMs, order: this.#order++, timer });
      },
      emit: (event) => this.events.push(event),
    };
  }

  #read(bytes: Uint8Array): StreamMessage {
    const reader = new StreamReader({ envelope: this.envelope });
    reader.push(bytes);
    const message = reader.take();
    assert(message !== undefined, "half a stream message was written");
    return message;
  }

  #told(): string {
    return this.events.map(({ type }) => type).join(", ") || "no events";
  }
}
