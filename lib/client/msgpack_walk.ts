/**
 * Looks over MessagePack that came from a socket before anything of it is built: that it is one
 * whole value, that it does not nest too deep, and that no length in it promises more than there
 * is. The decoder behind `lib/std/msgpack_decode.ts` allocates what an array header promises.
 * @module
 */
import { WireError } from "../errors.ts";
import { MESSAGE_MAX_DEPTH } from "../limits.ts";

/** Raises `WireError` unless `bytes` are exactly one well-formed value, nested at most 16 deep. */
export function walkMessagePack(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** How many values each open container still lacks, outermost first. */
  const open = [1];
  let at = 0;
  while (open.length > 0) {
    const lacking = open[open.length - 1] ?? 0;
    if (lacking === 0) {
      open.pop();
      continue;
    }
    open[open.length - 1] = lacking - 1;
    const value = header(view, at);
    at = value.next;
    if (value.children > bytes.length - at) throw truncated();
    if (value.children > 0) open.push(value.children);
    if (open.length > MESSAGE_MAX_DEPTH + 1) {
      throw new WireError("too_deep", `a message nests more than ${MESSAGE_MAX_DEPTH} deep`);
    }
  }
  if (at !== bytes.length) {
    throw new WireError("malformed", `${bytes.length - at} bytes follow the end of a message`);
  }
}

/** Where the value at `at` ends, its children left out, and how many children follow it. */
function header(view: DataView, at: number): { next: number; children: number } {
  const need = (end: number): void => {
    if (end > view.byteLength) throw truncated();
  };
  const length = (width: number): number => {
    need(at + 1 + width);
    if (width === 1) return view.getUint8(at + 1);
    return width === 2 ? view.getUint16(at + 1) : view.getUint32(at + 1);
  };
  const plain = (size: number): { next: number; children: number } => {
    need(at + size);
    return { next: at + size, children: 0 };
  };
  const container = (width: number, perEntry: number): { next: number; children: number } => {
    return { next: at + 1 + width, children: length(width) * perEntry };
  };
  need(at + 1);
  const type = view.getUint8(at);
  if (type <= 0x7f || type >= 0xe0) return plain(1);
  if (type <= 0x8f) return { next: at + 1, children: (type & 0x0f) * 2 };
  if (type <= 0x9f) return { next: at + 1, children: type & 0x0f };
  if (type <= 0xbf) return plain(1 + (type & 0x1f));
  switch (type) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return plain(1);
    case 0xc4:
    case 0xc5:
    case 0xc6:
      return plain(1 + (1 << (type - 0xc4)) + length(1 << (type - 0xc4)));
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
      return plain(1 + (1 << (type - 0xcc)));
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
      return plain(1 + (1 << (type - 0xd0)));
    case 0xca:
      return plain(5);
    case 0xcb:
      return plain(9);
    case 0xd9:
    case 0xda:
    case 0xdb:
      return plain(1 + (1 << (type - 0xd9)) + length(1 << (type - 0xd9)));
    case 0xdc:
    case 0xdd:
      return container(type === 0xdc ? 2 : 4, 1);
    case 0xde:
    case 0xdf:
      return container(type === 0xde ? 2 : 4, 2);
    default:
      // 0xc1 means nothing, and no message of ours holds extension types.
      throw new WireError("malformed", `a message holds the type byte 0x${type.toString(16)}`);
  }
}

function truncated(): WireError {
  return new WireError("truncated", "a message ends before what its lengths promise");
}
