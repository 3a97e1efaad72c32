import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { encode } from "@std/msgpack";
import {
  answerDone,
  collect,
  Desk,
  hear,
  hello,
  MEMBERS,
  say,
  sayRequest,
} from "../../tests/support/client_desk.ts";
import { settle } from "../../tests/support/virtual_time.ts";
import { UnreachableError, UsageError } from "../errors.ts";
import {
  CLIENT_CONNECTIONS_MAX,
  CLIENT_FRAME_TIMEOUT_MS,
  CLIENT_HANDSHAKE_TIMEOUT_MS,
  CLIENT_REQUEST_MAX_BYTES,
  CLIENT_UNAUTHENTICATED_MAX,
  EVICTION_PAUSE_MS,
} from "../limits.ts";
import type { ByteStream } from "../runtime.ts";
import { decodeReply } from "./codec.ts";
import { encodeFrame, readFrame } from "./frames.ts";
import type { Reply, Request } from "./protocol.ts";

const ID = "01JGFJJZ00ABCDEFGHJKMNPQRS";

Deno.test("a request reaches the service and its replies come back in order", async () => {
  const replies: Reply[] = [
    { type: "accepted", batchId: ID, nodes: ["a"] },
    { type: "progress", progress: { node: "a", state: "running" } },
    { type: "settled" },
  ];
  const seen: Request[] = [];
  await using desk = new Desk({
    async *handle(request) {
      seen.push(request);
      yield* await Promise.resolve(replies);
    },
  });
  const request: Request = {
    type: "check",
    order: { type: "unsigned", body: new Uint8Array(3), target: {}, expiresInMs: 0 },
    wait: true,
  };
  assertEquals(await collect(desk.client().request(request)), replies);
  assertEquals(seen, [request]);
  await settle();
  assertEquals(desk.server.connections, 0);
  assertEquals(desk.time.pending, 0);
});

Deno.test("a name's addresses are tried one after another", async () => {
  await using desk = new Desk();
  const client = desk.client({ hostname: "daemon.example" });
  assertEquals(await collect(client.request(MEMBERS)), [{ type: "done" }]);
});

Deno.test("a client that goes away ends its request", async () => {
  let ended = "";
  await using desk = new Desk({
    async *handle(_request, signal) {
      yield { type: "accepted", batchId: ID, nodes: [] };
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      ended = "aborted";
    },
  });
  const request: Request = { type: "results", batchId: ID };
  for await (const reply of desk.client().request(request)) {
    assertEquals(reply.type, "accepted");
    break;
  }
  await settle();
  assertEquals(ended, "aborted");
  assertEquals(desk.server.connections, 0);
});

Deno.test("an aborted request raises the signal's reason, also before it has begun", async () => {
  await using desk = new Desk({
    async *handle(_request, signal) {
      yield { type: "accepted", batchId: ID, nodes: [] };
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    },
  });
  const why = new RangeError("enough");
  const request: Request = { type: "results", batchId: ID };
  const abort = new AbortController();
  const asking = collect(desk.client().request(request, { signal: abort.signal }));
  await settle();
  abort.abort(why);
  await assertRejects(() => asking, RangeError, "enough");
  const late = collect(desk.client().request(request, { signal: abort.signal }));
  await assertRejects(() => late, RangeError, "enough");
});

Deno.test("what the service raises becomes an error reply; what is no error of ours keeps its words", async () => {
  const cases: [Error, Reply][] = [
    [new UsageError("too many checks"), {
      type: "error",
      code: "bad_request",
      message: "too many checks",
    }],
    [new TypeError("x is undefined"), {
      type: "error",
      code: "internal",
      message: "the daemon's log says more",
    }],
  ];
  for (const [error, expected] of cases) {
    await using desk = new Desk({
      // deno-lint-ignore require-yield -- it raises before its first reply
      async *handle() {
        await Promise.resolve();
        throw error;
      },
    });
    assertEquals(await collect(desk.client().request(MEMBERS)), [expected]);
  }
});

/** A connection on which the handshake is over. */
async function greeted(desk: Desk): Promise<ByteStream> {
  const stream = await desk.connect();
  await say(stream, hello());
  await hear(stream);
  await say(stream, { type: "proof" });
  assertEquals(await hear(stream), { type: "welcome" });
  return stream;
}

Deno.test("a malformed request of a greeted client is answered by what is wrong, and counted", async () => {
  const check = { type: "check", wait: true };
  const order = { type: "unsigned", body: new Uint8Array(3), target: {}, expiresInMs: 0 };
  const bad = { ...check, order: { ...order, target: 7 } };
  const cases: [Uint8Array, string, string][] = [
    [
      encode({ type: "results", batchId: "foo" }),
      "the request.batchId must be a batch id of 26",
      "malformed",
    ],
    [
      encode({ type: "cancel", batchId: "foo" }),
      "the request.batchId must be a batch id of 26",
      "malformed",
    ],
    [encode({ type: "reboot" }), "the request.type must be one of check, members", "unknown_type"],
    [encode(bad), "the request.order.target must be a map", "malformed"],
    [encode(7), "the request must be a map", "malformed"],
    [new Uint8Array([0xc0, 0xc0]), "the request is followed by 1 bytes", "malformed"],
    [new Uint8Array(0), "ends in mid-value", "truncated"],
    [new Uint8Array([0xdd, 0xff, 0xff, 0xff, 0xff]), "ends in mid-value", "truncated"],
    [new Uint8Array(1_000).fill(0x91), "nested over 16 levels", "too_deep"],
  ];
  for (const [payload, expected, reason] of cases) {
    let handled = 0;
    await using desk = new Desk({
      handle() {
        handled++;
        return answerDone();
      },
    });
    const stream = await greeted(desk);
    await stream.write(encodeFrame(payload));
    const answer = await readFrame(stream, { maxBytes: 1024 });
    assert(answer !== undefined, expected);
    const reply = decodeReply(answer);
    assert(reply.type === "error", expected);
    assertEquals(reply.code, "bad_request");
    assertStringIncludes(reply.message, expected);
    assertEquals(reply.message.includes("\n"), false);
    assertEquals(await readFrame(stream, { maxBytes: 1024 }), undefined);
    stream.close();
    await settle();
    assertEquals([handled, desk.events], [0, [`dropped: ${reason}`]], expected);
    assertEquals([desk.server.connections, desk.time.pending], [0, 0]);
  }
});

