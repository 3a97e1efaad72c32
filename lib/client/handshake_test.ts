import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  answerDone,
  collect,
  Counter,
  Desk,
  hear,
  hello,
  MEMBERS,
  say,
  SERVER,
} from "../../tests/support/client_desk.ts";
import { MemoryNetwork } from "../../tests/support/memory_network.ts";
import { settle, VirtualTime } from "../../tests/support/virtual_time.ts";
import { UnreachableError, type UnreachableReason } from "../errors.ts";
import type { ByteStream } from "../runtime.ts";
import { Client } from "./client.ts";
import { proofOf } from "./proof.ts";
import type { Handshake } from "./protocol.ts";

Deno.test("token and no token, on either side", async () => {
  const cases: [string | undefined, string | undefined, UnreachableReason | "in", string][] = [
    [undefined, undefined, "in", ""],
    ["secret", "secret", "in", ""],
    ["secret", "wrong", "unauthorised", "its token is not the one"],
    ["secret", undefined, "unauthorised", "asks for a token"],
    [undefined, "secret", "unauthorised", "did not prove"],
  ];
  for (const [daemon, gcheck, expected, message] of cases) {
    await using desk = new Desk(daemon === undefined ? {} : { token: daemon });
    const asking = collect(
      desk.client(gcheck === undefined ? {} : { token: gcheck }).request(MEMBERS),
    );
    if (expected === "in") {
      assertEquals(await asking, [{ type: "done" }]);
      continue;
    }
    const error = await assertRejects(() => asking, UnreachableError);
    assertEquals(error.reason, expected);
    assertStringIncludes(error.message, message);
  }
});

Deno.test("a client that skips or forges the proof is refused and gets nothing", async () => {
  const token = new TextEncoder().encode("secret");
  const clientNonce = new Uint8Array(32).fill(200);
  const proofs: ((daemonNonce: Uint8Array, theirs: Uint8Array) => Uint8Array | undefined)[] = [
    () => undefined,
    () => new Uint8Array(32),
    () => new Uint8Array(0),
    (_, theirs) => theirs,
    (daemonNonce) =>
      proofOf({ token, prover: "gcheck", clientNonce: daemonNonce, daemonNonce: clientNonce }),
    () => proofOf({ token, prover: "gcheck", clientNonce, daemonNonce: clientNonce }),
  ];
  let handled = 0;
  await using desk = new Desk({
    token: "secret",
    handle() {
      handled++;
      return answerDone();
    },
  });
  for (const [index, forge] of proofs.entries()) {
    const stream = await desk.connect();
    await say(stream, hello());
    const theirs = await hear(stream);
    assert(theirs?.type === "hello" && theirs.proof !== undefined);
    const proof = forge(theirs.nonce, theirs.proof);
    await say(stream, { type: "proof", ...(proof === undefined ? {} : { proof }) });
    await say(stream, MEMBERS).catch(() => {});
    assertEquals(await hear(stream), { type: "refused", code: "unauthorised" }, `forgery ${index}`);
    assertEquals(await hear(stream), undefined);
    stream.close();
  }
  assertEquals(handled, 0);
});

Deno.test("two releases that do not understand each other both say so", async () => {
  await using desk = new Desk();
  const stream = await desk.connect();
  await say(stream, hello(2));
  assertEquals((await hear(stream))?.type, "hello");
  await say(stream, { type: "proof" });
  assertEquals(await hear(stream), { type: "refused", code: "version" });
  stream.close();

  const other = new MemoryNetwork();
  const listener = other.listenStreams(SERVER);
  const client = clientOn(other, desk.time);
  const asking = collect(client.request(MEMBERS));
  const accepted = await listener.accept();
  assert(accepted !== undefined);
  await say(accepted, hello(7));
  const error = await assertRejects(() => asking, UnreachableError, "speaks protocol 7");
  assertEquals(error.reason, "version");
});

function clientOn(network: MemoryNetwork, time: VirtualTime): Client {
  const random = new Counter();
  return new Client({ network, timers: time, random, server: SERVER, timeoutMs: 5_000 });
}

Deno.test("what else may listen at the address is told apart", async () => {
  const text = (line: string) => new TextEncoder().encode(line);
  const cases: [string, ((stream: ByteStream) => Promise<void> | void), UnreachableReason][] = [
    [
      "a web server",
      (stream) => stream.write(text("HTTP/1.1 400 Bad Request\r\n\r\n")),
      "not_gossipcheck",
    ],
    ["a mail server", (stream) => stream.write(text("220 mail\r\n")), "not_gossipcheck"],
    ["one that says nothing", () => {}, "not_gossipcheck"],
    ["one that hangs up", (stream) => stream.close(), "lost"],
    [
      "another protocol",
      (stream) => say(stream, { ...hello(), protocol: "x" } as Handshake),
      "not_gossipcheck",
    ],
    [
      "a short nonce",
      (stream) => say(stream, { ...hello(), nonce: new Uint8Array(8) } as Handshake),
      "not_gossipcheck",
    ],
    ["a welcome too soon", (stream) => say(stream, { type: "welcome" }), "not_gossipcheck"],
    [
      "a refusal",
      (stream) => say(stream, { type: "refused", code: "unauthorised" }),
      "unauthorised",
    ],
  ];
  for (const [what, speak, reason] of cases) {
    const network = new MemoryNetwork();
    const time = new VirtualTime();
    const listener = network.listenStreams(SERVER);
    const asking = assertRejects(
      () => collect(clientOn(network, time).request(MEMBERS)),
      UnreachableError,
    );
    const stream = await listener.accept();
    assert(stream !== undefined);
    await settle();
    await speak(stream);
    await settle();
    await time.pass(5_000);
    await settle();
    assertEquals((await asking).reason, reason, what);
    assertEquals(time.pending, 0, what);
  }
  const nobody = clientOn(new MemoryNetwork(), new VirtualTime());
  const error = await assertRejects(() => collect(nobody.request(MEMBERS)), UnreachableError);
  assertEquals(error.reason, "no_daemon");
  assertStringIncludes(error.message, "start one with");
});

Deno.test("the token itself never crosses the socket", async () => {
  await using desk = new Desk({ token: "a-token-of-some-length" });
  const written: number[] = [];
  const connect = desk.network.connect.bind(desk.network);
  desk.network.connect = async (to, options) => {
    const stream = await connect(to, options);
    return {
      remote: stream.remote,
      read: async (buffer) => {
        const count = await stream.read(buffer);
        written.push(...buffer.subarray(0, count ?? 0));
        return count;
      },
      write: (bytes) => {
        written.push(...bytes);
        return stream.write(bytes);
      },
      close: () => stream.close(),
    };
  };
  await collect(desk.client({ token: "a-token-of-some-length" }).request(MEMBERS));
  assert(written.length > 100);
  assert(!new TextDecoder("latin1").decode(new Uint8Array(written)).includes("a-token"));
});
