/** Decoders of messages between nodes about batches. @module */
import { WireError } from "../../../lib/errors.ts";
import { BATCH as BATCH_CODEC } from "../../../lib/batch/batch.ts";
import { decodeGossip, encodeGossip } from "../../../lib/gossip/codec.ts";
import { BATCH, GOSSIP_SAMPLES, PLAIN } from "../../support/gossip_samples.ts";
import { type Subject, subject } from "../subject.ts";
import {
  acknowledges,
  decodeFragment,
  decodeFragmentAck,
  encodeFragment,
  encodeFragmentAck,
} from "../../../lib/link/fragments.ts";
import { decodeLinkHeader, type LinkHeader, withLinkHeader } from "../../../lib/link/header.ts";
import { decodeMessage, encodeMessage } from "../../../lib/msgpack_codec.ts";
import { MSGPACK_COSTLY } from "../msgpack_mutations.ts";

const decodeStored = (bytes: Uint8Array) =>
  decodeMessage(bytes, { codec: BATCH_CODEC, what: "a batch" });

const SESSION = "0123456789abcdef";

/** Every decoder of `lib/gossip`, `lib/link` and `lib/batch`. */
export const GOSSIP_DECODERS: readonly Subject[] = [
  subject({
    name: "gossip messages",
    form: "msgpack",
    samples: Object.values(GOSSIP_SAMPLES).flat().map((message) => encodeGossip(message)),
    decode: decodeGossip,
    again: (message) => decodeGossip(encodeGossip(message)),
    errors: [WireError],
    costly: MSGPACK_COSTLY,
  }),
  subject({
    name: "batches of the journal",
    form: "msgpack",
    samples: [BATCH, PLAIN].map((batch) => encodeMessage(BATCH_CODEC, batch)),
    decode: decodeStored,
    again: (batch) => decodeStored(encodeMessage(BATCH_CODEC, batch)),
    errors: [WireError],
    costly: MSGPACK_COSTLY,
  }),
  subject({
    name: "link headers",
    form: "bytes",
    samples: [
      { kind: "message", toSession: SESSION, from: "a", fromSession: SESSION, sequence: 0 },
      {
        kind: "fragment",
        toSession: SESSION,
        from: "größe",
        fromSession: SESSION,
        sequence: 2 ** 48 - 1,
      },
    ].map((header) => withLinkHeader(header as LinkHeader, Uint8Array.of(1, 2, 3))),
    decode: decodeLinkHeader,
    again: ({ header, body }) => decodeLinkHeader(withLinkHeader(header, body)),
    errors: [WireError],
  }),
  subject({
    name: "fragments",
    form: "bytes",
    samples: [0, 1].map((index) =>
      encodeFragment({
        ...{ totalBytes: 1000, fragmentBytes: 600, index, ackNow: index === 1 },
        bytes: new Uint8Array(index === 0 ? 600 : 400),
      })
    ),
    decode: decodeFragment,
    again: (fragment) => decodeFragment(encodeFragment(fragment)),
    errors: [WireError],
  }),
  subject({
    name: "fragment acks",
    form: "bytes",
    samples: [
      encodeFragmentAck("complete"),
      encodeFragmentAck({ count: 3000, has: (index) => index % 3 !== 1 }),
    ],
    decode: (body) => {
      const ack = decodeFragmentAck(body);
      for (let index = 0; index < 5000; index += 500) acknowledges(ack, index);
      return ack;
    },
    errors: [WireError],
  }),
];
