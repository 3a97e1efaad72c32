/**
 * Builds a network of several hosts on one machine: a network namespace for each host, and a router
 * namespace between them that drops packets, cuts links and, on demand, delays packets. No packet
 * leaves the namespaces. They are removed even if the process of the test is killed.
 * @module
 */
import { type CommandLine, mustRun, runCommand, TestProcess } from "./process.ts";
import { buildGoTool } from "./go_tools.ts";

/** The IP protocol of a packet. */
export type Protocol = "icmp" | "tcp" | "udp";

/** A host of the network. */
export interface NetworkHost {
  /** The name of its network namespace. */
  readonly namespace: string;
  /** Its IPv4 address. */
  readonly address: string;
}

/** Packets that are dropped at random. An absent field matches every packet. */
export interface LossRule {
  /** The share that is dropped, in percent, in each direction that the rule covers. */
  readonly percent: number;
  /** Only packets of this protocol. */
  readonly protocol?: Protocol;
  /** Only packets from this host. */
  readonly from?: NetworkHost;
  /** Only packets to this host. */
  readonly to?: NetworkHost;
}

/** Packets that are all dropped. */
export interface Cut {
  /** Sent by any of these hosts… */
  readonly from: readonly NetworkHost[];
  /** The receivers. */
  readonly to: readonly NetworkHost[];
  /** Only packets of these protocols; all by default. */
  readonly protocols?: readonly Protocol[];
  /** Whether the reverse direction stays open; false by default. */
  readonly oneWay?: boolean;
}

/** How each packet is delayed. */
export interface Delay {
  /** Mean delay in milliseconds. */
  readonly delayMs: number;
  /** The delay varies uniformly by up to this many milliseconds, which reorders packets. */
  readonly jitterMs?: number;
  /** The share of packets that arrive twice, in percent. */
  readonly duplicatePercent?: number;
}

/** What is missing to build a network here; `undefined` if nothing is. */
export async function missingForNetwork(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "Linux network namespaces";
  if (Deno.uid() !== 0) return "root, to make network namespaces";
  const probe = `gossipcheck-${crypto.randomUUID().slice(0, 8)}-probe`;
  const script = `ip netns add ${probe} && trap 'ip netns del ${probe}' EXIT &&
    ip netns exec ${probe} nft add table ip probe`;
  const { code, stderr } = await runCommand({ program: "sh", args: ["-c", script] });
  return code === 0 ? undefined : `network namespaces and nftables (${stderr.trim()})`;
}

/** A router and its hosts. Disposing of it removes the namespaces. */
export class TestNetwork implements AsyncDisposable {
  readonly #guardian: TestProcess;
  readonly #router: string;
  #relay: TestProcess | undefined;
  readonly hosts: readonly NetworkHost[];

  /** Takes what `create` has made. */
  constructor(options: { router: string; hosts: NetworkHost[]; guardian: TestProcess }) {
    this.#router = options.router;
    this.hosts = options.hosts;
    this.#guardian = options.guardian;
  }

  /** Makes a network of `count` hosts, at most 250, without loss or delay. */
  static async create(count: number): Promise<TestNetwork> {
    const prefix = `gossipcheck-${Deno.pid}-${crypto.randomUUID().slice(0, 8)}`;
    const router = `${prefix}-router`;
    const hosts = Array.from({ length: count }, (_, index) => ({
      namespace: `${prefix}-${index}`,
      address: `10.77.${index}.2`,
    }));
    const guardian = startGuardian([...hosts.map((host) => host.namespace), router]);
    const network = new TestNetwork({ router, hosts, guardian });
    try {
      await guardian.stdout.wait((line) => line === "ready", {
        what: "start of the process that removes the namespaces",
      });
      await mustRun({ program: "sh", args: ["-eu"] }, { input: creationScript(router, hosts) });
      return network;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The host with this number, from 0. */
  host(index: number): NetworkHost {
    const host = this.hosts[index];
    if (host === undefined) throw new RangeError(`the network has no host ${index}`);
    return host;
  }

  /** Returns the command line that runs `line` on `host`. */
  on(host: NetworkHost, line: CommandLine): CommandLine {
    return inNamespace(host.namespace, line);
  }

  /** Drops these packets at random from now on, and no others. */
  async setLoss(rules: readonly LossRule[]): Promise<void> {
    await this.#nft(["flush chain ip faults loss", ...rules.map(lossStatement)]);
  }

  /** Drops these packets too from now on. */
  async cut(cut: Cut): Promise<void> {
    await this.#nft([`add element ip faults cuts { ${cutElements(cut)} }`]);
  }

  /** Ends a cut. */
  async mend(cut: Cut): Promise<void> {
    await this.#nft([`delete element ip faults cuts { ${cutElements(cut)} }`]);
  }

  /** Delays every packet between hosts from now on. Needs Go, for `tests/go/relay`. */
  async setDelay(delay: Delay): Promise<void> {
    this.#relay ??= await this.#startRelay();
    const since = this.#relay.stdout.all.length;
    await this.#relay.writeLine(JSON.stringify(delay));
    await this.#relay.stdout.wait((line) => line === "changed", {
      what: "confirmation of the relay",
      since,
    });
  }

