/**
 * A network in virtual time: it carries packets and TCP connections between hosts, loses, delays and
 * reorders them, and cuts links. It knows no protocol.
 * @module
 */
import { isLoopback } from "../../lib/address.ts";
import type { Address } from "../../lib/runtime.ts";
import { VirtualHost, type VirtualProcess } from "./world_host.ts";
import { RETRANSMIT_MS, RETRANSMITS_MAX, VirtualStream } from "./world_streams.ts";
import { Schedule, SeededRandom } from "./world_time.ts";

/** The quality of a link in one direction. */
export interface LinkQuality {
  /** Probability that a packet is lost; TCP is delayed instead. */
  readonly loss: number;
  /** Delay of every packet. */
  readonly delayMs: number;
  /** Highest random delay on top; packets are reordered if it exceeds the time between them. */
  readonly jitterMs: number;
  /** Probability that a packet arrives twice. */
  readonly duplicate: number;
}

/** A connection to open. */
export interface DialRequest {
  readonly to: Address;
  readonly timeoutMs: number;
  /** Called once if the connection is open, else `failed` is called once. */
  readonly opened: (stream: VirtualStream) => void;
  readonly failed: (reason: string) => void;
}

/** Counters of what went over the network. */
export interface Traffic {
  /** Packets sent. */
  packets: number;
  /** Bytes in packets. */
  packetBytes: number;
  largestPacketBytes: number;
  /** Connections that were tried. */
  streams: number;
  /** Bytes written on connections, in both directions. */
  streamBytes: number;
}

/** All hosts and the links between them. Hosts are told apart by their IP addresses. */
export class VirtualNetwork {
  /** The events to come. */
  readonly schedule = new Schedule();
  /** Randomness of the network alone. */
  readonly random: SeededRandom;
  /** Counted since the start. */
  readonly traffic: Traffic = {
    packets: 0,
    packetBytes: 0,
    largestPacketBytes: 0,
    streams: 0,
    streamBytes: 0,
  };
  /** The quality of all links. */
  quality: LinkQuality = { loss: 0, delayMs: 0.5, jitterMs: 0.5, duplicate: 0 };
  readonly #hosts = new Map<string, VirtualHost>();
  readonly #cut = new Set<string>();
  readonly #cutPackets = new Set<string>();
  readonly #cutStreams = new Set<string>();

  /** Has no hosts yet. */
  constructor(options: { readonly seed: number }) {
    this.random = new SeededRandom(`network ${options.seed}`);
  }

  /** Adds a host, on which no process runs yet. */
  addHost(address: Address): VirtualHost {
    const host = new VirtualHost({ network: this, address });
    this.#hosts.set(address.host, host);
    return host;
  }

  /** Removes a host; its process has ended. */
  removeHost(address: Address): void {
    this.#hosts.delete(address.host);
  }

  /** The host at an address. */
  hostAt(address: Address): VirtualHost | undefined {
    return this.#hosts.get(address.host);
  }

  /** Cuts one direction of a link. */
  cut(from: Address, to: Address): void {
    this.#cut.add(link(from, to));
  }

  /** Cuts all links between hosts of different groups; links that were cut before stay cut. */
  partition(groups: readonly (readonly Address[])[]): void {
    for (const one of groups) {
      for (const other of groups) {
        if (one === other) continue;
        for (const from of one) for (const to of other) this.cut(from, to);
      }
    }
  }

  /** Loses all packets from and to a host; TCP works. */
  cutPackets(host: Address): void {
    this.#cutPackets.add(host.host);
  }

  /** Loses all of TCP from and to a host; packets pass. */
  cutStreams(host: Address): void {
    this.#cutStreams.add(host.host);
  }

  /** Restores everything that was cut. */
  mend(): void {
    this.#cut.clear();
    this.#cutPackets.clear();
    this.#cutStreams.clear();
  }

  /** Carries one packet, or loses it. */
  carry(from: Address, packet: { readonly to: Address; readonly bytes: Uint8Array }): void {
    const { traffic, quality, random } = this;
    const { to, bytes } = packet;
    traffic.packets++;
    traffic.packetBytes += bytes.length;
    traffic.largestPacketBytes = Math.max(traffic.largestPacketBytes, bytes.length);
    const copies = random.chance(quality.duplicate) ? 2 : 1;
    if (!this.#packetsPass(from, to)) return;
    for (let copy = 0; copy < copies; copy++) {
      if (random.chance(quality.loss)) continue;
      // The receiver may keep or change the bytes.
      const own = copy === 0 ? bytes : bytes.slice();
      this.schedule.after(this.#legMs(), () => {
        const process = this.hostAt(to)?.process;
        process?.input(() => process.datagramSocket(to.port)?.arrived({ from, bytes: own }));
      });
    }
  }

  /** Opens a connection. Calls back later, never from inside this call. */
  dial(process: VirtualProcess, { to, timeoutMs, opened, failed }: DialRequest): void {
    this.traffic.streams++;
    const from = process.host.address;
    const fail = (afterMs: number, reason: string) =>
      this.schedule.after(Math.min(afterMs, timeoutMs), () => process.input(() => failed(reason)));
    const noAnswer = `no answer within ${Math.round(timeoutMs)} ms`;
    if (!this.streamsPass(from, to)) return void fail(timeoutMs, noAnswer);
    const connectMs = this.reliableLegMs() + this.reliableLegMs();
    if (connectMs >= timeoutMs) return void fail(timeoutMs, noAnswer);
    const open = () => {
      const server = isLoopback(to.host) ? process.host.process : this.hostAt(to)?.process;
      const listener = server?.listener(to.port);
      if (server === undefined || listener === undefined) return failed("connection refused");
      const local = { host: from.host, port: process.freePort() };
      opened(VirtualStream.between({ process, local }, { process: server, listener, to }));
    };
    this.schedule.after(connectMs, () => process.input(open));
  }

  /** For connections: whether TCP gets from one host to the other and back. */
  streamsPass(from: Address, to: Address): boolean {
    // To name a link takes longer than all else.
    if (this.#cut.size === 0 && this.#cutStreams.size === 0) return true;
    return !this.#cut.has(link(from, to)) && !this.#cut.has(link(to, from)) &&
      !this.#cutStreams.has(from.host) && !this.#cutStreams.has(to.host);
  }

  /**
   * For connections: the time from one host to the other. TCP does not lose anything; each lost packet
   * costs a retransmission timeout, doubled each time. `Infinity` if TCP gives up.
   */
  reliableLegMs(): number {
    let ms = this.#legMs();
    for (let attempt = 0; attempt < RETRANSMITS_MAX; attempt++) {
      if (!this.random.chance(this.quality.loss)) return ms;
      ms += RETRANSMIT_MS * 2 ** attempt;
    }
    return Infinity;
  }

  #packetsPass(from: Address, to: Address): boolean {
    if (this.#cut.size > 0 && this.#cut.has(link(from, to))) return false;
    if (this.#cutPackets.size === 0) return true;
    return !this.#cutPackets.has(from.host) && !this.#cutPackets.has(to.host);
  }

  #legMs(): number {
    return this.quality.delayMs + this.random.next() * this.quality.jitterMs;
  }
}

function link(from: Address, to: Address): string {
  return `${from.host}>${to.host}`;
}
