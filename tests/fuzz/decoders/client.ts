/** Decoders of what gcheck and its daemon say to each other. @module */
import {
  decodeHandshake,
  decodeReply,
  decodeRequest,
  encodeHandshake,
  encodeReply,
  encodeRequest,
} from "../../../lib/client/codec.ts";
import { encodeFrame, readFrame } from "../../../lib/client/frames.ts";
import type { Handshake, Reply, Request } from "../../../lib/client/protocol.ts";
import { WireError } from "../../../lib/errors.ts";
import type { ByteStream } from "../../../lib/runtime.ts";
import { HANDSHAKES, REPLIES, REQUESTS } from "../../support/client_samples.ts";
import { type Decoder, type Subject, subject } from "../subject.ts";
import { MSGPACK_COSTLY } from "../msgpack_mutations.ts";

function messages<T extends Handshake | Request | Reply>(
  name: string,
  { samples, encode, decode }: {
    samples: Readonly<Record<string, readonly T[]>>;
    encode: (message: T) => Uint8Array;
    decode: (payload: Uint8Array) => T;
  },
): Decoder<T> {
  return {
    name,
    form: "msgpack",
    samples: Object.values(samples).flat().map(encode),
    decode,
    again: (message) => decode(encode(message)),
    errors: [WireError],
    costly: MSGPACK_COSTLY,
  };
}

const FRAME_MAX_BYTES = 1000;

/** A connection on which these bytes come, in pieces of varying length, and then its end. */
function streamOf(bytes: Uint8Array): ByteStream {
  let at = 0;
  return {
    remote: { host: "127.0.0.1", port: 1 },
    read(buffer) {
      if (at === bytes.length) return Promise.resolve(undefined);
      const piece = bytes.subarray(at, at + Math.min(buffer.length, 1 + at % 7));
      buffer.set(piece);
      at += piece.length;
      return Promise.resolve(piece.length);
    },
    write: () => Promise.resolve(),
    close() {},
  };
}

/** All of them. */
export const CLIENT_DECODERS: readonly Subject[] = [
  subject({
    ...messages("handshakes of gcheck", {
      samples: HANDSHAKES,
      encode: encodeHandshake,
      decode: decodeHandshake,
    }),
    regressions: {
      // {"type": "hello", "protocol": <half a surrogate pair>, "version": 1, "nonce": <1 byte>}
      "a protocol that is no UTF-8": Uint8Array.fromHex(
        "84a474797065a568656c6c6fa870726f746f636f6ca3eda080a776657273696f6e01a56e6f6e6365c40107",
      ),
    },
  }),
  subject(messages<Request>("requests of gcheck", {
    samples: REQUESTS,
    encode: encodeRequest,
    decode: decodeRequest,
  })),
  subject(messages<Reply>("replies to gcheck", {
    samples: REPLIES,
    encode: encodeReply,
    decode: decodeReply,
  })),
  subject({
    name: "frames of gcheck",
    form: "bytes",
    samples: [[], [1], [1, 2, 3], new Array(300).fill(7)].map((payload) =>
      encodeFrame(new Uint8Array(payload))
    ),
    decode: (bytes) => readFrame(streamOf(bytes), { maxBytes: FRAME_MAX_BYTES }),
    // An end between two frames is no frame.
    again: (payload) =>
      payload && readFrame(streamOf(encodeFrame(payload)), { maxBytes: FRAME_MAX_BYTES }),
    errors: [WireError],
    costly: {
      // What a stranger declares is not what it costs.
      "frames that declare the most": (bytes) => {
        const frame = encodeFrame(new Uint8Array(bytes));
        frame.fill(0xff, 0, 4);
        return frame;
      },
    },
  }),
];
