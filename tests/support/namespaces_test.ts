import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { GoPeer } from "./go_peer.ts";
import { buildGoTool, missingForGo } from "./go_tools.ts";
import { missingForNetwork, type NetworkHost, TestNetwork } from "./namespaces.ts";
import { mustRun } from "./process.ts";

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

Deno.test(
  { name: `two memberlist nodes meet, part and meet in namespaces${because}`, ignore },
  async () => {
    const program = await buildGoTool("peer");
    await using network = await TestNetwork.create(2);
    await using a = await start(network, { program, name: "a", on: network.host(0) });
    await using b = await start(network, { program, name: "b", on: network.host(1) });
    await b.join(a.address);
    await a.waitFor("join", { name: "b", timeoutMs: 2000 });

    const cut = { from: [network.host(0)], to: [network.host(1)] };
    await network.cut(cut);
    await a.waitFor("failed", { name: "b", timeoutMs: 30_000 });
    await network.mend(cut);
    const since = a.events.all.length;
    await b.join(a.address);
    await a.waitFor("join", { name: "b", timeoutMs: 2000, since });
  },
);

Deno.test(
  { name: `a network delays, loses and is gone in the end${because}`, ignore },
  async () => {
    const program = await buildGoTool("peer");
    let namespaces: string[];
    {
      await using network = await TestNetwork.create(2);
      namespaces = network.hosts.map((host) => host.namespace);
      await using a = await start(network, { program, name: "a", on: network.host(0) });
      await using b = await start(network, { program, name: "b", on: network.host(1) });
      await network.setDelay({ delayMs: 100, jitterMs: 50 });
      const before = performance.now();
      await b.join(a.address);
      // A join is a TCP connection and one exchange on it: two round trips.
      const tookMs = performance.now() - before;
      assertGreater(tookMs, 200);
      assertLess(tookMs, 1200);

      await network.setDelay({ delayMs: 0, duplicatePercent: 100 });
      const since = b.events.all.length;
      const payload = new TextEncoder().encode("twice");
      await a.send("b", { payload, via: "packet" });
      let copies = 0;
      await b.events.wait((event) => event.event === "message" && ++copies === 2, {
        what: "second copy of a packet",
        timeoutMs: 2000,
        since,
      });

      await network.setDelay({ delayMs: 0 });
      await network.setLoss([{ percent: 50, protocol: "udp", from: network.host(0) }]);
      const sinceLoss = b.events.all.length;
      for (let sent = 0; sent < 200; sent++) await a.send("b", { payload, via: "packet" });
      const received =
        b.events.all.slice(sinceLoss).filter((event) => event.event === "message").length;
      assert(received > 50 && received < 150, `${received} of 200 arrived at 50 % loss`);
    }
    const left = await mustRun({ program: "ip", args: ["netns", "list"] });
    assertEquals(namespaces.filter((name) => left.includes(name)), []);
  },
);
