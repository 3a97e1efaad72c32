import { assertEquals, assertRejects } from "@std/assert";
import { AddressError, UsageError } from "../errors.ts";
import type { Address, Network } from "../runtime.ts";
import type { HostPort } from "../address.ts";
import { bindAll } from "./bind.ts";
import type { NodeSettings } from "./settings.ts";

const SETTINGS: NodeSettings = {
  bind: { hostname: "127.0.0.1", port: 3505 },
  clientBind: undefined,
  gossipGroup: 5,
  peers: [],
  label: "",
  tags: new Map(),
  advertiseIntervalMs: 20_000,
};

/** A host whose sockets are entries of `open`; `taken` are ports that others use. */
class FakeNetwork implements Network {
  readonly open = new Set<string>();
  readonly taken = new Set<string>();
  interfaces: string[] = ["127.0.0.1"];
  freePorts = [40_001, 40_002, 40_003];
  hasIpv6 = true;

  listenDatagrams(local: Address) {
    const socket = this.#bind("udp", local);
    return { ...socket, send() {}, receive: () => Promise.resolve(undefined) };
  }
  listenStreams(local: Address) {
    return { ...this.#bind("tcp", local), accept: () => Promise.resolve(undefined) };
  }
  connect(): Promise<never> {
    return Promise.reject(new Error("not here"));
  }
  resolve(hostname: string): Promise<string[]> {
    if (hostname === "localhost") return Promise.resolve(["127.0.0.1"]);
    if (/^[\d.:]+$/.test(hostname)) return Promise.resolve([hostname]);
    return Promise.reject(new AddressError(`cannot resolve the name "${hostname}"`));
  }
  interfaceAddresses(): string[] {
    return this.interfaces;
  }

  #bind(transport: string, local: Address): { local: Address; close: () => void } {
    if (local.host.includes(":") && !this.hasIpv6) throw new AddressError("no IPv6 here");
    const port = local.port === 0 ? this.freePorts.shift() ?? 0 : local.port;
    const key = `${transport}/${port}`;
    if (this.taken.has(key)) throw new AddressError(`cannot listen on ${key}: in use`);
    this.open.add(key);
    return { local: { host: local.host, port }, close: () => void this.open.delete(key) };
  }
}

const ADVERTISED: readonly {
  name: string;
  bind: HostPort;
  advertise?: HostPort;
  interfaces?: string[];
  hasIpv6?: boolean;
  expected: Address;
}[] = [
  {
    name: "a bound address is its own",
    bind: { hostname: "192.0.2.5", port: 3505 },
    expected: { host: "192.0.2.5", port: 3505 },
  },
  {
    name: "loopback is its own",
    bind: { hostname: "localhost", port: 2000 },
    expected: { host: "127.0.0.1", port: 2000 },
  },
  {
    name: "all interfaces: the first private one wins over a public one before it",
    bind: { hostname: "", port: 3505 },
    interfaces: ["127.0.0.1", "203.0.113.9", "10.0.0.7", "192.168.1.1", "::1"],
    expected: { host: "10.0.0.7", port: 3505 },
  },
  {
    name: "all interfaces: without a private one, the first that is not loopback",
    bind: { hostname: "", port: 3505 },
    interfaces: ["127.0.0.1", "203.0.113.9", "203.0.113.10"],
    expected: { host: "203.0.113.9", port: 3505 },
  },
  {
    name: "link-local addresses are passed over",
    bind: { hostname: "", port: 3505 },
    interfaces: ["fe80::1", "169.254.3.4", "fd00::2"],
    expected: { host: "fd00::2", port: 3505 },
  },
  {
    name: "IPv4 goes first among private ones",
    bind: { hostname: "", port: 3505 },
    interfaces: ["fd00::2", "172.16.0.9"],
    expected: { host: "172.16.0.9", port: 3505 },
  },
  {
    name: "bound to IPv4 alone, IPv6 is not advertised",
    bind: { hostname: "0.0.0.0", port: 3505 },
    interfaces: ["fd00::2", "203.0.113.9"],
    expected: { host: "203.0.113.9", port: 3505 },
  },
  {
    name: "a host without IPv6 takes the IPv4 wildcard",
    bind: { hostname: "", port: 3505 },
    interfaces: ["10.0.0.7"],
    hasIpv6: false,
    expected: { host: "10.0.0.7", port: 3505 },
  },
  {
    name: "-advertise wins",
    bind: { hostname: "", port: 3505 },
    advertise: { hostname: "198.51.100.1", port: 99 },
    expected: { host: "198.51.100.1", port: 99 },
  },
];

for (const { name, bind, advertise, interfaces, hasIpv6, expected } of ADVERTISED) {
  Deno.test(`advertised address: ${name}`, async () => {
    const network = new FakeNetwork();
    network.interfaces = interfaces ?? network.interfaces;
    network.hasIpv6 = hasIpv6 ?? true;
    const settings = { ...SETTINGS, bind, ...(advertise ? { advertise } : {}) };
    assertEquals((await bindAll(network, settings)).address, expected);
  });
}

const REFUSED: readonly {
  name: string;
  settings: Partial<NodeSettings>;
  taken?: string[];
  error?: typeof UsageError;
  expected: string;
}[] = [
  {
    name: "a machine with loopback alone, bound to all interfaces",
    settings: { bind: { hostname: "", port: 3505 } },
    expected: "-advertise",
  },
  {
    name: "a wildcard as the advertised address",
    settings: { advertise: { hostname: "0.0.0.0", port: 1 } },
    expected: "-advertise 0.0.0.0:1",
  },
  {
    name: "a UDP port in use",
    settings: {},
    taken: ["udp/3505"],
    expected: "cannot listen on udp/3505: in use: give another address or port with -bind",
  },
  { name: "a TCP port in use", settings: {}, taken: ["tcp/3505"], expected: "with -bind" },
  {
    name: "a client port in use",
    settings: { clientBind: { hostname: "127.0.0.1", port: 5924 } },
    taken: ["tcp/5924"],
    expected: "with -cli-bind",
  },
  {
    name: "a name that is not found",
    settings: { bind: { hostname: "nowhere", port: 3505 } },
    error: UsageError,
    expected: 'flag -bind: cannot resolve the name "nowhere"',
  },
];

for (const { name, settings, taken, error = AddressError, expected } of REFUSED) {
  Deno.test(`refused, and nothing left open: ${name}`, async () => {
    const network = new FakeNetwork();
    for (const port of taken ?? []) network.taken.add(port);
    await assertRejects(
      () => bindAll(network, { ...SETTINGS, ...settings }),
      error,
      expected,
    );
    assertEquals([...network.open], []);
  });
}

Deno.test("port 0 is a port that UDP and TCP both have free", async () => {
  const network = new FakeNetwork();
  network.taken.add("tcp/40001").add("udp/40002");
  network.freePorts = [40_001, 40_003];
  const settings = { ...SETTINGS, bind: { hostname: "127.0.0.1", port: 0 } };
  const { address } = await bindAll(network, settings);
  assertEquals(address, { host: "127.0.0.1", port: 40_003 });
  assertEquals([...network.open], ["udp/40003", "tcp/40003"]);
});
