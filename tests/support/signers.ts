/**
 * People who sign batches, and batches that they have signed.
 * @module
 */
import { join } from "@std/path";
import { encodeChecks } from "../../lib/checks/codec.ts";
import { DenoRandom } from "../../lib/deno/runtime.ts";
import { createSecretFile } from "../../lib/deno/secret_file.ts";
import { signedBytes } from "../../lib/gossip/codec.ts";
import { newBatchId } from "../../lib/batch/id.ts";
import type { Batch } from "../../lib/gossip/types.ts";
import { formatAllowedSigner } from "../../lib/trust/allowed_signers.ts";
import { signBatch } from "../../lib/trust/batch_signature.ts";
import { generateSigningKey, parseSigningKey, type SigningKey } from "../../lib/trust/signing.ts";

/** Somebody with a key of their own. */
export interface TestSigner {
  /** Their name. */
  readonly name: string;
  /** The file of their private key, for `gcheck -sign`. */
  readonly keyFile: string;
  /** Their line in a file of trusted keys. */
  readonly trustedLine: string;
  /** The text of the private key, to be looked for where it must not be. */
  readonly secret: string;
  /** The key. */
  readonly key: SigningKey;
}

/** Makes somebody, with the key in `folder`. */
export function newSigner(name: string, { folder }: { folder: string }): TestSigner {
  const secret = generateSigningKey();
  const keyFile = join(folder, `${name}.key`);
  createSecretFile(keyFile, secret);
  const key = parseSigningKey(secret, { source: name });
  const trustedLine = formatAllowedSigner({ name, publicKey: key.publicKey });
  return { name, keyFile, trustedLine, secret, key };
}

/** What a test's batch is to be; the rest is as an operator would have it. */
export type BatchFields = Partial<Omit<Batch, "signature">> & { readonly origin: Batch["origin"] };

/** A batch of one check that fails everywhere and whose action is `command`. */
export function batchRunning(command: string, fields: BatchFields): Omit<Batch, "signature"> {
  const issuedAtMs = fields.issuedAtMs ?? Date.now();
  const check = {
    ...{ name: "forged", type: "file_exists", fields: { path: "/nowhere/at/all" } },
    ...{ action: command, actionTimeoutMs: 60_000 },
  };
  return {
    id: newBatchId({ wallMs: issuedAtMs, random: new DenoRandom() }),
    issuedAtMs,
    expiresAtMs: issuedAtMs + 3_600_000,
    target: {},
    held: false,
    body: encodeChecks([check]),
    ...fields,
  };
}

/** The batch, signed. */
export function signedBy(signer: TestSigner, batch: Omit<Batch, "signature">): Batch {
  return { ...batch, signature: signBatch(signedBytes(batch), signer.key) };
}
