/**
 * The command `keygen`: generates a cluster key, or a key that signs batches.
 * @module
 */
import { Buffer } from "node:buffer";
import { fingerprintOf } from "../../encryption_key.ts";
import { EXIT_STATUS } from "../../errors.ts";
import { formatAllowedSigner } from "../../trust/allowed_signers.ts";
import { generateSigningKey, parseSigningKey } from "../../trust/signing.ts";
import { outputNamed } from "../outputs/registry.ts";
import type { CommandContext } from "./context.ts";

/** AES-256. */
const CLUSTER_KEY_BYTES = 32;

/** Generates a key. Returns the exit status; raises `UsageError` if its file cannot be created. */
export function keygen(context: CommandContext): Promise<number> {
  const { settings: { signKeyFile, outFile, output, signerName }, printError, random } = context;
  const file = outFile === "-" ? undefined : outFile;
  const format = outputNamed(output);
  const made = signKeyFile === undefined
    ? clusterKey(random.bytes(CLUSTER_KEY_BYTES))
    : signingKey(signerName);
  if (file !== undefined) context.createSecret(file, made.text);
  context.print(format.write({ type: "key_made", file, ...made }, context));
  // On stderr, so that stdout holds only the private key and can be redirected to a key file.
  if (made.trusted !== undefined && file === undefined) printError(`${made.trusted}\n`);
  return Promise.resolve(EXIT_STATUS.ok);
}

interface MadeKey {
  readonly text: string;
  readonly fingerprint?: string;
  readonly trusted?: string;
}

function clusterKey(key: Uint8Array): MadeKey {
  return { text: `${Buffer.from(key).toString("base64")}\n`, fingerprint: fingerprintOf(key) };
}

function signingKey(name: string): MadeKey {
  const text = generateSigningKey();
  const { publicKey } = parseSigningKey(text, { source: "the new key" });
  return { text, trusted: formatAllowedSigner({ name, publicKey }) };
}
