/**
 * The little of Serf that a guest in a Serf cluster owes it: a node that leaves says so in Serf's
 * own words first, or Serf takes it for failed (`handleNodeLeave` in Serf's `serf.go`).
 * @module
 */
import { encode } from "@std/msgpack";
import { scanValue } from "../msgpack_scanner.ts";
import { decode } from "../std/msgpack_decode.ts";
import type { Versions } from "../wire/messages.ts";

/** Serf's message types (`messages.go`). Append only. */
const MESSAGE = { leave: 0, pushPull: 2 } as const;
/** The lowest delegate version that is Serf's. */
const DELEGATE_MIN = 2;
/** What Serf adds to a push/pull is read up to this size; it keeps events there that we do not need. */
const STATE_MAX_BYTES = 1024 * 1024;
/** Entries of one of its lists; it has one for each member. */
const STATE_MAX_ITEMS = 100_000;

/** Whether a node with these versions takes part in a Serf cluster. */
export function inSerfCluster(versions: Versions): boolean {
  return versions[5] >= DELEGATE_MIN;
}

/** The Lamport time in Serf's part of a push/pull; 0 where there is none to be read. */
export function lamportTimeOf(userState: Uint8Array): number {
  if (userState[0] !== MESSAGE.pushPull || userState.length > STATE_MAX_BYTES) return 0;
  try {
    const body = userState.subarray(1);
    scanValue({ bytes: body, start: 0, end: body.length });
    const state = decode(body, {
      rawStrings: true,
      maxArrayLength: STATE_MAX_ITEMS,
      maxMapLength: STATE_MAX_ITEMS,
    });
    if (typeof state !== "object" || state === null || !("LTime" in state)) return 0;
    const time = state.LTime;
    return typeof time === "number" && Number.isSafeInteger(time) && time > 0 ? time : 0;
  } catch {
    return 0;
  }
}

/** Serf's word for leaving (`messageLeave`), to be sent as a user message. */
export function leaveIntent(name: string, lamportTime: number): Uint8Array<ArrayBuffer> {
  const body = encode({ LTime: lamportTime, Node: name, Prune: false });
  const message = new Uint8Array(body.length + 1);
  message[0] = MESSAGE.leave;
  message.set(body, 1);
  return message;
}
