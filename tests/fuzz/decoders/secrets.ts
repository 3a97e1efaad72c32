/** Decoders of keys and of files about trust. @module */
import { encode } from "@std/msgpack";
import { UsageError } from "../../../lib/errors.ts";
import { type BatchBody, decodeBody, encodeBody } from "../../../lib/batch/body.ts";
import { WireError } from "../../../lib/errors.ts";
import { formatAllowedSigner, parseAllowedSigners } from "../../../lib/trust/allowed_signers.ts";
import { parseToken } from "../../../lib/trust/token.ts";
import { parseAllowedActions } from "../../../lib/trust/policy.ts";
import { generateSigningKey, parseSigningKey } from "../../../lib/trust/signing.ts";
import { parseKeyringFile } from "../../../lib/wire/keyring.ts";
import { KEY_OPERATIONS } from "../../support/check_samples.ts";
import { type Subject, subject } from "../subject.ts";
import { MSGPACK_COSTLY } from "../msgpack_mutations.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const SOURCE = { source: "file" };
const SECRET = "c2VjcmV0IG9mIHNpeHRlZW4=";

/** A key that can be read, so that it shows wherever it is repeated. */
const KEY_TEXT = "zyxwvutsrqponmlkjihgfedcba-98765";
const KEY = encoder.encode(KEY_TEXT);
/** A piece of a key as long as this does not stand in an error by chance. */
const LEAK_LENGTH = 6;

const KEY_CHANGES: readonly BatchBody[] = [16, 24, 32].map((size): BatchBody => ({
  type: "keys",
  operation: { type: "install", key: KEY.slice(0, size) },
})).concat(
  Object.values(KEY_OPERATIONS).filter(({ type }) => type !== "install")
    .map((operation) => ({ type: "keys", operation })),
);

/** Every piece of that length of the key, as text, hex, base64 and numbers. */
const PIECES = [KEY_TEXT, KEY.toHex(), KEY.toBase64(), KEY.join(",")].flatMap((form) =>
  Array.from({ length: form.length + 1 - LEAK_LENGTH }, (_, at) => form.slice(at, at + LEAK_LENGTH))
);

/** Reads a change of keys; raises another error if what is wrong with one repeats its key. */
function decodeKeyChange(bytes: Uint8Array): BatchBody {
  try {
    return decodeBody(bytes);
  } catch (error) {
    const { message, cause } = error as Error;
    const leak = PIECES.find((piece) => message.includes(piece));
    if (leak !== undefined || cause !== undefined) {
      throw new Error(`an error repeats ${leak ?? "its cause"}: ${message}`);
    }
    throw error;
  }
}

/** All of them. */
export const SECRET_DECODERS: readonly Subject[] = [
  subject({
    name: "keyring files",
    form: "text",
    samples: [
      `["${btoa("sixteen bytes ab")}"]`,
      `[\n  "${btoa("k".repeat(32))}",\n  "${btoa("l".repeat(24))}"\n]\n`,
    ].map((text) => encoder.encode(text)),
    decode: (bytes) => parseKeyringFile(decoder.decode(bytes)),
    again: (keys) => parseKeyringFile(JSON.stringify(keys.map((key) => key.toBase64()))),
    errors: [UsageError],
    costly: {
      "texts that are no key": (bytes) => encoder.encode(`["${"=".repeat(bytes)}"]`),
      "many keys": (bytes) =>
        encoder.encode(`[${Array(Math.floor(bytes / 27)).fill(`"${SECRET}"`).join(",")}]`),
    },
  }),
  subject({
    name: "files of allowed signers",
    form: "text",
    samples: [
      formatAllowedSigner({ name: "alice", publicKey: new Uint8Array(32).fill(1) }),
      `# who may\n\n${
        ["bob", "carol"].map((name) =>
          formatAllowedSigner({ name, publicKey: new Uint8Array(32).fill(name.length) })
        ).join(" laptop\r\n")
      }\n`,
    ].map((text) => encoder.encode(text)),
    decode: (bytes) => parseAllowedSigners(decoder.decode(bytes), SOURCE),
    again: (signers) => parseAllowedSigners(signers.map(formatAllowedSigner).join("\n"), SOURCE),
    errors: [UsageError],
    costly: {
      "empty lines": (bytes) => encoder.encode("\r\n".repeat(bytes / 2)),
      "words on one line": (bytes) => encoder.encode("a ".repeat(bytes / 2)),
    },
  }),
  subject({
    name: "files of allowed actions",
    form: "text",
    samples: [encoder.encode("# mend\nservice nginx restart\n\n touch a\necho é\n")],
    decode: (bytes) => parseAllowedActions(decoder.decode(bytes), SOURCE),
    again: (commands) => parseAllowedActions([...commands].join("\n"), SOURCE),
    errors: [UsageError],
  }),
  subject({
    name: "files of signing keys",
    form: "text",
    samples: [encoder.encode(generateSigningKey())],
    decode: (bytes) => ({ publicKey: parseSigningKey(decoder.decode(bytes), SOURCE).publicKey }),
    errors: [UsageError],
  }),
  subject({
    name: "changes of keys",
    form: "msgpack",
    samples: KEY_CHANGES.map(encodeBody),
    regressions: {
      "a key that is too short": encode(["keys", ["install", KEY.slice(1)]]),
      "a key that is too long": encode(["keys", ["install", new Uint8Array([...KEY, ...KEY])]]),
      "a key as text": encode(["keys", ["install", KEY_TEXT]]),
      "a key in place of its fingerprint": encode(["keys", ["use", KEY_TEXT]]),
      "a key in place of the step": encode(["keys", [KEY_TEXT, KEY]]),
      "a key in place of the body's type": encode([KEY_TEXT, KEY]),
      "a key behind the body": new Uint8Array([...encode(["keys", ["list"]]), ...encode(KEY)]),
      // The prototype's key makes the decoder itself give up.
      "a key where the decoder gives up": encode(["keys", ["install", { ["__proto__"]: KEY }]]),
    },
    decode: decodeKeyChange,
    again: (body) => decodeBody(encodeBody(body)),
    errors: [WireError],
    costly: MSGPACK_COSTLY,
  }),
  subject({
    name: "files of tokens",
    form: "text",
    samples: ["0123456789abcdef".repeat(4), `${"AF".repeat(32)}\n`].map((text) =>
      encoder.encode(text)
    ),
    decode: (bytes) => parseToken(decoder.decode(bytes), SOURCE),
    again: (token) => parseToken(token.toHex(), SOURCE),
    errors: [UsageError],
    costly: { "spaces": (bytes) => encoder.encode(" ".repeat(bytes)) },
  }),
];
