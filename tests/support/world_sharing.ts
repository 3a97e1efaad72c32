/**
 * Keeps one copy of what all nodes of a simulated cluster know alike. A thousand nodes that each keep
 * their own texts and bytes about a thousand members take gigabytes, and half of a run's time goes to
 * the garbage collector.
 * @module
 */
import type { MemberMeta } from "../../lib/node/membership_peers.ts";
import type { Node } from "../../lib/node/node.ts";
import type { Address } from "../../lib/runtime.ts";
import { decodeMeta } from "../../lib/swim/meta.ts";
import { Envelope } from "../../lib/wire/envelope.ts";
import type { Alive, PacketMessage, PushPullNode, StreamMessage } from "../../lib/wire/messages.ts";

/** What a member says about itself. */
type Claims = Pick<Alive, "name" | "address" | "meta" | "versions">;

/**
 * Replaces equal parts of messages by the same ones. No node changes what it has decoded, so none can
 * tell the difference.
 */
export class Sharing {
  /** The last claims of each member. */
  readonly #claims = new Map<string, Claims>();
  readonly #metas = new WeakMap<Uint8Array, MemberMeta>();

  /** Makes a node share what it decodes from streams and from metas. */
  adopt({ membership, peers }: Node): void {
    const receiveStream = membership.receiveStream.bind(membership);
    const receiveReply = membership.receiveReply.bind(membership);
    membership.receiveStream = (from, message) => receiveStream(from, this.#stream(message));
    membership.receiveReply = (exchange, message) => receiveReply(exchange, this.#stream(message));
    peers.meta = ({ meta }) => this.#meta(meta);
  }

  /** The same message with shared parts. */
  packet(message: PacketMessage): PacketMessage {
    return message.type === "alive" ? { ...message, ...this.#shared(message) } : message;
  }

  #stream<M extends StreamMessage>(message: M): M {
    if (message.type !== "pushPull") return message;
    const nodes = message.nodes.map((node): PushPullNode => ({ ...node, ...this.#shared(node) }));
    return { ...message, nodes };
  }

  #meta(meta: Uint8Array): MemberMeta {
    let decoded = this.#metas.get(meta);
    if (decoded === undefined) {
      decoded = decodeMeta(meta);
      this.#metas.set(meta, decoded);
    }
    return decoded;
  }

  #shared({ name, address, meta, versions }: Claims): Claims {
    const held = this.#claims.get(name);
    if (
      held !== undefined && isSame(held.address, address) && isEqual(held.meta, meta) &&
      isEqual(held.versions, versions)
    ) return held;
    const claims = { name, address, meta: meta.slice(), versions };
    this.#claims.set(name, claims);
    return claims;
  }
}

/** An envelope that opens packets to messages with shared parts. */
export class SharingEnvelope extends Envelope {
  readonly #sharing: Sharing;

  /** Takes the options of any envelope. */
  constructor(options: Envelope["options"], sharing: Sharing) {
    super(options);
    this.#sharing = sharing;
  }

  override openPacket(packet: Uint8Array): PacketMessage[] {
    return super.openPacket(packet).map((message) => this.#sharing.packet(message));
  }
}

function isSame(a: Address, b: Address): boolean {
  return a.host === b.host && a.port === b.port;
}

function isEqual(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}
