/**
 * Proofs that an end knows the token: HMAC-SHA256 under the token of who proves it, of both nonces
 * and of what else the prover said, so that neither end's proof serves as the other's, none serves
 * twice, and nobody in the middle changes a word.
 * @module
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Buffer } from "node:buffer";

/** The secret and what is unlike in each connection. */
export interface SessionSecrets {
  /** The shared secret. */
  readonly token: Uint8Array;
  /** From `gcheck`'s hello. */
  readonly clientNonce: Uint8Array;
  /** From the daemon's hello. */
  readonly daemonNonce: Uint8Array;
}

/** An end of a connection. */
export type ClientEnd = "gcheck" | "daemon";

/** What goes into a proof. */
export interface ProofInput extends SessionSecrets {
  /** Who proves. */
  readonly prover: ClientEnd;
  /** The other texts of the prover's hello, in their order. */
  readonly said?: readonly (string | undefined)[];
}

/** The 32 bytes that prove it. */
export function proofOf(input: ProofInput): Uint8Array {
  return new Uint8Array(digest(input));
}

/** Whether `proof` is right, in a time that does not depend on where it is wrong. */
export function isProof(proof: Uint8Array | undefined, input: ProofInput): boolean {
  return proof !== undefined && areEqual(proof, digest(input));
}

/** Whether two codes are the same, in a time that does not depend on where they differ. */
export function areEqual(code: Uint8Array, expected: Uint8Array): boolean {
  return code.length === expected.length && timingSafeEqual(code, expected);
}

function digest(input: ProofInput): Buffer {
  const hmac = createHmac("sha256", input.token);
  hmac.update(`gossipcheck client proof 2 ${input.prover}\0`);
  // Both nonces have one length, held by whoever reads a hello, so the parts cannot shift; JSON
  // keeps the texts apart.
  hmac.update(input.clientNonce).update(input.daemonNonce);
  return hmac.update(JSON.stringify((input.said ?? []).map((text) => text ?? null))).digest();
}
