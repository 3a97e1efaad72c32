import { assert, assertEquals, assertRejects } from "@std/assert";
import { CommandBench } from "../../tests/support/command_bench.ts";
import { type BatchContent, decodeBatchContent, encodeBatchContent } from "../batch/batch.ts";
import { type BatchBody, decodeBody, encodeBody } from "../batch/body.ts";
import { issueTimeOf } from "../batch/id.ts";
import type { Order } from "../batch/order.ts";
import { parseCheckFile } from "../checks/parse.ts";
import { decodeRequest, encodeRequest } from "../client/codec.ts";
import type { Reply, Request } from "../client/protocol.ts";
import { UsageError } from "../errors.ts";
import { KEY_OPERATION_EXPIRES_MS } from "../limits.ts";
import { readBatchSignature } from "../trust/batch_signature.ts";
import { generateSigningKey, parseSigningKey, verifySignature } from "../trust/signing.ts";

const SECRET = generateSigningKey();
const ACCEPTED: Reply = { type: "accepted", batchId: "01JA", nodes: ["a"] };
const FILE = JSON.stringify({
  "größe": { type: "file_contains", path: "/etc/motd", check: "ü\u0000\u{1f600}" },
  "10": { type: "file_exists", path: "/b", action: "true", action_timeout: "1.5s" },
  "2": { type: "file_exists", path: "/a" },
});

/** The order in a request after encoding and decoding, as a daemon receives it. */
function signedOrderOf(request: Request | undefined): Order & { type: "signed" } {
  assert(request !== undefined);
  const received = decodeRequest(encodeRequest(request));
  assert(received.type === "check" && received.order.type === "signed");
  return received.order;
}

function isSigned(content: Uint8Array, order: Order & { type: "signed" }): boolean {
  const read = readBatchSignature(order.signature);
  assertEquals(read?.publicKey, parseSigningKey(SECRET, { source: "a test" }).publicKey);
  return read !== undefined && verifySignature(content, read);
}

const CHECKS: BatchBody = {
  type: "checks",
  checks: parseCheckFile(new TextEncoder().encode(FILE)),
};
const LIST: BatchBody = { type: "keys", operation: { type: "list" } };

/** The signed parts of a batch, without its id, origin and time of issue. */
interface Signed extends Pick<BatchContent, "target" | "held"> {
  readonly expiresInMs: number;
  readonly body: BatchBody;
}

Deno.test("-sign signs every part of the batch", async () => {
  const plain: Signed = { target: {}, held: false, expiresInMs: 3_600_000, body: CHECKS };
  const tags = [
    { key: "role", equal: true, value: "web" },
    { key: "zone", equal: false, value: "" },
  ];
  const cases: [string[], Signed][] = [
    [["check", "-file=f"], plain],
    [["check", "-file=f", "-nodes=a,web-*", "-target=role=web,zone!=", "-expires=never"], {
      ...plain,
      target: { tags, nodes: ["a", "web-*"] },
      expiresInMs: 0,
    }],
    [["check", "-file=f", "-limit=1"], { ...plain, held: true }],
    [["check", "-file=f", "-batch-size=10%", "-max-failures=1"], { ...plain, held: true }],
    [["keys", "list"], { ...plain, expiresInMs: KEY_OPERATION_EXPIRES_MS, body: LIST }],
  ];
  for (const [args, { expiresInMs, body, ...expected }] of cases) {
    const bench = new CommandBench({ script: [[ACCEPTED]], file: FILE, secret: SECRET });
    const flags = args[0] === "check" ? ["-no-wait", "-sign=k"] : ["-sign=k"];
    await bench.run(...args, ...flags);
    const order = signedOrderOf(bench.requests[0]);
    const batch = decodeBatchContent(order.content);
    const issuedAtMs = bench.time.wallMs();
    assertEquals(batch, {
      ...expected,
      id: batch.id,
      originName: "desk",
      issuedAtMs,
      expiresAtMs: expiresInMs === 0 ? 0 : issuedAtMs + expiresInMs,
      body: encodeBody(body),
    }, args.join(" "));
    assertEquals(decodeBody(batch.body), body);
    assert(isSigned(order.content, order), args.join(" "));
    const changes: { readonly [K in keyof BatchContent]: BatchContent[K] } = {
      id: "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
      originName: "other",
      issuedAtMs: batch.issuedAtMs + 1,
      expiresAtMs: batch.expiresAtMs + 1,
      target: { nodes: ["other"] },
      held: !batch.held,
      body: encodeBody({ type: "checks", checks: [] }),
    };
    assertEquals(encodeBatchContent(batch), order.content);
    for (const [key, value] of Object.entries(changes)) {
      assert(!isSigned(encodeBatchContent({ ...batch, [key]: value }), order), key);
    }
  }
});

Deno.test("-limit and -batch-size are sent beside the signed content", async () => {
  const cases: [string[], Partial<Request & { type: "check" }>][] = [
    [["-limit=1"], { limit: { type: "count", count: 1 } }],
    [["-batch-size=10%", "-max-failures=1"], {
      rollout: { size: { type: "percent", percent: 10 }, maxFailures: 1 },
    }],
  ];
  for (const [flags, expected] of cases) {
    const bench = new CommandBench({ script: [[ACCEPTED]], file: FILE, secret: SECRET });
    await bench.run("check", "-file=f", "-no-wait", "-sign=k", ...flags);
    const [request] = bench.requests;
    const order = signedOrderOf(request);
    assertEquals(request, { type: "check", order, wait: false, ...expected });
  }
});

Deno.test("each batch has its own id, made from the time of signing", async () => {
  const ids = new Set<string>();
  const bench = new CommandBench({
    script: [[ACCEPTED], [ACCEPTED]],
    file: FILE,
    secret: SECRET,
  });
  for (const _ of ["first", "second"]) await bench.run("check", "-file=f", "-no-wait", "-sign=k");
  for (const request of bench.requests) {
    const { id, issuedAtMs } = decodeBatchContent(signedOrderOf(request).content);
    ids.add(id);
    assertEquals(issuedAtMs, bench.time.wallMs());
    assertEquals(issueTimeOf(id), issuedAtMs);
  }
  assertEquals(ids.size, 2);
});

Deno.test("an error names a key file without a key, and nothing is sent", async () => {
  for (const command of [["check", "-file=f"], ["keys", "list"]]) {
    const bench = new CommandBench({ file: FILE, secret: "c2VjcmV0" });
    const error = await assertRejects(() => bench.run(...command, "-sign=k"), UsageError);
    assert(error.message.startsWith("flag -sign: k is not an Ed25519 private key"));
    assert(!error.message.includes("c2VjcmV0"));
    assertEquals(bench.requests, []);
  }
});
