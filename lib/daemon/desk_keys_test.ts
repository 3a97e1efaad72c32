import { assert, assertEquals } from "@std/assert";
import { checkBatch } from "../../tests/support/batches.ts";
import { answerTo, ask, DeskBench, memberNamed, ORDER } from "../../tests/support/desk_bench.ts";
import { settle } from "../../tests/support/virtual_time.ts";
import { decodeBody, encodeBody } from "../batch/body.ts";
import type { KeyOperation } from "../batch/key_operation.ts";
import type { Order } from "../batch/order.ts";
import { encodeReport } from "../batch/report.ts";
import type { Request } from "../client/protocol.ts";
import { KEY_OPERATION_EXPIRES_MS } from "../limits.ts";

const KEY = new Uint8Array(16).fill(7);
const MAY_CHANGE = { refusal: () => undefined };
const MEMBERS = [memberNamed("me")];

type Check = Request & { type: "check" };

function requestFor(
  operation: KeyOperation,
  more: Partial<Order & { type: "unsigned" }> = {},
): Check {
  const body = encodeBody({ type: "keys", operation });
  const order = { ...ORDER, body, expiresInMs: KEY_OPERATION_EXPIRES_MS, ...more };
  return { type: "check", order, wait: true };
}

Deno.test("a key operation is sent to all members, with a short expiry, and can be followed", async () => {
  const bench = new DeskBench({ members: MEMBERS, keys: MAY_CHANGE });
  const operation: KeyOperation = { type: "install", key: KEY };
  const asked = ask(bench.desk, requestFor(operation));
  await settle();
  const [{ order } = { order: undefined }] = bench.submitted;
  assert(order?.type === "unsigned");
  assertEquals([order.target, order.expiresInMs], [{}, 600_000]);
  assertEquals(decodeBody(order.body), { type: "keys", operation });
  const report = encodeReport({ type: "keys", outcome: { status: "pass" } });
  bench.move("me", { state: "done", passed: true, report });
  bench.settleBatch();
  await asked.ended;
  const { replies } = asked;
  assertEquals(replies.map(({ type }) => type), ["accepted", "state", "progress", "settled"]);
  assertEquals(replies[2], {
    type: "progress",
    progress: { node: "me", state: "done", passed: true, report },
  });
  const [listed] = await answerTo(bench.desk, { type: "batches" });
  assertEquals(listed?.type === "batches" && listed.batches[0]?.summary, {
    type: "keys",
    step: "install",
  });
  assert(!JSON.stringify([replies, listed]).includes([...KEY].join(",")));
});

Deno.test("without encryption a key operation is refused before it is sent", async () => {
  const cases = [
    [{ keys: { refusal: () => "there are no keys" } }, "there are no keys"],
    [{}, "this daemon has no keys to change"],
  ] as const;
  for (const [options, message] of cases) {
    const { desk, submitted } = new DeskBench({ members: MEMBERS, ...options });
    assertEquals(await answerTo(desk, requestFor({ type: "list" })), [
      { type: "error", code: "bad_request", message },
    ]);
    assertEquals(submitted, []);
  }
});

const NOT_FOR_ALL: readonly {
  name: string;
  more: Partial<Check>;
  order?: Partial<typeof ORDER>;
}[] = [
  { name: "a target of names", more: {}, order: { target: { nodes: ["me"] } } },
  {
    name: "a target of tags",
    more: {},
    order: { target: { tags: [{ key: "role", equal: true, value: "web" }] } },
  },
  { name: "no expiry", more: {}, order: { expiresInMs: 0 } },
  {
    name: "a shorter expiry",
    more: {},
    order: { expiresInMs: KEY_OPERATION_EXPIRES_MS - 1 },
  },
  { name: "a longer expiry", more: {}, order: { expiresInMs: KEY_OPERATION_EXPIRES_MS + 1 } },
  { name: "a sample", more: { limit: { type: "count", count: 1 } } },
  {
    name: "stages",
    more: { rollout: { size: { type: "count", count: 1 }, maxFailures: 0 } },
  },
];

/** The same order, issued and signed by the operator. */
function signed({ target, expiresInMs, body }: Order & { type: "unsigned" }, held: boolean): Order {
  const issuedAtMs = 1_000;
  const expiresAtMs = expiresInMs === 0 ? 0 : issuedAtMs + expiresInMs;
  const { content } = checkBatch({ issuedAtMs, expiresAtMs, target, held, body });
  return { type: "signed", content, signature: new Uint8Array(96) };
}

for (const { name, more, order: changes = {} } of NOT_FOR_ALL) {
  Deno.test(`a key operation with ${name} is refused, signed or not`, async () => {
    const unsigned = { ...requestFor({ type: "list" }, changes), ...more };
    const { order } = unsigned;
    assert(order.type === "unsigned");
    const held = Object.keys(more).length > 0;
    for (const request of [unsigned, { ...unsigned, order: signed(order, held) }]) {
      const { desk, submitted } = new DeskBench({ members: MEMBERS, keys: MAY_CHANGE });
      assertEquals(await answerTo(desk, request), [{
        type: "error",
        code: "bad_request",
        message: "a key operation must be for all members at once and expire after 600000 ms",
      }]);
      assertEquals(submitted, []);
    }
  });
}

Deno.test("a signed key operation for all members is issued unchanged", async () => {
  const { order } = requestFor({ type: "install", key: KEY });
  assert(order.type === "unsigned");
  const { desk, submitted } = new DeskBench({ members: MEMBERS, keys: MAY_CHANGE });
  const request: Check = { type: "check", order: signed(order, false), wait: false };
  assertEquals((await answerTo(desk, request)).map(({ type }) => type), ["accepted"]);
  assertEquals(submitted, [{ order: request.order }]);
});
