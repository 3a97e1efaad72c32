/**
 * The daemon's own transport of gossip messages on a host of a simulated network.
 * @module
 */
import { concat } from "@std/bytes";
import type { DropReason } from "../../lib/errors.ts";
import type { Session } from "../../lib/link/header.ts";
import { Transport } from "../../lib/link/link.ts";
import type { PeerView } from "../../lib/gossip/types.ts";
import type { Random } from "../../lib/runtime.ts";
import type { VirtualHost } from "./world_network.ts";

/** Bytes that a packet has for one message where there is a key and no label. */
export const PACKET_ROOM_BYTES = 1_350;

/** What it is made of. */
export interface LinkedHostOptions {
  /** Where it runs; its process begins. */
  readonly host: VirtualHost;
  /** The membership. */
  readonly peers: PeerView;
  /** This life. */
  readonly session: Session;
  /** Chance. */
  readonly random: Random;
  /** Lives of others whose messages are told apart at once. */
  readonly maxSessions?: number | undefined;
  /** Takes how a message went. */
  readonly sent: (id: number, ok: boolean) => void;
  /** Takes a message. */
  readonly deliver: (message: Uint8Array, from: string) => void;
  /** Takes what was dropped. */
  readonly drop?: (drop: { reason: DropReason; from: string; detail: string }) => void;
  /** Takes a new session. */
  readonly renewed?: (session: Session) => void;
  /** Takes whether a stream could be opened. */
  readonly reachable?: (name: string, ok: boolean) => void;
  /** Sees and may change every packet before it is sent. */
  readonly packet?: (to: string, payload: Uint8Array) => Uint8Array | undefined;
}

/** Makes one, and gives it all that comes to the host. */
export function linkHost(options: LinkedHostOptions): Transport {
  const { host, peers } = options;
  const transport: Transport = new Transport({
    peers,
    session: options.session,
    packetRoomBytes: () => PACKET_ROOM_BYTES,
    clock: host.clock,
    random: options.random,
    ...(options.maxSessions === undefined ? {} : { maxSessions: options.maxSessions }),
    effects: {
      openStream: ({ id, to, head, message, timeoutMs, connectTimeoutMs }) =>
        host.openStream(to.address, {
          ...{ bytes: concat([head, message]), timeoutMs, connectTimeoutMs, wantsReply: true },
          done: (end) =>
            transport.streamEnded(
              id,
              end.ok
                ? { type: "closed", answer: end.reply ?? new Uint8Array(0) }
                : { type: "failed" },
            ),
        }),
      sendPacket: (to, payload) => {
        const peer = peers.peer(to);
        const bytes = options.packet === undefined ? payload : options.packet(to, payload);
        if (peer !== undefined && bytes !== undefined) host.sendPacket(peer.address, bytes);
      },
      setTimer: (delayMs, timer) => host.after(delayMs, () => transport.fire(timer)),
      sent: (id, ok) => options.sent(id, ok),
      deliver: (message, from) => options.deliver(message, from),
      reachable: (name, ok) => options.reachable?.(name, ok),
      drop: (reason, input) => options.drop?.({ reason, ...input }),
      renewed: (session) => options.renewed?.(session),
    },
  });
  host.start({
    packet: (from, bytes) => transport.receivePacket(from, bytes),
    stream: (from, bytes) => transport.receiveStream(from, bytes) ?? new Uint8Array(0),
  });
  return transport;
}
