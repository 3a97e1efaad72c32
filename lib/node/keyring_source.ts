/**
 * The cluster's keys, from the flags and the file that they name, and the envelope made with them.
 * @module
 */
import { parseKey } from "../encryption_key.ts";
import { UsageError } from "../errors.ts";
import { inFlag, withSource } from "../flag_errors.ts";
import { Envelope } from "../wire/envelope.ts";
import { Keyring, parseKeyringFile } from "../wire/keyring.ts";
import type { NodeRuntime, NodeSettings } from "./settings.ts";

/**
 * The envelope of a node: its label, and its keys if it has any. Raises `UsageError` on bad keys and
 * on a label that is too long.
 */
export function clusterEnvelope(
  settings: Pick<NodeSettings, "label" | "encryptionKey" | "keyringFile" | "plaintext">,
  runtime: Pick<NodeRuntime, "readSecretFile" | "random">,
): Envelope {
  const { label, plaintext = "refuse" } = settings;
  const { random } = runtime;
  return new Envelope({
    label,
    keyring: clusterKeyring(settings, runtime),
    acceptPlaintext: plaintext !== "refuse",
    sendPlaintext: plaintext === "send",
    random,
    compress: true,
  });
}

/** The keyring; undefined if the flags name no key. Raises `UsageError` that never contains a key. */
export function clusterKeyring(
  settings: Pick<NodeSettings, "encryptionKey" | "keyringFile">,
  runtime: Pick<NodeRuntime, "readSecretFile">,
): Keyring | undefined {
  const { encryptionKey, keyringFile } = settings;
  if (encryptionKey !== undefined) {
    return inFlag("-encrypt", () => new Keyring({ keys: [parseKey(encryptionKey)] }));
  }
  if (keyringFile === undefined) return undefined;
  return inFlag("-keyring-file", () =>
    withSource(keyringFile, () => {
      const text = runtime.readSecretFile(keyringFile);
      if (text === undefined) throw new UsageError("there is no such file");
      return new Keyring({ keys: parseKeyringFile(text) });
    }));
}
