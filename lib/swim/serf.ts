/**
 * Interoperation with Serf: in a Serf cluster, a node that leaves must broadcast Serf's leave intent
 * first, or Serf treats it as failed (`handleNodeLeave` in Serf's `serf.go`).
 * @module
 */
import { encode } from "@std/msgpack";
import { scanValue } from "../msgpack_scanner.ts";
import { decode } from "../std/msgpack_decode.ts";
import type { Versions } from "../wire/messages.ts";

/** Serf's message types (`messages.go`). Append only. */
const MESSAGE = { leave: 0, pushPull: 2 } as const;
/** Serf's lowest delegate version. */
const DELEGATE_MIN = 2;
/** Maximum size of the user state in a push/pull of Serf; it holds recent events, too. */
const STATE_MAX_BYTES = 1024 * 1024;
/** Maximum length of a list or map in that state; some have one entry for each member. */
const STATE_MAX_ITEMS = 100_000;

/** Whether a node with these versions is in a Serf cluster. */
export function inSerfCluster(versions: Versions): boolean {
  return versions[5] >= DELEGATE_MIN;
}

/** Reads the Lamport time from the user state in a push/pull of Serf; 0 if it is missing or invalid. */
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

/** Encodes Serf's leave intent (`messageLeave`), the payload of a user message. */
export function leaveIntent(name: string, lamportTime: number): Uint8Array<ArrayBuffer> {
  const body = encode({ LTime: lamportTime, Node: name, Prune: false });
  const message = new Uint8Array(body.length + 1);
  message[0] = MESSAGE.leave;
  message.set(body, 1);
  return message;
}
