/**
 * `-sign`: encodes and signs the content of a batch in the client, so that the daemon never holds
 * the private key.
 * @module
 */
import { encodeBatchContent } from "../batch/batch.ts";
import { newBatchId } from "../batch/id.ts";
import type { RequestSource } from "../client/client.ts";
import type { Order } from "../batch/order.ts";
import type { Request } from "../client/protocol.ts";
import { inFlag } from "../flag_errors.ts";
import type { Clock, Random } from "../runtime.ts";
import { signBatch } from "../trust/batch_signature.ts";
import { parseSigningKey, type SigningKey } from "../trust/signing.ts";

/** The signing key, and the sources of the batch's id and time of issue. */
export interface Signer {
  readonly key: SigningKey;
  readonly clock: Pick<Clock, "wallMs">;
  readonly random: Random;
}

/** An order that is not signed yet. */
export type UnsignedOrder = Order & { readonly type: "unsigned" };

/**
 * Signs an order for the origin `node`. The signature is valid for this batch only. `held`: whether
 * members wait for the origin before they start (stages, or a random sample).
 */
export function signOrder(
  order: UnsignedOrder,
  options: Signer & { readonly node: string; readonly held: boolean },
): Order {
  const { body, target, expiresInMs } = order;
  const { key, clock, random, node, held } = options;
  const issuedAtMs = Math.floor(clock.wallMs());
  const content = encodeBatchContent({
    id: newBatchId({ wallMs: issuedAtMs, random }),
    originName: node,
    issuedAtMs,
    expiresAtMs: expiresInMs === 0 ? 0 : issuedAtMs + expiresInMs,
    target,
    held,
    body,
  });
  return { type: "signed", content, signature: signBatch(content, key) };
}

/**
 * Builds the request to send a batch. If there is a signer, the request is signed when the name of
 * the daemon is known, because the signature covers it.
 */
export function batchRequest(
  request: Omit<Request & { type: "check" }, "type" | "order"> & { readonly order: UnsignedOrder },
  signer: Signer | undefined,
): RequestSource {
  if (signer === undefined) return { type: "check", ...request };
  const held = request.limit !== undefined || request.rollout !== undefined;
  return ({ node }) => ({
    ...request,
    type: "check",
    order: signOrder(request.order, { ...signer, node, held }),
  });
}

/** Reads the signing key of `-sign`; undefined without the flag. Raises `UsageError`. */
export async function signerOf(context: {
  readonly settings: { readonly signKeyFile?: string };
  readonly readSecret: (path: string) => Promise<string>;
  readonly clock: Pick<Clock, "wallMs">;
  readonly random: Random;
}): Promise<Signer | undefined> {
  const { settings: { signKeyFile }, readSecret, clock, random } = context;
  if (signKeyFile === undefined) return undefined;
  return await inFlag("-sign", async () => {
    const text = await readSecret(signKeyFile);
    return { key: parseSigningKey(text, { source: signKeyFile }), clock, random };
  });
}
