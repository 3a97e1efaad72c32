import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { encode } from "@std/msgpack";
import {
  answerDone,
  collect,
  Counter,
  Desk,
  hear,
  hello,
  MEMBERS,
  say,
  sayRequest,
  SERVER,
} from "../../tests/support/client_desk.ts";
import { MemoryNetwork } from "../../tests/support/memory_network.ts";
import { settle, VirtualTime } from "../../tests/support/virtual_time.ts";
import { UnreachableError, type UnreachableReason, UsageError } from "../errors.ts";
import type { ByteStream } from "../runtime.ts";
import { Client } from "./client.ts";
import { encodeHandshake } from "./codec.ts";
import { encodeFrame } from "./frames.ts";
import { proofOf } from "./proof.ts";
import { CLIENT_PROTOCOL_VERSION, type Handshake, type Reply, type Request } from "./protocol.ts";

Deno.test("token and no token, on either side", async () => {
  const cases: [string | undefined, string | undefined, UnreachableReason | "in", string][] = [
    [undefined, undefined, "in", ""],
    ["secret", "secret", "in", ""],
    ["secret", "wrong", "unauthorised", "its token is not the one"],
    ["secret", undefined, "unauthorised", "asks for a token and gcheck was given none"],
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
    await sayRequest(stream, MEMBERS).catch(() => {});
    assertEquals(await hear(stream), { type: "refused", code: "unauthorised" }, `forgery ${index}`);
    assertEquals(await hear(stream), undefined);
    stream.close();
  }
  assertEquals(handled, 0);
});

/** What an older release speaks, a newer one, and one that nobody has written yet. */
const OTHER_VERSIONS = [2, 4, 2 ** 40];

Deno.test("this release speaks version 3", () => {
  assertEquals(CLIENT_PROTOCOL_VERSION, 3);
});

Deno.test("a gcheck of another release is refused, and the daemon logs one line about it", async () => {
  for (const token of [undefined, "secret"]) {
    for (const version of OTHER_VERSIONS) {
      await using desk = new Desk(token === undefined ? {} : { token });
      const stream = await desk.connect();
      await say(stream, hello(version));
      const theirs = await hear(stream);
      assertEquals(theirs?.type === "hello" && theirs.version, CLIENT_PROTOCOL_VERSION);
      await say(stream, { type: "proof" });
      assertEquals(await hear(stream), { type: "refused", code: "version" });
      assertEquals(await hear(stream), undefined);
      stream.close();
      await settle();
      assertEquals(desk.events, ["client_version_unsupported"]);
      assertEquals(desk.lines, [
        `unsupported client protocol version ${version} (this daemon speaks 3): ` +
        "use one release of gcheck and gossipcheckd",
      ]);
    }
  }
});

Deno.test("a gcheck of another release that leaves once it has read why is logged too", async () => {
  for (const version of OTHER_VERSIONS) {
    await using desk = new Desk();
    const stream = await desk.connect();
    await say(stream, hello(version));
    assertEquals((await hear(stream))?.type, "hello");
    stream.close();
    await settle();
    assertEquals(desk.events.filter((event) => event !== "client_gone"), [
      "client_version_unsupported",
    ]);
  }
});

Deno.test("gcheck names both versions in one line when the daemon is of another release", async () => {
  const versions: [string, Uint8Array, string][] = [
    ...OTHER_VERSIONS.map((version): [string, Uint8Array, string] => [
      `version ${version}`,
      encodeHandshake(hello(version)),
      `protocol ${version}`,
    ]),
    // A later release may say more, and other things, in its hello.
    [
      "a later hello",
      encode({ ...helloFields(4), node: "n", cluster: ["x", { deep: 1 }], tokenFile: null }),
      "protocol 4",
    ],
    ["a refusal", encodeHandshake({ type: "refused", code: "version" }), "another protocol"],
  ];
  for (const [what, answer, theirs] of versions) {
    const network = new MemoryNetwork();
    const listener = network.listenStreams(SERVER);
    const asking = collect(clientOn(network, new VirtualTime()).request(MEMBERS));
    const stream = await listener.accept();
    assert(stream !== undefined);
    await stream.write(encodeFrame(answer));
    const error = await assertRejects(() => asking, UnreachableError);
    assertEquals([error.reason, error.exitStatus], ["version", 4], what);
    assertEquals(
      error.message,
      `the gossipcheckd at 127.0.0.1:5924 speaks ${theirs}, gcheck protocol 3: ` +
        "use one release of both",
      what,
    );
  }
});

function helloFields(version: number) {
  const { type, protocol, nonce } = hello() as Handshake & { type: "hello" };
  return { type, protocol, version, nonce };
}

function clientOn(network: MemoryNetwork, time: VirtualTime): Client {
  const random = new Counter();
  return new Client({ network, timers: time, random, server: SERVER, timeoutMs: 5_000 });
}

