import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { AddressError, StreamError } from "../../lib/errors.ts";
import type { ByteStream } from "../../lib/runtime.ts";
import { VirtualNetwork } from "./world_network.ts";

const PORT = 3505;

/** Two processes; the second listens. */
function pair(seed = 1) {
  const network = new VirtualNetwork({ seed });
  const [a, b] = ["10.0.0.1", "10.0.0.2"].map((host) => network.addHost({ host, port: PORT }));
  const [client, server] = [a!.start(), b!.start()];
  const listener = server.listenStreams(b!.address);
  const connect = () => client.connect(b!.address, { timeoutMs: 5_000 });
  /** Lets time pass until `promise` is settled; returns what it gave, or its error. */
  const until = async <T>(promise: Promise<T>): Promise<T> => {
    let settled = false;
    promise.finally(() => settled = true).catch(() => {});
    while (!settled) await network.schedule.passSettled(10);
    return await promise;
  };
  /** An open connection: both ends. */
  const open = async () => {
    const near = await until(connect());
    return { near, far: (await until(listener.accept()))! };
  };
  return { network, a: a!, b: b!, client, server, listener, connect, until, open };
}

/** Everything up to the end of the stream. */
async function readAll(stream: ByteStream): Promise<number[]> {
  const bytes: number[] = [];
  const buffer = new Uint8Array(3);
  for (let count; (count = await stream.read(buffer)) !== undefined;) {
    bytes.push(...buffer.subarray(0, count));
  }
  return bytes;
}

Deno.test("a connection brings bytes in order, both ways, however many packets are lost", async () => {
  const { network, until, open } = pair();
  const { near, far } = await open();
  network.quality = { loss: 0.3, delayMs: 5, jitterMs: 50, duplicate: 0.5 };
  const expected: number[] = [];
  for (let number = 0; number < 100; number++) {
    await near.write(new Uint8Array([number, number]));
    expected.push(number, number);
    await network.schedule.passSettled(10);
  }
  await far.write(new Uint8Array([7]));
  near.close();
  assertEquals(await until(readAll(far)), expected);
  await assertRejects(() => near.read(new Uint8Array(1)), StreamError, "was closed");
  await assertRejects(() => far.write(new Uint8Array(1)), StreamError, "the other end closed");
});

Deno.test("nobody listens, nothing answers, the caller gives up: each fails with its reason", async () => {
  const { network, a, client, until, connect } = pair();
  const nobody = client.connect({ host: "10.0.0.2", port: 1 }, { timeoutMs: 5_000 });
  await assertRejects(() => until(nobody), StreamError, "refused");
  const nowhere = client.connect({ host: "10.0.0.9", port: 1 }, { timeoutMs: 5_000 });
  await assertRejects(() => until(nowhere), StreamError, "refused");
  const abort = new AbortController();
  const options = { timeoutMs: 5_000, signal: abort.signal };
  const aborted = client.connect({ host: "10.0.0.2", port: PORT }, options);
  abort.abort();
  await assertRejects(() => until(aborted), StreamError, "aborted");
  network.cutStreams(a.address);
  const startMs = network.schedule.nowMs;
  await assertRejects(() => until(connect()), StreamError, "no answer within 5000 ms");
  assertEquals(network.schedule.nowMs - startMs, 5_000);
});

Deno.test("a killed process is called back no more, and the others' connections to it end", async () => {
  const { network, b, server, until, open } = pair();
  const { near, far } = await open();
  const happened: string[] = [];
  server.after(10, () => happened.push("timer"));
  void far.read(new Uint8Array(1)).finally(() => happened.push("read"));
  server.listenDatagrams(b.address).onDatagram = () => happened.push("packet");
  await near.write(new Uint8Array(1));
  network.carry({ host: "10.0.0.1", port: 1 }, { to: b.address, bytes: new Uint8Array(1) });
  b.end();
  assertEquals(await until(readAll(near)), []);
  await network.schedule.passSettled(1_000);
  assertEquals([happened, b.running], [[], false]);
  b.start().listenDatagrams(b.address);
});

Deno.test("a stopped process gets its timers, then its input, when it continues", async () => {
  const { network, b, server, open } = pair();
  const { near, far } = await open();
  const happened: string[] = [];
  server.after(10, () => happened.push(`timer ${network.schedule.nowMs}`));
  void far.read(new Uint8Array(1)).then(() => happened.push(`read ${network.schedule.nowMs}`));
  const startMs = network.schedule.nowMs;
  b.pause(500);
  await near.write(new Uint8Array(1));
  await network.schedule.passSettled(499);
  assertEquals(happened, []);
  await network.schedule.passSettled(1);
  assertEquals(happened, [`timer ${startMs + 500}`, `read ${startMs + 500}`]);
});

Deno.test("a cut that is repaired delays a connection, and loses packets", async () => {
  const { network, a, b, client, server, until, open } = pair();
  const { near, far } = await open();
  const received: Uint8Array[] = [];
  server.listenDatagrams(b.address).onDatagram = ({ bytes }) => received.push(bytes);
  const socket = client.listenDatagrams(a.address);
  network.partition([[a.address], [b.address]]);
  socket.send(b.address, new Uint8Array([1]));
  await near.write(new Uint8Array([1]));
  await network.schedule.passSettled(2_000);
  network.mend();
  socket.send(b.address, new Uint8Array([2]));
  near.close();
  assertEquals(await until(readAll(far)), [1]);
  assertEquals(received, [new Uint8Array([2])]);
});

Deno.test("a port is bound once, and only at an address of the host", () => {
  const { server, b } = pair();
  assertThrows(() => server.listenStreams(b.address), AddressError, "another program");
  assertThrows(
    () => server.listenDatagrams({ host: "10.0.0.1", port: 1 }),
    AddressError,
    "no such address",
  );
  const socket = server.listenDatagrams({ host: "0.0.0.0", port: 0 });
  assertThrows(() => server.listenDatagrams(socket.local), AddressError);
  socket.close();
  server.listenDatagrams(socket.local);
});
