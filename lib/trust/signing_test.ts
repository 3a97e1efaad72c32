import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { UsageError } from "../errors.ts";
import { fingerprint, formatAllowedSigner, parseAllowedSigners } from "./allowed_signers.ts";
import { generateSigningKey, parseSigningKey, verifySignature } from "./signing.ts";

const DATA = new TextEncoder().encode("what was sent");

Deno.test("a signature holds for its own key and data alone", () => {
  const key = parseSigningKey(generateSigningKey(), { source: "key" });
  const other = parseSigningKey(generateSigningKey(), { source: "key" });
  const signature = key.sign(DATA);
  assert(verifySignature(DATA, { publicKey: key.publicKey, signature }));
  assert(!verifySignature(DATA, { publicKey: other.publicKey, signature }));
  for (let bit = 0; bit < DATA.length * 8; bit++) {
    const changed = DATA.slice();
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert(!verifySignature(changed, { publicKey: key.publicKey, signature }));
  }
  for (const length of [0, 63, 65]) {
    assert(
      !verifySignature(DATA, { publicKey: key.publicKey, signature: new Uint8Array(length) }),
    );
  }
});

Deno.test("a key file that is none is refused without quoting it", () => {
  for (
    const text of ["", "SECRET", "-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----"]
  ) {
    const error = assertThrows(() => parseSigningKey(text, { source: "my.key" }), UsageError);
    assertMatch(error.message, /^my\.key is not an Ed25519 private key/);
    assert(!error.message.includes("SECRET"));
    assertEquals(error.cause, undefined);
  }
});

Deno.test("a line of allowed signers is read as it was written", () => {
  const key = parseSigningKey(generateSigningKey(), { source: "key" });
  const line = formatAllowedSigner({ name: "alice@ops", publicKey: key.publicKey });
  assertMatch(line, /^alice@ops ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43}$/);
  const text = `# who may\n\n${line} her laptop\r\n`;
  assertEquals(parseAllowedSigners(text, { source: "file" }), [
    { name: "alice@ops", publicKey: key.publicKey },
  ]);
});

Deno.test("bad lines of allowed signers are refused with their number", () => {
  const good = formatAllowedSigner({ name: "a", publicKey: new Uint8Array(32) });
  const cases: [string, RegExp][] = [
    ["# nobody\n", /^f names no key/],
    [`${good}\nbob ssh-rsa AAAA`, /^f line 2 is not/],
    [`${good}\nbob`, /^f line 2 is not/],
    [`bob cert-authority ${good}`, /^f line 1 is not/],
    [good.slice(0, -4), /^f line 1 holds no whole/],
    [`${good}AAAA`, /^f line 1 holds no whole/],
    [good.replace("AAAAC3", "AAAAD3"), /^f line 1 holds no whole/],
  ];
  for (const [text, expected] of cases) {
    const error = assertThrows(() => parseAllowedSigners(text, { source: "f" }), UsageError);
    assertMatch(error.message, expected);
  }
});

Deno.test("a fingerprint is the one that ssh-keygen -l shows", () => {
  const [signer] = parseAllowedSigners(
    "x ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID1dVfKovzcLnuytjaaO7poqiWznoJYn/8L6MsUnd429",
    { source: "file" },
  );
  assert(signer !== undefined);
  assertEquals(
    fingerprint(signer.publicKey),
    "SHA256:DNOz9dpjtgWI0Oe2UdIy1cLybIrjmKvrPo9aSojlNPU",
  );
});
