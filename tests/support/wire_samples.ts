/**
 * Samples of every wire message, for tests of round trips, truncation and mutation.
 * @module
 */
import type { StreamMessage, WireMessage } from "../../lib/wire/messages.ts";

const BYTES = new Uint8Array([0, 1, 2, 0x7f, 0x80, 0xff]);
const LONG_NAME = "n".repeat(255);
const ADDRESS = { host: "10.1.2.3", port: 7946 };
const ADDRESS_6 = { host: "2001:db8::ff:0:1", port: 65_535 };
const VERSIONS = [1, 5, 2, 2, 5, 4] as const;

type Samples = {
  readonly [T in WireMessage["type"]]: readonly Extract<WireMessage, { type: T }>[];
};

/** At least one message of every type; a new type without samples does not compile. */
export const SAMPLES: Samples = {
  ping: [
    { type: "ping", sequence: 0, targetName: "" },
    { type: "ping", sequence: 127, targetName: "b" },
    { type: "ping", sequence: 128, targetName: "b", source: { address: ADDRESS, name: "a" } },
    {
      type: "ping",
      sequence: 0xffff_ffff,
      targetName: LONG_NAME,
      source: { address: ADDRESS_6, name: "" },
    },
  ],
  indirectPing: [
    { type: "indirectPing", sequence: 256, target: ADDRESS, targetName: "c", wantsNack: false },
    {
      type: "indirectPing",
      sequence: 65_536,
      target: ADDRESS_6,
      targetName: "gämma",
      wantsNack: true,
      source: { address: ADDRESS, name: "a" },
    },
  ],
  ack: [
    { type: "ack", sequence: 1, payload: new Uint8Array(0) },
    { type: "ack", sequence: 65_535, payload: BYTES },
    { type: "ack", sequence: 65_535, payload: new Uint8Array(300).fill(7) },
  ],
  nack: [{ type: "nack", sequence: 255 }],
  suspect: [
    { type: "suspect", incarnation: 3, name: "a", from: "b" },
    { type: "suspect", incarnation: 0xffff_ffff, name: LONG_NAME, from: "" },
  ],
  alive: [
    {
      type: "alive",
      incarnation: 1,
      name: "node-17.example",
      address: ADDRESS,
      meta: new Uint8Array(0),
      versions: VERSIONS,
    },
    {
      type: "alive",
      incarnation: 70_000,
      name: "日本",
      address: ADDRESS_6,
      meta: new Uint8Array(512).fill(0xff),
      versions: [0, 0, 0, 0, 0, 255],
    },
  ],
  dead: [
    { type: "dead", incarnation: 3, name: "a", from: "b" },
    { type: "dead", incarnation: 0, name: "a".repeat(32), from: "a".repeat(32) },
  ],
  user: [
    { type: "user", payload: new Uint8Array(0) },
    { type: "user", payload: BYTES },
    { type: "user", payload: new Uint8Array(40_000).fill(9) },
  ],
  error: [
    { type: "error", message: "" },
    { type: "error", message: "remote node state is larger than limit (4294967295): ☠" },
  ],
  pushPull: [
    { type: "pushPull", join: false, nodes: [], userState: new Uint8Array(0) },
    {
      type: "pushPull",
      join: true,
      nodes: (["alive", "suspect", "dead", "left"] as const).map((state, index) => ({
        name: `node-${index}`,
        address: index % 2 === 0 ? ADDRESS : ADDRESS_6,
        meta: new Uint8Array(100 * index).fill(index),
        incarnation: 10 ** (2 * index),
        state,
        versions: VERSIONS,
      })),
      userState: BYTES,
    },
  ],
};

/** The samples of the messages that a stream can carry. */
export const STREAM_SAMPLES: readonly StreamMessage[] = [
  ...SAMPLES.pushPull,
  ...SAMPLES.user,
  ...SAMPLES.ping,
  ...SAMPLES.ack,
  ...SAMPLES.error,
];
