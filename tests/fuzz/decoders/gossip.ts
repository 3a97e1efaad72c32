/** Decoders of what nodes say to each other about batches. @module */
import { WireError } from "../../../lib/errors.ts";
import { decodeBatch, decodeGossip, encodeBatch, encodeGossip } from "../../../lib/gossip/codec.ts";
import { BATCH, GOSSIP_SAMPLES, PLAIN } from "../../support/gossip_samples.ts";
import { type Subject, subject } from "../subject.ts";
import {
  decodeAcknowledgement,
  decodeFragment,
  encodeAcknowledgement,
  encodeFragment,
  tellsOf,
} from "../../../lib/link/fragments.ts";
import { decodeLinkHead, type LinkHead, withLinkHead } from "../../../lib/link/header.ts";
import { MSGPACK_COSTLY } from "../msgpack_mutations.ts";

const SESSION = "0123456789abcdef";

/** All of them. */
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
    samples: [BATCH, PLAIN].map(encodeBatch),
    decode: decodeBatch,
    again: (batch) => decodeBatch(encodeBatch(batch)),
    errors: [WireError],
    costly: MSGPACK_COSTLY,
  }),
  subject({
    name: "heads of messages between nodes",
    form: "bytes",
    samples: [
      { kind: "message", to: SESSION, from: "a", fromSession: SESSION, number: 0 },
      { kind: "fragment", to: SESSION, from: "größe", fromSession: SESSION, number: 2 ** 48 - 1 },
    ].map((head) => withLinkHead(head as LinkHead, Uint8Array.of(1, 2, 3))),
    decode: decodeLinkHead,
    again: ({ head, body }) => decodeLinkHead(withLinkHead(head, body)),
    errors: [WireError],
  }),
  subject({
    name: "parts of messages between nodes",
    form: "bytes",
    samples: [0, 1].map((index) =>
      encodeFragment({
        ...{ totalBytes: 1000, partBytes: 600, index, urgent: index === 1 },
        bytes: new Uint8Array(index === 0 ? 600 : 400),
      })
    ),
    decode: decodeFragment,
    again: (fragment) => decodeFragment(encodeFragment(fragment)),
    errors: [WireError],
  }),
  subject({
    name: "word of which parts have come",
    form: "bytes",
    samples: [
      encodeAcknowledgement("complete"),
      encodeAcknowledgement({ count: 3000, has: (index) => index % 3 !== 1 }),
    ],
    decode: (body) => {
      const word = decodeAcknowledgement(body);
      for (let index = 0; index < 5000; index += 500) tellsOf(word, index);
      return word;
    },
    errors: [WireError],
  }),
];
