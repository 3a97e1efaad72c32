/** Decoders of keys and of files about trust. @module */
import { UsageError } from "../../../lib/errors.ts";
import {
  decodeKeyOperation,
  encodeKeyOperation,
  type KeyOperation,
} from "../../../lib/batch/key_operation.ts";
import { WireError } from "../../../lib/errors.ts";
import { formatAllowedSigner, parseAllowedSigners } from "../../../lib/trust/allowed_signers.ts";
import { parseToken } from "../../../lib/trust/token.ts";
import { parseAllowedActions } from "../../../lib/trust/policy.ts";
import { generateSigningKey, parseSigningKey } from "../../../lib/trust/signing.ts";
import { parseKeyringFile } from "../../../lib/wire/keyring.ts";
import { type Subject, subject } from "../subject.ts";
import { MSGPACK_COSTLY } from "../msgpack_mutations.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const SOURCE = { source: "file" };
const SECRET = "c2VjcmV0IG9mIHNpeHRlZW4=";

const OPERATIONS: Readonly<Record<KeyOperation["type"], KeyOperation>> = {
  install: { type: "install", key: new Uint8Array(32).fill(3) },
  use: { type: "use", fingerprint: "0123456789abcdef" },
  remove: { type: "remove", fingerprint: "0123456789abcdef" },
  list: { type: "list" },
};

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
    samples: Object.values(OPERATIONS).map(encodeKeyOperation),
    decode: decodeKeyOperation,
    again: (operation) => operation && decodeKeyOperation(encodeKeyOperation(operation)),
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
