/**
 * Sends a request to the daemon and reads its replies, until the last one, `-timeout` or Control-C.
 * @module
 */
import type { RequestSource } from "../../client/client.ts";
import type { Reply } from "../../client/protocol.ts";
import { formatAddress } from "../../address.ts";
import { formatDuration } from "../../duration.ts";
import { UnreachableError, UsageError } from "../../errors.ts";
import type { CommandContext } from "./context.ts";

/** Why the wait for replies ended. */
export type WaitEnd = "complete" | "timed_out" | "interrupted";

/**
 * Sends a request and calls `take` with each reply. Raises the client's errors, and an `error`
 * reply as an error.
 */
export async function follow(
  context: CommandContext,
  options: { request: RequestSource; take: (reply: Reply) => void },
): Promise<WaitEnd> {
  const ending = new AbortController();
  let end: WaitEnd = "complete";
  const stop = (why: WaitEnd) => {
    end = why;
    ending.abort();
  };
  const interrupt = () => stop("interrupted");
  const { interrupted, timers, settings, client } = context;
  if (interrupted.aborted) return "interrupted";
  interrupted.addEventListener("abort", interrupt);
  const cancelTimer = timers.after(settings.timeoutMs, () => stop("timed_out"));
  try {
    for await (const reply of client.request(options.request, { signal: ending.signal })) {
      if (reply.type === "error") throw errorOf(reply, context);
      options.take(reply);
    }
  } catch (error) {
    if (!ending.signal.aborted) throw error;
  } finally {
    cancelTimer();
    interrupted.removeEventListener("abort", interrupt);
  }
  return end;
}

/** Sends a request that has one reply and returns it; undefined after Control-C. */
export async function ask<T extends Reply["type"]>(
  context: CommandContext,
  options: { request: RequestSource; reply: T },
): Promise<Reply & { type: T } | undefined> {
  let found: Reply & { type: T } | undefined;
  const end = await follow(context, {
    request: options.request,
    take: (reply) => {
      if (isOf(reply, options.reply)) found = reply;
    },
  });
  if (end === "interrupted") return undefined;
  if (found === undefined) throw silent(context);
  return found;
}

/** The error if the daemon did not reply within `-timeout`. */
export function silent({ settings }: CommandContext): UnreachableError {
  const where = formatAddress(settings.server);
  const time = formatDuration(settings.timeoutMs);
  return new UnreachableError(
    `the gossipcheckd at ${where} did not answer within -timeout ${time}: it may hang`,
    { reason: "lost" },
  );
}

function isOf<T extends Reply["type"]>(reply: Reply, type: T): reply is Reply & { type: T } {
  return reply.type === type;
}

function errorOf(reply: Reply & { type: "error" }, { settings }: CommandContext): Error {
  switch (reply.code) {
    case "unknown_batch":
    case "bad_request":
      return new UsageError(reply.message);
    case "busy":
    case "refused":
    case "too_large":
    case "internal": {
      const where = formatAddress(settings.server);
      return new UnreachableError(`the gossipcheckd at ${where} says: ${reply.message}`, {
        reason: "lost",
      });
    }
    default:
      return reply.code satisfies never;
  }
}
