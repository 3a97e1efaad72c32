/**
 * Changes of the cluster's encryption keys while it runs: the operation that a batch's body holds,
 * and the keys that a node's report lists.
 * @module
 */
import { isFingerprint, KEY_SIZES } from "../encryption_key.ts";
import { bytes, checked, type Codec, malformed, taggedRow, text } from "../msgpack_codec.ts";

/**
 * What every node is to do with its keyring. `install`: keep a key of 16, 24 or 32 bytes, to decrypt
 * with. `use`: encrypt with a key that is installed. `remove`: forget a key that is not encrypted
 * with. `list`: report which keys there are.
 */
export type KeyOperation =
  | { readonly type: "install"; readonly key: Uint8Array }
  | { readonly type: "use"; readonly fingerprint: string }
  | { readonly type: "remove"; readonly fingerprint: string }
  | { readonly type: "list" };

/** The keys of one node, by fingerprint. */
export interface KeyListing {
  /** The key that it encrypts with. */
  readonly primary: string;
  /** All keys that it decrypts with, the primary one included. */
  readonly held: readonly string[];
}

/** Keys in a listing; a keyring file may hold more than operations fill it with. */
export const KEYS_LISTED_MAX = 1_000;

const FINGERPRINT_MAX_BYTES = 64;
const KEY_MAX_BYTES = Math.max(...KEY_SIZES);

/** A key's fingerprint as it travels. */
export const FINGERPRINT: Codec<string> = checked(
  text({ max: FINGERPRINT_MAX_BYTES }),
  (name, at) => {
    if (!isFingerprint(name)) throw malformed(at, "a fingerprint of 16 hex digits");
    return name;
  },
);

/** A key operation as it travels in a batch's body. */
export const KEY_OPERATION: Codec<KeyOperation> = taggedRow<KeyOperation, "type">("type", {
  install: {
    key: checked(bytes({ max: KEY_MAX_BYTES }), (key, at) => {
      if (!KEY_SIZES.includes(key.length)) {
        throw malformed(at, `a key of ${KEY_SIZES.join(", ")} bytes`);
      }
      return new Uint8Array(key);
    }),
  },
  use: { fingerprint: FINGERPRINT },
  remove: { fingerprint: FINGERPRINT },
  list: {},
});
