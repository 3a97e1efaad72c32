/**
 * Signers of batches, and batches signed by them.
 * @module
 */
import { join } from "@std/path";
import { encodeBody } from "../../lib/batch/body.ts";
import { DenoRandom } from "../../lib/deno/runtime.ts";
import { createSecretFile } from "../../lib/deno/secret_file.ts";
import { newBatchId } from "../../lib/batch/id.ts";
import type { Batch } from "../../lib/batch/batch.ts";
import { formatAllowedSigner } from "../../lib/trust/allowed_signers.ts";
import { signBatch } from "../../lib/trust/batch_signature.ts";
import { type BatchChanges, makeBatch } from "./batches.ts";
import { generateSigningKey, parseSigningKey, type SigningKey } from "../../lib/trust/signing.ts";

/** A person with a signing key. */
export interface TestSigner {
  readonly name: string;
  /** The file of the private key, for `gcheck -sign`. */
  readonly keyFile: string;
  /** The line for a file of trusted keys. */
  readonly trustedLine: string;
  /** The text of the private key, to search for leaks. */
  readonly secret: string;
  readonly key: SigningKey;
}

/** Generates a signer, with the key file in `folder`. */
export function newSigner(name: string, { folder }: { folder: string }): TestSigner {
  const secret = generateSigningKey();
  const keyFile = join(folder, `${name}.key`);
  createSecretFile(keyFile, secret);
  const key = parseSigningKey(secret, { source: name });
  const trustedLine = formatAllowedSigner({ name, publicKey: key.publicKey });
  return { name, keyFile, trustedLine, secret, key };
}

/** Options of a test's batch. */
export type BatchFields = Omit<BatchChanges, "signature"> & { readonly origin: Batch["origin"] };

/** A batch with one check that fails on every node and has the action `command`. */
export function batchRunning(command: string, fields: BatchFields): Batch {
  const issuedAtMs = fields.issuedAtMs ?? Date.now();
  const check = {
    ...{ name: "forged", type: "file_exists", fields: { path: "/nowhere/at/all" } },
    ...{ action: command, actionTimeoutMs: 60_000 },
  };
  return makeBatch({
    id: newBatchId({ wallMs: issuedAtMs, random: new DenoRandom() }),
    issuedAtMs,
    expiresAtMs: issuedAtMs + 3_600_000,
    body: encodeBody({ type: "checks", checks: [check] }),
    ...fields,
  });
}

/** Signs a batch. */
export function signedBy(signer: TestSigner, batch: Batch): Batch {
  return { ...batch, signature: signBatch(batch.content, signer.key) };
}
