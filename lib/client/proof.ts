/**
 * Proofs that an end knows the token: an HMAC-SHA256 with the token as its key, over the role of the
 * prover, both nonces and the other texts of its hello. So neither end's proof works as the other's,
 * none works twice, and a relay cannot change a hello.
 * @module
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Buffer } from "node:buffer";

/** The token and the nonces of a connection. */
export interface SessionSecrets {
  /** The shared token. */
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
  /** The end that proves. */
  readonly prover: ClientEnd;
  /** The other texts of the prover's hello, in order. */
  readonly said?: readonly (string | undefined)[];
}

/** A proof, 32 bytes long. */
export function proofOf(input: ProofInput): Uint8Array {
  return new Uint8Array(digest(input));
}

/** Whether a proof is right, compared in constant time. */
export function isProof(proof: Uint8Array | undefined, input: ProofInput): boolean {
  return proof !== undefined && areEqual(proof, digest(input));
}

/** Whether two codes are equal, compared in constant time. */
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
