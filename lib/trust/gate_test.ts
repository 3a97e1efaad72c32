import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { encode, type ValueType } from "@std/msgpack";
import { makeBatch } from "../../tests/support/batches.ts";
import { type Batch, batchOf } from "../batch/batch.ts";
import { UsageError } from "../errors.ts";
import { decode } from "../std/msgpack_decode.ts";
import { formatAllowedSigner } from "./allowed_signers.ts";
import { signBatch } from "./batch_signature.ts";
import { generateSigningKey, parseSigningKey, type SigningKey } from "./signing.ts";
import { TrustGate } from "./gate.ts";

const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);
const MINUTE_MS = 60_000;

const UNSIGNED = makeBatch({
  id: "01M87TTH1KRSWHYDHYA51ZA34N",
  origin: { name: "first", address: { host: "192.0.2.1", port: 3505 } },
  issuedAtMs: NOW_MS - MINUTE_MS,
  expiresAtMs: NOW_MS + 59 * MINUTE_MS,
  target: { tags: [{ key: "role", equal: true, value: "web" }], nodes: ["web-*"] },
  held: false,
  body: Uint8Array.of(1, 2, 3),
});

function newKey(): SigningKey {
  return parseSigningKey(generateSigningKey(), { source: "key" });
}

const ALICE = newKey();

function signed(changes: Partial<Batch> = {}, key = ALICE): Batch {
  const batch = makeBatch({ ...UNSIGNED, ...changes });
  return { ...batch, signature: signBatch(batch.content, key) };
}

function bench(options: { text?: string; offMs?: number } = {}) {
  const files = {
    keys: options.text ?? formatAllowedSigner({ name: "alice", publicKey: ALICE.publicKey }),
  };
  const wallMs = () => NOW_MS + (options.offMs ?? 0);
  const gate = new TrustGate({
    file: "keys",
    readRulesFile: () => files.keys,
    clock: { nowMs: () => 0, wallMs },
  });
  return { gate, files };
}

Deno.test("without trusted keys every batch is let in, signed or not", () => {
  const clock = { nowMs: () => 0, wallMs: () => NOW_MS };
  const gate = new TrustGate({ file: undefined, readRulesFile: () => "", clock });
  for (const batch of [UNSIGNED, signed(), { ...UNSIGNED, signature: Uint8Array.of(1) }]) {
    assertEquals(gate.judge(batch), {});
  }
  assertEquals(gate.size, undefined);
});

Deno.test("a batch that a trusted key signed is let in under the key's name", () => {
  const { gate } = bench();
  assertEquals(gate.judge(signed()), { signer: "alice" });
  assertEquals(gate.signerOf(signed()), "alice");
  assertEquals(gate.size, 1);
});

