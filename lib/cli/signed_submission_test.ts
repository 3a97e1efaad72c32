import { assert, assertEquals, assertRejects } from "@std/assert";
import { CommandBench } from "../../tests/support/command_bench.ts";
import { encodeChecks } from "../checks/codec.ts";
import { decodeRequest, encodeClientMessage } from "../client/codec.ts";
import type { Reply, Request } from "../client/protocol.ts";
import { UsageError } from "../errors.ts";
import { signedBytes } from "../gossip/codec.ts";
import type { Batch } from "../gossip/types.ts";
import { encodeKeyOperation } from "../batch/key_operation.ts";
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

/** What a daemon of this name makes of a request that came over its socket, as all nodes see it. */
function batchOf(request: Request, origin: string): Omit<Batch, "signature"> {
  const came = decodeRequest(encodeClientMessage(request));
  assert((came.type === "check" || came.type === "keys") && came.signed !== undefined);
  const { id, issuedAtMs } = came.signed;
  const isCheck = came.type === "check";
  const expiresInMs = isCheck ? came.expiresInMs : KEY_OPERATION_EXPIRES_MS;
  return {
    ...{ id, issuedAtMs },
    origin: { name: origin, address: { host: "192.0.2.1", port: 3505 } },
    expiresAtMs: expiresInMs === 0 ? 0 : issuedAtMs + expiresInMs,
    target: isCheck ? came.target : {},
    held: isCheck && (came.limit !== undefined || came.rollout !== undefined),
    body: isCheck ? encodeChecks(came.checks) : encodeKeyOperation(came.operation),
  };
}

function isSigned(request: Request, batch: Omit<Batch, "signature">): boolean {
  const signed = request.type === "check" || request.type === "keys" ? request.signed : undefined;
  const read = readBatchSignature(signed?.signature ?? new Uint8Array(0));
  assertEquals(read?.publicKey, parseSigningKey(SECRET, { source: "a test" }).publicKey);
  return read !== undefined && verifySignature(signedBytes(batch), read);
}

Deno.test("-sign signs what the daemon that is asked will make of the request", async () => {
  const cases = [
    ["check", "-file=f"],
    ["check", "-file=f", "-nodes=a,web-*", "-target=role=web,zone!=", "-expires=never"],
    ["check", "-file=f", "-limit=1"],
    ["check", "-file=f", "-batch-size=10%", "-max-failures=1"],
    ["keys", "list"],
  ];
  for (const args of cases) {
    const bench = new CommandBench({ script: [[ACCEPTED]], file: FILE, secret: SECRET });
    const flags = args[0] === "check" ? ["-no-wait", "-sign=k"] : ["-sign=k"];
    await bench.run(...args, ...flags);
    const [request] = bench.requests;
    assert(request !== undefined);
    const batch = batchOf(request, "desk");
    assert(isSigned(request, batch), args.join(" "));
    const changes: Partial<Omit<Batch, "signature">>[] = [
      { origin: { ...batch.origin, name: "other" } },
      { issuedAtMs: batch.issuedAtMs + 1 },
      { expiresAtMs: batch.expiresAtMs + 1 },
      { target: { nodes: ["other"] } },
      { held: !batch.held },
      { body: encodeChecks([]) },
    ];
    for (const change of changes) {
      assert(!isSigned(request, { ...batch, ...change }), Object.keys(change).join());
    }
  }
});

Deno.test("each batch has an id of its own, of the time that it was signed at", async () => {
  const ids = new Set<string>();
  const bench = new CommandBench({
    script: [[ACCEPTED], [ACCEPTED]],
    file: FILE,
    secret: SECRET,
  });
  for (const _ of ["first", "second"]) await bench.run("check", "-file=f", "-no-wait", "-sign=k");
  for (const request of bench.requests) {
    assert(request.type === "check" && request.signed !== undefined);
    ids.add(request.signed.id);
    assertEquals(request.signed.issuedAtMs, bench.time.wallMs());
  }
  assertEquals(ids.size, 2);
});

Deno.test("a key file that is none is named, and nothing is sent", async () => {
  for (const command of [["check", "-file=f"], ["keys", "list"]]) {
    const bench = new CommandBench({ file: FILE, secret: "c2VjcmV0" });
    const error = await assertRejects(() => bench.run(...command, "-sign=k"), UsageError);
    assert(error.message.startsWith("flag -sign: k is not an Ed25519 private key"));
    assert(!error.message.includes("c2VjcmV0"));
    assertEquals(bench.requests, []);
  }
});
