/**
 * Proofs that an end knows the token: HMAC-SHA256 under the token of who proves it and of both
 * nonces, so that neither end's proof serves as the other's and none serves twice.
 * @module
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Buffer } from "node:buffer";

/** What goes into a proof. */
export interface ProofInput {
  /** The shared secret. */
  readonly token: Uint8Array;
  /** Who proves. */
  readonly prover: "gcheck" | "daemon";
  /** From `gcheck`'s hello. */
  readonly clientNonce: Uint8Array;
  /** From the daemon's hello. */
  readonly daemonNonce: Uint8Array;
}

/** The 32 bytes that prove it. */
export function proofOf(input: ProofInput): Uint8Array {
  return new Uint8Array(digest(input));
}

/** Whether `proof` is right, in a time that does not depend on where it is wrong. */
export function isProof(proof: Uint8Array | undefined, input: ProofInput): boolean {
  const expected = digest(input);
  return proof !== undefined && proof.length === expected.length &&
    timingSafeEqual(proof, expected);
}

function digest(input: ProofInput): Buffer {
  const hmac = createHmac("sha256", input.token);
  hmac.update(`gossipcheck client proof 1 ${input.prover}\0`);
  // Both nonces have one length, held by whoever reads a hello, so the parts cannot shift.
  return hmac.update(input.clientNonce).update(input.daemonNonce).digest();
}
