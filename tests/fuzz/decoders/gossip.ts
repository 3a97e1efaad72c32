/** Decoders of what nodes say to each other about batches. @module */
import { WireError } from "../../../lib/errors.ts";
import { decodeBatch, decodeGossip, encodeBatch, encodeGossip } from "../../../lib/gossip/codec.ts";
import { BATCH, GOSSIP_SAMPLES, PLAIN } from "../../support/gossip_samples.ts";
import { type Subject, subject } from "../subject.ts";
import { MSGPACK_COSTLY } from "../msgpack_mutations.ts";

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
];