Deno.test("the daemon says where its token is, and gcheck reads it there", async () => {
  await using desk = new Desk({ token: "secret", tokenFile: "/state/token" });
  const asked: string[] = [];
  const findToken = (file: string) => {
    asked.push(file);
    return new TextEncoder().encode("secret");
  };
  assertEquals(await collect(desk.client({ findToken }).request(MEMBERS)), [{ type: "done" }]);
  assertEquals(asked, ["/state/token"]);
  // One that was given beforehand is used without looking.
  const given = desk.client({ token: "secret", findToken });
  assertEquals(await collect(given.request(MEMBERS)), [{ type: "done" }]);
  assertEquals(asked.length, 1);
});

Deno.test("who cannot read the token is told which file it is", async () => {
  await using desk = new Desk({ token: "secret", tokenFile: "/state/token" });
  const findToken = () => {
    throw new UsageError("it belongs to another user");
  };
  const error = await assertRejects(
    () => collect(desk.client({ findToken }).request(MEMBERS)),
    UnreachableError,
    "asks for the token in /state/token: it belongs to another user",
  );
  assertEquals([error.reason, error.exitStatus], ["unauthorised", 4]);
  const silent = new Desk({ token: "secret", tokenFile: `/${"x".repeat(512)}` });
  await assertRejects(
    () => collect(silent.client({ findToken }).request(MEMBERS)),
    UnreachableError,
    "gcheck was given none",
  );
  await silent[Symbol.asyncDispose]();
});

Deno.test("the request is made for the daemon that answers, and what raises there is passed on", async () => {
  const seen: Request[] = [];
  await using desk = new Desk({
    token: "secret",
    handle(request) {
      seen.push(request);
      return answerDone();
    },
  });
  const client = desk.client({ token: "secret" });
  const order = { type: "unsigned", body: new Uint8Array(3), expiresInMs: 0 } as const;
  const requestFor = (node: string): Request => ({
    type: "check",
    order: { ...order, target: { nodes: [node] } },
    wait: false,
  });
  await collect(client.request(({ node }) => requestFor(node)));
  assertEquals(seen, [requestFor("desk")]);
  const raise = () => {
    throw new UsageError("no such key");
  };
  await assertRejects(() => collect(client.request(raise)), UsageError, "no such key");
});

/** A relay between `gcheck` and the desk that lets `alter` change each message's bytes in place. */
async function throughRelay(
  desk: Desk,
  alter: (bytes: Uint8Array) => void,
): Promise<Client> {
  const network = new MemoryNetwork();
  const listener = network.listenStreams(SERVER);
  const carry = async (from: ByteStream, to: ByteStream) => {
    const buffer = new Uint8Array(64 * 1024);
    for (let count; (count = await from.read(buffer).catch(() => undefined)) !== undefined;) {
      const bytes = buffer.slice(0, count);
      alter(bytes);
      await to.write(bytes).catch(() => {});
    }
    to.close();
  };
  void listener.accept().then(async (near) => {
    assert(near !== undefined);
    const far = await desk.connect();
    await Promise.all([carry(near, far), carry(far, near)]);
  });
  await settle();
  const token = new TextEncoder().encode("secret");
  const random = new Counter();
  return new Client({
    network,
    timers: desk.time,
    random,
    server: SERVER,
    timeoutMs: 5_000,
    token,
  });
}

/** Puts the second text in place of the first, which is as long. */
function replace(bytes: Uint8Array, [from, to]: readonly [string, string]): void {
  const at = new TextDecoder("latin1").decode(bytes).indexOf(from);
  if (at >= 0) bytes.set(new TextEncoder().encode(to), at);
}

Deno.test("a relay in the middle can carry a request, and change none of its words", async () => {
  const handled: Request[] = [];
  const handle = async function* (request: Request): AsyncGenerator<Reply> {
    handled.push(request);
    yield await Promise.resolve<Reply>({ type: "error", code: "busy", message: "full-house" });
  };
  const [good, evil] = ["01JGFJJZ00ABCDEFGHJKMNPQRS", "01JGFJJZ00TVWXYZ0123456789"];
  const request: Request = { type: "cancel", batchId: good };
  const cases: [string, [string, string], number, RegExp | undefined][] = [
    ["nothing", ["none", "none"], 1, undefined],
    ["the request", [good, evil], 0, /closed the connection/],
    ["the reply", ["full-house", "room-house"], 1, /changed on its way/],
    ["the node's name", ["desk", "evil"], 0, /its token is not the one/],
    ["the token's file", ["/state/token", "/etc/passwds"], 0, /its token is not the one/],
  ];
  for (const [what, words, expected, message] of cases) {
    handled.length = 0;
    await using desk = new Desk({ token: "secret", tokenFile: "/state/token", handle });
    const client = await throughRelay(desk, (bytes) => replace(bytes, words));
    const asking = collect(client.request(request));
    if (message === undefined) assertEquals((await asking).length, 1, what);
    else assertMatch((await assertRejects(() => asking, UnreachableError)).message, message, what);
    await settle();
    assertEquals(handled.length, expected, what);
  }
});

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
