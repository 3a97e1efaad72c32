/**
 * What `-sign` adds to a request: the batch's id, its time of issue and the signature over all that
 * the nodes will see of it, made here because the daemon has no part in it.
 * @module
 */
import { UsageError } from "../errors.ts";
import { signedBytes } from "../gossip/codec.ts";
import { newBatchId } from "../batch/id.ts";
import type { Submission } from "../gossip/types.ts";
import type { Clock, Random } from "../runtime.ts";
import { signBatch } from "../trust/batch_signature.ts";
import { parseSigningKey, type SigningKey } from "../trust/signing.ts";

/** What a submission is signed with. */
export interface Signer {
  /** The operator's key. */
  readonly key: SigningKey;
  /** For the time of issue. */
  readonly clock: Pick<Clock, "wallMs">;
  /** For the id. */
  readonly random: Random;
}

/** What is signed of a submission. */
export interface Signable
  extends Pick<Submission, "target" | "expiresInMs" | "body" | "limit" | "rollout"> {
  /** The name of the node that will be the origin: nobody else can send it as theirs. */
  readonly node: string;
}

/** Signs a submission; what comes out holds for it alone. */
export function signSubmission(
  submission: Signable,
  { key, clock, random }: Signer,
): NonNullable<Submission["signed"]> {
  const { node, target, expiresInMs, body, limit, rollout } = submission;
  const issuedAtMs = Math.floor(clock.wallMs());
  const id = newBatchId({ wallMs: issuedAtMs, random });
  const data = signedBytes({
    ...{ id, issuedAtMs, target, body },
    origin: { name: node },
    expiresAtMs: expiresInMs === 0 ? 0 : issuedAtMs + expiresInMs,
    held: limit !== undefined || rollout !== undefined,
  });
  return { id, issuedAtMs, signature: signBatch(data, key) };
}

/** What signs as `-sign` says; undefined where it is not given. Raises `UsageError`. */
export async function signerOf(context: {
  readonly settings: { readonly signKeyFile?: string };
  readonly readSecret: (path: string) => Promise<string>;
  readonly clock: Pick<Clock, "wallMs">;
  readonly random: Random;
}): Promise<Signer | undefined> {
  const { settings: { signKeyFile }, readSecret, clock, random } = context;
  if (signKeyFile === undefined) return undefined;
  try {
    const text = await readSecret(signKeyFile);
    return { key: parseSigningKey(text, { source: signKeyFile }), clock, random };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`flag -sign: ${error.message}`, { cause: error });
  }
}
