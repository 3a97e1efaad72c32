/** `DenoNetwork` on real sockets of the loopback. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { DenoNetwork } from "../../lib/deno/network.ts";
import { AddressError, StreamError } from "../../lib/errors.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };

Deno.test("a datagram arrives with its sender's address and belongs to the receiver", async () => {
  const network = new DenoNetwork();
  const [a, b] = [network.listenDatagrams(LOOPBACK), network.listenDatagrams(LOOPBACK)];
  a.send(b.local, new Uint8Array([1, 2]));
  const first = await b.receive();
  a.send(b.local, new Uint8Array([3, 4, 5]));
  const second = await b.receive();
  assertEquals(first, { from: a.local, bytes: new Uint8Array([1, 2]) });
  assertEquals(second?.bytes, new Uint8Array([3, 4, 5]));
  a.close();
  b.close();
  assertEquals(await b.receive(), undefined);
});

Deno.test("a datagram to a port where nobody listens does not end the receiver", async () => {
  const network = new DenoNetwork();
  const [a, b, gone] = [0, 1, 2].map(() => network.listenDatagrams(LOOPBACK));
  assert(a && b && gone);
  gone.close();
  const received = a.receive();
  for (let i = 0; i < 3; i++) a.send(gone.local, new Uint8Array([0]));
  b.send(a.local, new Uint8Array([7]));
  assertEquals((await received)?.bytes, new Uint8Array([7]));
  for (const socket of [a, b]) socket.close();
});

Deno.test("closing ends a waiting receive and a waiting accept", async () => {
  const network = new DenoNetwork();
  const socket = network.listenDatagrams(LOOPBACK);
  const listener = network.listenStreams(LOOPBACK);
  const waiting = Promise.all([socket.receive(), listener.accept()]);
  socket.close();
  listener.close();
  assertEquals(await waiting, [undefined, undefined]);
});

Deno.test({
  name: "a wildcard socket talks to IPv4 and names its peers by IPv4 addresses",
  ignore: !new DenoNetwork().interfaceAddresses().includes("::1"),
  fn: wildcardTalksToIpv4,
});

async function wildcardTalksToIpv4(): Promise<void> {
  const network = new DenoNetwork();
  const wildcard = network.listenDatagrams({ host: "::", port: 0 });
  const v4 = network.listenDatagrams(LOOPBACK);
  v4.send({ host: "127.0.0.1", port: wildcard.local.port }, new Uint8Array([1]));
  assertEquals((await wildcard.receive())?.from, v4.local);
  wildcard.send(v4.local, new Uint8Array([2]));
  assertEquals((await v4.receive())?.from, { host: "127.0.0.1", port: wildcard.local.port });
  wildcard.close();
  v4.close();
}

Deno.test("a stream carries bytes both ways and ends", async () => {
  const network = new DenoNetwork();
  const listener = network.listenStreams(LOOPBACK);
  const client = await network.connect(listener.local, { timeoutMs: 10_000 });
  const server = await listener.accept();
  assert(server !== undefined);
  const sent = crypto.getRandomValues(new Uint8Array(65_536)).subarray(0, 50_000);
  const [, received] = await Promise.all([
    client.write(sent).then(() => client.close()),
    (async () => {
      const all: number[] = [];
      const buffer = new Uint8Array(4096);
      for (let count; (count = await server.read(buffer)) !== undefined;) {
        all.push(...buffer.subarray(0, count));
      }
      return all;
    })(),
  ]);
  assertEquals(new Uint8Array(received), sent);
  server.close();
  server.close();
  await assertRejects(() => server.write(new Uint8Array(1)), StreamError, "was closed");
  listener.close();
});

Deno.test("closing a stream ends its waiting read", async () => {
  const network = new DenoNetwork();
  const listener = network.listenStreams(LOOPBACK);
  const client = await network.connect(listener.local, { timeoutMs: 10_000 });
  const server = await listener.accept();
  const reading = client.read(new Uint8Array(1)).catch((error: unknown) => error);
  client.close();
  const outcome = await reading;
  assert(outcome === undefined || outcome instanceof StreamError);
  server?.close();
  listener.close();
});

Deno.test("a refused or aborted connection is one line that names the address", async () => {
  const network = new DenoNetwork();
  const listener = network.listenStreams(LOOPBACK);
  const { local } = listener;
  listener.close();
  await assertRejects(
    () => network.connect(local, { timeoutMs: 10_000 }),
    StreamError,
    `cannot connect to 127.0.0.1:${local.port} (TCP): connection refused`,
  );
  await assertRejects(
    () => network.connect(local, { timeoutMs: 10_000, signal: AbortSignal.abort() }),
    StreamError,
    "aborted",
  );
  await assertRejects(() => network.connect(local, { timeoutMs: -0.5 }), StreamError, "127.0.0.1");
  await assertRejects(() => network.connect(local, { timeoutMs: -7_000 }), StreamError);
});

Deno.test("a port in use and an address of another machine are refused in one line", () => {
  const network = new DenoNetwork();
  const listener = network.listenStreams(LOOPBACK);
  const socket = network.listenDatagrams(LOOPBACK);
  const inUse = assertThrows(() => network.listenStreams(listener.local), AddressError);
  assertEquals(
    inUse.message,
    `cannot listen on 127.0.0.1:${listener.local.port} (TCP): another program uses that port`,
  );
  assertThrows(() => network.listenDatagrams(socket.local), AddressError, "(UDP)");
  assertThrows(
    () => network.listenStreams({ host: "192.0.2.77", port: 0 }),
    AddressError,
    "no such address",
  );
  listener.close();
  socket.close();
});

Deno.test("names are resolved, addresses are taken as they are", async () => {
  const network = new DenoNetwork();
  assertEquals(await network.resolve("192.0.2.1"), ["192.0.2.1"]);
  assertEquals(await network.resolve("::1"), ["::1"]);
  const localhost = await network.resolve("localhost");
  assert(localhost.includes("127.0.0.1") || localhost.includes("::1"));
  const error = await assertRejects(() => network.resolve("nothing.invalid"), AddressError);
  assertStringIncludes(error.message, 'cannot resolve the name "nothing.invalid"');
  assert(network.interfaceAddresses().includes("127.0.0.1"));
});
