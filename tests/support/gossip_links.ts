/**
 * The link machine on a host of a simulated network, without a node around it.
 * @module
 */
import { concat } from "@std/bytes";
import type { DropReason } from "../../lib/errors.ts";
import type { Session } from "../../lib/link/header.ts";
import { Link } from "../../lib/link/link.ts";
import type { LinkPeer, LinkPeers, StreamSend } from "../../lib/link/types.ts";
import type { Address, Random } from "../../lib/runtime.ts";
import type { VirtualHost, VirtualProcess } from "./world_host.ts";
import type { VirtualStream } from "./world_streams.ts";

/** Bytes that a packet has for one message if there is a key and no label. */
const PACKET_ROOM_BYTES = 1_350;

/** The membership, with the address of each member. */
export interface AddressedPeers extends LinkPeers {
  peer(name: string): (LinkPeer & { readonly address: Address }) | undefined;
}

/** Options of `linkHost`. */
export interface LinkedHostOptions {
  /** Where it runs; the process that ran there is killed. */
  readonly host: VirtualHost;
  /** The membership. */
  readonly peers: AddressedPeers;
  /** The session of this process. */
  readonly session: Session;
  readonly random: Random;
  /** As `SessionsOptions` has it. */
  readonly maxSessions?: number | undefined;
  /** Handles the end of a send. */
  readonly sent: (id: number, ok: boolean) => void;
  /** Handles a message. */
  readonly deliver: (message: Uint8Array, from: string) => void;
  /** Handles input that was dropped. */
  readonly drop?: (drop: { reason: DropReason; from: string; detail: string }) => void;
  /** Handles a new session. */
  readonly sessionChanged?: (session: Session) => void;
  /** Handles whether a stream could be opened. */
  readonly reachable?: (name: string, ok: boolean) => void;
  /** Sees every packet before it is sent, and may change or drop it. */
  readonly packet?: (to: string, payload: Uint8Array) => Uint8Array | undefined;
  /** Sees a stream and what would be written on it; true keeps the stream from being opened. */
  readonly stream?: (id: number, bytes: Uint8Array) => boolean;
}

/** Starts a process with a link machine, which gets all that comes to the host. */
export function linkHost(options: LinkedHostOptions): Link {
  const { host, peers } = options;
  const process = host.start();
  const socket = process.listenDatagrams(host.address);
  const link: Link = new Link({
    peers,
    session: options.session,
    packetRoomBytes: () => PACKET_ROOM_BYTES,
    clock: host.clock,
    random: options.random,
    ...(options.maxSessions === undefined ? {} : { maxSessions: options.maxSessions }),
    effects: {
      openStream: (send) => {
        const bytes = concat([send.header, send.message]);
        if (options.stream?.(send.id, bytes) !== true) openStream(send, { link, process, bytes });
      },
      sendPacket: (to, payload) => {
        const peer = peers.peer(to);
        const bytes = options.packet === undefined ? payload : options.packet(to, payload);
        if (peer !== undefined && bytes !== undefined) socket.send(peer.address, bytes);
      },
      setTimer: (delayMs, timer) => void process.after(delayMs, () => link.fire(timer)),
      sent: (id, ok) => options.sent(id, ok),
      deliver: (message, from) => options.deliver(message, from),
      reachable: (name, ok) => options.reachable?.(name, ok),
      drop: (reason, input) => options.drop?.({ reason, ...input }),
      sessionChanged: (session) => options.sessionChanged?.(session),
    },
  });
  socket.onDatagram = ({ from, bytes }) => link.receivePacket(from, bytes);
  process.listenStreams(host.address).onStream = (stream) => serve(stream, link);
  return link;
}

/** Reads one message, which arrives whole, answers it and closes the connection. */
function serve(stream: VirtualStream, link: Link): void {
  stream.onReadable = () => {
    stream.onReadable = undefined;
    const answer = stream.isAtEnd ? undefined : link.receiveStream(stream.remote, stream.take());
    if (answer !== undefined) void stream.write(answer);
    stream.close();
  };
}

/** Sends one message, and reports how its stream ended. */
function openStream(
  { id, to, timeoutMs, connectTimeoutMs }: StreamSend,
  { link, process, bytes }: {
    link: Link;
    process: VirtualProcess;
    bytes: Uint8Array;
  },
): void {
  let open: VirtualStream | undefined;
  const failed = () => link.streamEnded(id, { type: "failed" });
  const cancel = process.after(timeoutMs, () => {
    open?.close();
    if (open !== undefined) failed();
  });
  process.network.dial(process, {
    to: to.address,
    timeoutMs: Math.min(connectTimeoutMs, timeoutMs),
    failed: () => {
      cancel();
      failed();
    },
    opened: (stream) => {
      open = stream;
      void stream.write(bytes);
      stream.onReadable = () => {
        cancel();
        const answer = stream.take();
        stream.onReadable = undefined;
        stream.close();
        link.streamEnded(id, { type: "closed", answer });
      };
    },
  });
}