  /** Kills the processes that still run in the namespaces, and removes the namespaces. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay?.[Symbol.asyncDispose]();
    await this.#guardian.endInput();
    await this.#guardian.status;
    await this.#guardian[Symbol.asyncDispose]();
  }

  async #nft(statements: readonly string[]): Promise<void> {
    const line = { program: "nft", args: ["-f", "-"] };
    await mustRun(inNamespace(this.#router, line), { input: statements.join("\n") + "\n" });
  }

  /** Routes packets from hosts into a TUN device, which the relay reads and writes. */
  async #startRelay(): Promise<TestProcess> {
    const program = await buildGoTool("relay");
    const script = [
      "ip tuntap add dev held mode tun",
      "ip link set held up",
      "ip route add default dev held table 100",
      ...this.hosts.map((_, index) => `ip rule add iif host${index} lookup 100`),
    ];
    const shell = inNamespace(this.#router, { program: "sh", args: ["-eu"] });
    await mustRun(shell, { input: script.join("\n") });
    const relay = new TestProcess(inNamespace(this.#router, { program, args: ["held"] }));
    await relay.stdout.wait((line) => line === "ready", {
      what: "start of the relay",
    });
    return relay;
  }
}

/**
 * Starts a process that removes the namespaces once its stdin is closed: when the test disposes of
 * the network, or when the process of the test dies for any reason.
 */
function startGuardian(namespaces: readonly string[]): TestProcess {
  const script = `trap '' INT TERM HUP
    echo ready
    while read -r _; do :; done
    for namespace in "$@"; do
      for pid in $(ip netns pids "$namespace" 2>/dev/null); do kill -s KILL "$pid" || :; done
      ip netns del "$namespace" 2>/dev/null || :
    done`;
  return new TestProcess({ program: "sh", args: ["-c", script, "guardian", ...namespaces] });
}

function inNamespace(namespace: string, line: CommandLine): CommandLine {
  return {
    ...line,
    program: "ip",
    args: ["netns", "exec", namespace, line.program, ...line.args],
  };
}

function creationScript(router: string, hosts: readonly NetworkHost[]): string {
  const made = hosts.map((host, index) => `
    ip netns add ${host.namespace}
    ip -n ${host.namespace} link set lo up
    ip -n ${router} link add host${index} type veth peer name eth0 netns ${host.namespace}
    ip -n ${router} address add 10.77.${index}.1/30 dev host${index}
    ip -n ${router} link set host${index} up
    ip -n ${host.namespace} address add ${host.address}/30 dev eth0
    ip -n ${host.namespace} link set eth0 up
    ip -n ${host.namespace} route add default via 10.77.${index}.1`);
  // A delayed packet passes the hook twice. The faults apply the first time.
  return `
    ip netns add ${router}
    ip -n ${router} link set lo up
    ip netns exec ${router} sh -c 'cd /proc/sys/net/ipv4; echo 1 > ip_forward
      echo 0 > conf/all/rp_filter; echo 0 > conf/default/rp_filter'
    ${made.join("")}
    ip netns exec ${router} nft -f - <<'END'
      table ip faults {
        set cuts { type ipv4_addr . ipv4_addr . inet_proto; }
        chain loss { }
        chain forward {
          type filter hook forward priority filter;
          iifname "held" accept
          ip saddr . ip daddr . ip protocol @cuts drop
          jump loss
        }
      }
END
`;
}

function lossStatement(rule: LossRule): string {
  const match = [
    rule.from && `ip saddr ${rule.from.address}`,
    rule.to && `ip daddr ${rule.to.address}`,
    rule.protocol && `ip protocol ${rule.protocol}`,
  ].filter((part) => part !== undefined);
  return `add rule ip faults loss ${match.join(" ")} numgen random mod 100 < ${rule.percent} drop`;
}

function cutElements(cut: Cut): string {
  const pairs = cut.from.flatMap((from) =>
    cut.to.flatMap((to) => cut.oneWay ? [[from, to]] : [[from, to], [to, from]])
  );
  const protocols = cut.protocols ?? ["icmp", "tcp", "udp"];
  return pairs.flatMap((pair) =>
    protocols.map((protocol) => [...pair.map((host) => host.address), protocol].join(" . "))
  ).join(", ");
}