Deno.test("silent clients make room for others, and lose their place after the handshake's time", async () => {
  await using desk = new Desk();
  const room = CLIENT_CONNECTIONS_MAX + CLIENT_UNAUTHENTICATED_MAX;
  const silent = await Promise.all(Array.from({ length: room }, () => desk.connect()));
  await settle();
  assertEquals(desk.server.connections, room);
  for (let extra = 0; extra < 3; extra++) {
    assertEquals(await collect(desk.client().request(MEMBERS)), [{ type: "done" }]);
    await desk.time.pass(EVICTION_PAUSE_MS);
  }
  assertEquals(desk.events.filter((event) => event !== "client_gone"), [
    "client_connections_exhausted",
  ]);
  await desk.time.pass(CLIENT_HANDSHAKE_TIMEOUT_MS);
  await settle();
  assertEquals(desk.server.connections, 0);
  for (const stream of silent) stream.close();
});

Deno.test("clients whose request is under way keep their place, and one more is told so", async () => {
  const told = Promise.withResolvers<void>();
  await using desk = new Desk({
    async *handle() {
      await told.promise;
      yield { type: "done" };
    },
  });
  const asking = Array.from(
    { length: CLIENT_CONNECTIONS_MAX },
    () => collect(desk.client().request(MEMBERS)),
  );
  while (desk.server.connections < CLIENT_CONNECTIONS_MAX) await settle();
  await settle();
  const [answer] = await collect(desk.client().request(MEMBERS));
  assertEquals(answer?.type === "error" && answer.code, "busy");
  told.resolve();
  for (const replies of await Promise.all(asking)) assertEquals(replies, [{ type: "done" }]);
});

Deno.test("a byte now and then does not stretch the time of a request", async () => {
  await using desk = new Desk();
  const stream = await desk.connect();
  await say(stream, hello());
  await hear(stream);
  await say(stream, { type: "proof" });
  assertEquals(await hear(stream), { type: "welcome" });
  await stream.write(new Uint8Array([0, 0, 1, 0]));
  for (let second = 0; second < CLIENT_FRAME_TIMEOUT_MS / 1_000; second++) {
    assertEquals(desk.server.connections, 1);
    await stream.write(new Uint8Array([0xc0]));
    await desk.time.pass(1_000);
    await settle();
  }
  assertEquals(desk.server.connections, 0);
  stream.close();
});

Deno.test("a declared length over the bound ends the connection", async () => {
  for (const [stage, length] of [["hello", 1025], ["request", CLIENT_REQUEST_MAX_BYTES + 1]]) {
    await using desk = new Desk();
    const stream = await desk.connect();
    if (stage === "request") {
      await say(stream, hello());
      await hear(stream);
      await say(stream, { type: "proof" });
      await hear(stream);
    }
    const header = new Uint8Array(4);
    new DataView(header.buffer).setUint32(0, Number(length));
    await stream.write(header);
    assertEquals(await readFrame(stream, { maxBytes: 1024 }), undefined, String(stage));
    assertEquals(desk.events, ["dropped: too_large"]);
    stream.close();
  }
});

Deno.test("a client that does not read is cut off, and its request with it", async () => {
  let told = 0;
  await using desk = new Desk({
    bufferBytes: 8 * 1024,
    async *handle() {
      for (;;) {
        told++;
        yield await Promise.resolve<Reply>({
          type: "accepted",
          batchId: ID,
          nodes: ["x".repeat(1_000)],
        });
      }
    },
  });
  const stream = await desk.connect();
  await say(stream, hello());
  await hear(stream);
  await say(stream, { type: "proof" });
  await hear(stream);
  await sayRequest(stream, MEMBERS);
  await desk.time.pass(1_000);
  await settle();
  assert(told < 12, `${told} replies were made for a client that takes none`);
  assertEquals(desk.server.connections, 1);
  await desk.time.pass(CLIENT_FRAME_TIMEOUT_MS);
  await settle();
  assertEquals(desk.server.connections, 0);
  stream.close();
});

Deno.test("an answer past the bound of a frame is replaced by an error", async () => {
  await using desk = new Desk({
    async *handle() {
      const name = "x".repeat(1024 * 1024);
      yield await Promise.resolve<Reply>({
        type: "accepted",
        batchId: ID,
        nodes: Array.from({ length: 17 }, () => name),
      });
    },
  });
  const [reply] = await collect(desk.client().request(MEMBERS));
  assert(reply?.type === "error");
  assertEquals(reply.code, "too_large");
});

Deno.test("closing the server ends its requests", async () => {
  const desk = new Desk({
    async *handle(_request, signal) {
      yield { type: "accepted", batchId: ID, nodes: [] };
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    },
  });
  const asking = collect(desk.client().request({ type: "results", batchId: ID }));
  await settle();
  await desk[Symbol.asyncDispose]();
  const error = await assertRejects(() => asking, UnreachableError);
  assertEquals(error.reason, "lost");
});
