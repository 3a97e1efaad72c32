/**
 * The cluster's keys, from the flags and the file that they name.
 * @module
 */
import { parseKey } from "../encryption_key.ts";
import { UsageError } from "../errors.ts";
import { Keyring, parseKeyringFile } from "../wire/keyring.ts";
import type { DaemonRuntime, NodeSettings } from "../daemon/settings.ts";

/** The keyring, or none where the flags name no key. Raises `UsageError` that never repeats a key. */
export function clusterKeyring(
  settings: Pick<NodeSettings, "encryptionKey" | "keyringFile">,
  runtime: Pick<DaemonRuntime, "readSecretFile">,
): Keyring | undefined {
  const { encryptionKey, keyringFile } = settings;
  if (encryptionKey !== undefined) {
    return named("flag -encrypt", () => new Keyring({ keys: [parseKey(encryptionKey)] }));
  }
  if (keyringFile === undefined) return undefined;
  return named(`flag -keyring-file: ${keyringFile}`, () => {
    const text = runtime.readSecretFile(keyringFile);
    if (text === undefined) throw new UsageError("there is no such file");
    return new Keyring({ keys: parseKeyringFile(text) });
  });
}

function named(where: string, read: () => Keyring): Keyring {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${where}: ${error.message}`, { cause: error });
  }
}
