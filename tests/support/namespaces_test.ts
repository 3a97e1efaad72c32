import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { GoPeer } from "./go_peer.ts";
import { buildGoTool, missingForGo } from "./go_tools.ts";
import { missingForNetwork, type NetworkHost, TestNetwork } from "./namespaces.ts";
import { eventually, mustRun } from "./process.ts";

const missing = await missingForNetwork() ?? await missingForGo();
const ignore = missing !== undefined;
const because = ignore ? ` (skipped, this machine lacks ${missing})` : "";

function start(network: TestNetwork, options: { program: string; name: string; on: NetworkHost }) {
  return GoPeer.start({
    program: options.program,
    name: options.name,
    bind: `${options.on.address}:7946`,
    wrap: (line) => network.on(options.on, line),
  });
}

/** The shortest duration of ten runs, in milliseconds. */
async function fastest(run: () => Promise<void>): Promise<number> {
  let fastestMs = Infinity;
  for (let round = 0; round < 10; round++) {
    const startMs = performance.now();
    await run();
    fastestMs = Math.min(fastestMs, performance.now() - startMs);
  }
  return fastestMs;
}

Deno.test(
  { name: `two memberlist nodes join, fail and rejoin in namespaces${because}`, ignore },
  async () => {
    const program = await buildGoTool("peer");
    await using network = await TestNetwork.create(2);
    await using a = await start(network, { program, name: "a", on: network.host(0) });
    await using b = await start(network, { program, name: "b", on: network.host(1) });
    await b.join(a.address);
    await a.waitFor("join", { name: "b" });

    const cut = { from: [network.host(0)], to: [network.host(1)] };
    await network.cut(cut);
    await a.waitFor("failed", { name: "b" });
    await network.mend(cut);
    const since = a.events.all.length;
    await b.join(a.address);
    await a.waitFor("join", { name: "b", since });
  },
);

Deno.test(
  {
    name: `a network delays, duplicates and drops packets, and is removed at the end${because}`,
    ignore,
  },
  async () => {
    const program = await buildGoTool("peer");
    let namespaces: string[];
    {
      await using network = await TestNetwork.create(2);
      namespaces = network.hosts.map((host) => host.namespace);
      await using a = await start(network, { program, name: "a", on: network.host(0) });
      await using b = await start(network, { program, name: "b", on: network.host(1) });
      await network.setDelay({ delayMs: 100, jitterMs: 50 });
      // A join is a TCP connection and one exchange on it: two round trips. On a busy machine a join
      // may take longer, so the fastest one counts.
      const fastestMs = await fastest(() => b.join(a.address));
      assertGreater(fastestMs, 200);
      assertLess(fastestMs, 1200);

      await network.setDelay({ delayMs: 0, duplicatePercent: 100 });
      const since = b.events.all.length;
      const payload = new TextEncoder().encode("twice");
      await a.send("b", { payload, via: "packet" });
      let copies = 0;
      await b.events.wait((event) => event.event === "message" && ++copies === 2, {
        what: "second copy of a packet",
        since,
      });

      await network.setDelay({ delayMs: 0 });
      await network.setLoss([{ percent: 50, protocol: "udp", from: network.host(0) }]);
      const sinceLoss = b.events.all.length;
      for (let sent = 0; sent < 200; sent++) await a.send("b", { payload, via: "packet" });
      const received = () =>
        b.events.all.slice(sinceLoss).filter((event) => event.event === "message").length;
      await eventually(() => assertGreater(received(), 50, "messages of 200 at 50 % loss"));
      assertLess(received(), 150, "messages of 200 at 50 % loss");
    }
    const left = await mustRun({ program: "ip", args: ["netns", "list"] });
    assertEquals(namespaces.filter((name) => left.includes(name)), []);
  },
);