Deno.test("an unsigned batch, another's and a strange signature are refused", () => {
  const { gate } = bench();
  const stranger = signed({}, newKey());
  const cases: [Batch, RegExp][] = [
    [UNSIGNED, /^it is not signed by a key in this node's trusted keys \(keys\)$/],
    [stranger, /^its signer, SHA256:[\w+/]{43}, is not a key in this node's trusted keys/],
    [{ ...UNSIGNED, signature: new Uint8Array(95) }, /^its signature is of a form/],
  ];
  for (const [batch, expected] of cases) {
    const { refusal, signer } = gate.judge(batch);
    assertMatch(refusal ?? "", expected);
    assertEquals(signer, undefined);
  }
});

Deno.test("a signed batch with any of its fields changed is refused", () => {
  const { gate } = bench();
  const batch = signed();
  const changes: { [Field in Exclude<keyof Batch, "content" | "signature">]: Batch[Field][] } = {
    id: ["01M87TTH1KRSWHYDHYA51ZA34P"],
    origin: [{ ...batch.origin, name: "second" }],
    issuedAtMs: [batch.issuedAtMs + 1],
    expiresAtMs: [batch.expiresAtMs + 1, 0],
    target: [
      {},
      { nodes: ["web-*"] },
      { tags: [{ key: "role", equal: true, value: "web" }] },
      { ...batch.target, nodes: ["*"] },
      { ...batch.target, tags: [{ key: "role", equal: false, value: "web" }] },
      { ...batch.target, tags: [{ key: "role", equal: true, value: "db" }] },
      { ...batch.target, tags: [{ key: "zone", equal: true, value: "web" }] },
    ],
    held: [true],
    body: [Uint8Array.of(1, 2, 4), Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3, 0)],
  };
  for (const [field, values] of Object.entries(changes)) {
    for (const value of values) {
      const { refusal, signer } = gate.judge(makeBatch({ ...batch, [field]: value }));
      assertMatch(refusal ?? "", /^it is not what was signed: .* "alice" is false$/, field);
      assertEquals(signer, undefined);
    }
  }
  for (const part of ["content", "signature"] as const) {
    for (let bit = 0; bit < batch[part].length * 8; bit++) {
      const bytes = batch[part].slice();
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const { refusal } = gate.judge({ ...batch, [part]: bytes });
      assert(refusal !== undefined, `bit ${bit} of the ${part}`);
    }
  }
});

Deno.test("what a later version has put into a batch is signed too", () => {
  const { gate } = bench();
  const later = (what: string): Batch => {
    const content = encode([...decode(UNSIGNED.content) as ValueType[], what]);
    const { address } = UNSIGNED.origin;
    return batchOf({ content, address, signature: signBatch(content, ALICE) });
  };
  assertEquals(gate.judge(later("once a day")), { signer: "alice" });
  const { content } = later("once a minute");
  assertMatch(
    gate.judge({ ...later("once a day"), content }).refusal ?? "",
    /^it is not what was signed/,
  );
});

Deno.test("the origin's address may change, as it does when that node moves", () => {
  const batch = signed();
  const moved = { name: "first", address: { host: "198.51.100.7", port: 1 } };
  assertEquals(bench().gate.judge({ ...batch, origin: moved }), { signer: "alice" });
});

Deno.test("an expired signature is refused, and says by how much", () => {
  const batch = signed();
  assertEquals(bench({ offMs: 59 * MINUTE_MS - 1 }).gate.judge(batch), { signer: "alice" });
  const { refusal, signer } = bench({ offMs: 61 * MINUTE_MS + 500 }).gate.judge(batch);
  assertEquals(signer, "alice");
  assertEquals(
    refusal,
    "by this node's clock its signature expired 2m1s ago: it was signed 1h2m1s ago to hold for " +
      "1h; send it anew, or set the clock that is off",
  );
});

Deno.test("a clock ten minutes behind the signer's is told so, five are let pass", () => {
  const batch = signed({ issuedAtMs: NOW_MS });
  assertEquals(bench({ offMs: -5 * MINUTE_MS }).gate.judge(batch), { signer: "alice" });
  const { refusal } = bench({ offMs: -10 * MINUTE_MS }).gate.judge(batch);
  assertEquals(
    refusal,
    "by this node's clock it was signed 10m from now: this clock and the signer's differ by that; " +
      "maximum 5m",
  );
});

Deno.test("a batch that never expires is let in at any later time", () => {
  const batch = signed({ expiresAtMs: 0 });
  assertEquals(bench({ offMs: 1e12 }).gate.judge(batch), { signer: "alice" });
});

Deno.test("keys are read anew, and a bad file leaves those that were there", () => {
  const { gate, files } = bench();
  const bob = newKey();
  files.keys = formatAllowedSigner({ name: "bob", publicKey: bob.publicKey });
  gate.reload();
  assertEquals(gate.judge(signed({}, bob)), { signer: "bob" });
  assert(gate.judge(signed()).refusal !== undefined);
  files.keys = "nonsense";
  assertThrows(() => gate.reload(), UsageError, "flag -trusted-keys: keys line 1");
  assertEquals(gate.judge(signed({}, bob)), { signer: "bob" });
});

Deno.test("a file without a key does not start a node", () => {
  assertThrows(() => bench({ text: "# none\n" }), UsageError, "keys names no key");
});
