/**
 * One copy of what all nodes of a world hold. A thousand nodes that each keep their own texts and
 * bytes about a thousand members take gigabytes, and the collector the half of a run's time.
 * @module
 */
import type { Address } from "../../lib/runtime.ts";
import { Envelope } from "../../lib/wire/envelope.ts";
import type { Alive, PacketMessage, PushPullNode, StreamMessage } from "../../lib/wire/messages.ts";

/** What a member says about itself. */
type Claims = Pick<Alive, "name" | "address" | "meta" | "versions">;

/** Equal values become the same one. Nobody changes what came off the wire, so nobody can tell. */
export class Sharing {
  /** The last that each name said. */
  readonly #claims = new Map<string, Claims>();

  /** A message with shared parts. */
  packet(message: PacketMessage): PacketMessage {
    return message.type === "alive" ? { ...message, ...this.#shared(message) } : message;
  }

  /** A message with shared parts. */
  stream(message: StreamMessage): StreamMessage {
    if (message.type !== "pushPull") return message;
    const nodes = message.nodes.map((node): PushPullNode => ({ ...node, ...this.#shared(node) }));
    return { ...message, nodes };
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

/** An envelope whose packets come out with shared parts. */
export class SharingEnvelope extends Envelope {
  readonly #sharing: Sharing;

  /** Otherwise as any. */
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
