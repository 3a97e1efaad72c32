/**
 * Authorization of batches by their signature: if the node has trusted keys, a batch must be signed by
 * one of them and be valid by this node's clock.
 * @module
 */
import { formatDuration } from "../duration.ts";
import type { Batch } from "../batch/batch.ts";
import { SIGNED_CLOCK_TOLERANCE_MS } from "../limits.ts";
import { inFlag } from "../flag_errors.ts";
import type { Clock } from "../runtime.ts";
import { type AllowedSigner, fingerprint, parseAllowedSigners } from "./allowed_signers.ts";
import { readBatchSignature } from "./batch_signature.ts";
import { verifySignature } from "./signing.ts";

/** What a `TrustGate` is made of. */
export interface TrustGateOptions {
  /** The file of `-trusted-keys`; undefined if every batch is accepted. */
  readonly file: string | undefined;
  /** Reads it; raises `UsageError`. */
  readonly readRulesFile: (path: string) => string;
  /** Signed batches are valid for a time. */
  readonly clock: Clock;
}

/** The judgement on a batch. */
export interface Verdict {
  /** Why it is refused; absent if it is accepted. */
  readonly refusal?: string;
  /** The name of the trusted key that signed it, verified. */
  readonly signer?: string;
}

/** Judges batches by the trusted keys as they were last read. */
export class TrustGate {
  readonly #options: TrustGateOptions;
  #signers: readonly AllowedSigner[] | undefined;

  /** Reads the file. Raises `UsageError` that names it. */
  constructor(options: TrustGateOptions) {
    this.#options = options;
    this.reload();
  }

  /** How many keys are trusted; undefined if every batch is accepted. */
  get size(): number | undefined {
    return this.#signers?.length;
  }

  /** Reads the file again. Raises `UsageError` that names it; the keys then stay as they were. */
  reload(): void {
    const { file, readRulesFile } = this.#options;
    if (file === undefined) return;
    this.#signers = inFlag(
      "-trusted-keys",
      () => parseAllowedSigners(readRulesFile(file), { source: file }),
    );
  }

  /** Whether a batch is accepted, and which key signed it. */
  judge(batch: Batch): Verdict {
    const signers = this.#signers;
    if (signers === undefined) return {};
    const { file = "" } = this.#options;
    const keys = `a key in this node's trusted keys (${file})`;
    if (batch.signature.length === 0) return { refusal: `it is not signed by ${keys}` };
    const read = readBatchSignature(batch.signature);
    if (read === undefined) return { refusal: "its signature is of a form that is not known here" };
    const signer = signers.find(({ publicKey }) => equal(publicKey, read.publicKey));
    if (signer === undefined) {
      return { refusal: `its signer, ${fingerprint(read.publicKey)}, is not ${keys}` };
    }
    if (!verifySignature(batch.content, read)) {
      const claimed = JSON.stringify(signer.name);
      return { refusal: `it is not what was signed: the signature that names ${claimed} is false` };
    }
    const refusal = this.#untimely(batch);
    return { signer: signer.name, ...(refusal === undefined ? {} : { refusal }) };
  }

  /** The name of the key that an accepted batch is signed by. */
  signerOf(batch: Batch): string | undefined {
    const read = readBatchSignature(batch.signature);
    return read &&
      this.#signers?.find(({ publicKey }) => equal(publicKey, read.publicKey))?.name;
  }

  /** A signature is valid for a time by this node's clock, so that it cannot be replayed later. */
  #untimely({ issuedAtMs, expiresAtMs }: Batch): string | undefined {
    const nowMs = this.#options.clock.wallMs();
    const aheadMs = issuedAtMs - nowMs;
    if (aheadMs > SIGNED_CLOCK_TOLERANCE_MS) {
      return `by this node's clock it was signed ${seconds(aheadMs)} from now: ` +
        `this clock and the signer's differ by that; maximum ` +
        formatDuration(SIGNED_CLOCK_TOLERANCE_MS);
    }
    if (expiresAtMs === 0 || nowMs < expiresAtMs) return undefined;
    return `by this node's clock its signature expired ${seconds(nowMs - expiresAtMs)} ago: ` +
      `it was signed ${seconds(nowMs - issuedAtMs)} ago to hold for ` +
      `${formatDuration(expiresAtMs - issuedAtMs)}; send it anew, or set the clock that is off`;
  }
}

function seconds(durationMs: number): string {
  return formatDuration(Math.ceil(durationMs / 1000) * 1000);
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
